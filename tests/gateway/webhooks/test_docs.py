"""The page on webhooks says what the code does, and its receiver runs."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from gateway.webhooks import endpoints, rules

PAGE = (Path(__file__).parents[3] / "docs/webhooks.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_receiver_of_the_page_takes_an_event_once_and_refuses_a_strangers():
    there: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], there)
    body = rules.body_of("job.finished", datetime.now(UTC), "job_1", {"id": "job_1"})
    headers = rules.headers_of("evt_1", body, [SECRET], datetime.now(UTC))
    assert there["received"](body.encode(), headers, SECRET)["data"] == {"id": "job_1"}
    assert there["received"](body.encode(), headers, SECRET) is None
    with pytest.raises(WebhookVerificationError):
        there["received"](body.replace("job_1", "job_2").encode(), headers, SECRET)


def test_every_event_and_every_wait_is_on_the_page():
    assert all(f"`{kind}`" in PAGE for kind in rules.Kind)
    waits = ["30 s", "2 min", "10 min", "1 h", "3 h", "6 h", "12 h", "24 h"]
    units = {"s": 1, "min": 60, "h": 3_600}
    assert tuple(int(each.split()[0]) * units[each.split()[1]] for each in waits) == rules.RETRIES_S
    assert f"{', '.join(waits[:-1])} and {waits[-1]}" in " ".join(PAGE.split())
    assert f"{endpoints.MOST} endpoints" in PAGE and f"first {rules.SAID_CHARS} characters" in PAGE
