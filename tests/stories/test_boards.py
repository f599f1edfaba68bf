"""The choice of `auto` follows the boards: newer readings change it, and the decision says which and why."""

import json
import subprocess
import sys

import pytest

from tests.readings import arena_file
from tests.stories.house import child_environment, eventually

TASK = {"task": "text-to-video", "prompt": "a red fox runs through snow", "routing": {"policy": "best"}}
KEYS = {"FAL_KEY": "not-a-real-one"}


@pytest.fixture(scope="module")
def follower(new_gateway, close_gateway):
    """A gateway with a provider's key: it only ever chooses here, and runs nothing."""
    gateway = new_gateway(**KEYS).start()
    yield gateway
    close_gateway(gateway)


def podium(gateway, *words):
    environment = child_environment(PODIUM_DATABASE_URL=gateway.database_url, **KEYS)
    ran = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words, "--json"], cwd=gateway.folder, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(ran.stdout)


def chosen(customer):
    """The offer that would be tried first, and the decision as it is kept."""
    decision = customer.post("/v1/route", TASK).json()["decision"]
    kept = customer.get(f"/v1/decisions/{decision['id']}").json()
    return kept["ranked"][0], kept


def test_auto_for_text_to_video_changes_after_newer_readings_and_the_decision_says_why(follower, tmp_path):
    customer = follower.customer()
    before, first = chosen(customer)
    assert "arena/text-to-video of 2026-08-22" in before["quality"]["source"]
    models = {row["offer"].partition("/")[2] for row in first["ranked"]}
    riser = next(model for model in ("kuaishou/kling-2.6", "google/veo-3.1-fast", "minimax/hailuo-02", *sorted(models))
                 if model in models and model not in before["offer"])  # fmt: skip

    board = customer.get("/v1/boards/arena/text-to-video").json()
    ratings = {line["label"]: line["rating"] for line in board["standings"]}
    label = next((line["label"] for line in board["standings"] if line["model"] == riser), riser)
    arena_file(tmp_path, "2026-11-20", **ratings | {label: max(ratings.values()) + 150})
    fed = podium(follower, "refresh", "boards", "--from", str(tmp_path))
    assert (fed["new"], fed["refused"]) == (1, [])

    after, second = eventually(
        lambda: found if (found := chosen(customer))[0]["offer"] != before["offer"] else None, "evidence", 60
    )
    assert after["offer"].endswith(riser)
    assert "arena/text-to-video of 2026-11-20" in after["quality"]["source"]
    assert after["quality"]["value"] > before["quality"]["value"] or after["score"] > before["score"]
    assert second["evidence_id"] > first["evidence_id"]
    # The decision made before still says what it was made by.
    again = customer.get(f"/v1/decisions/{first['id']}").json()
    assert again == first
