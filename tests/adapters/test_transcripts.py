"""Every written-down conversation must still be spoken word for word, with no network at all.

A transcript in `tests/transcripts/<dialect>/` tells one life of one request: the offer, the request, then each call
with the reply it gets, and how it `ends`. A call is `{METHOD: url, json: …}` or `{METHOD: url, form: […]}` and must
match exactly; `cancel` is the call that would stop the run at that moment; `ends` names what matters of the last
progress.
"""

import json
from pathlib import Path

import pytest
import yaml

from adapters.registry import DIALECTS
from adapters.schema import MediaRequest, Offer
from adapters.wire import Call, Cancels, Pending, Reply, understand

TRANSCRIPTS = sorted((Path(__file__).parent.parent / "transcripts").glob("*/*.yaml"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_conversation_is_spoken_as_written(path):
    script = yaml.safe_load(path.read_text())
    dialect = DIALECTS[path.parent.name]
    request = MediaRequest.model_validate(script["request"])
    card = {"provider": path.parent.name, "model": "m/m", "dialect": path.parent.name, "tasks": [request.task]}
    offer = Offer.model_validate(card | script["offer"])

    progress = Pending(call=dialect.submit(request, offer))
    for exchange in script["exchanges"]:
        assert isinstance(progress, Pending), f"ended too early: {progress}"
        call = restarted(progress.call)
        assert said(call) == exchange["call"]
        progress = understand(dialect, call, reply_of(exchange["reply"]))
        if "cancel" in exchange:
            assert isinstance(dialect, Cancels)
            assert said(dialect.cancel(progress.call)) == exchange["cancel"]

    assert within(script["ends"], progress.model_dump(mode="json")) == script["ends"]


def test_every_dialect_tells_of_success_failure_refusal_and_nonsense():
    told = {dialect: set() for dialect in DIALECTS}
    for path in TRANSCRIPTS:
        ends = yaml.safe_load(path.read_text())["ends"]
        told[path.parent.name].add(ends["error"]["fault"] if ends["state"] == "failed" else "done")
    for dialect, ends in told.items():
        assert ends >= {"done", "provider_fault", "content_rejected", "bad_reply"}, dialect


def restarted(call: Call) -> Call:
    """The call as another process reads it from the database."""
    return Call.model_validate_json(call.model_dump_json())


def said(call: Call) -> dict:
    words = {call.method: call.url}
    if call.json_body is not None:
        words["json"] = call.json_body
    if call.form:
        words["form"] = [part.model_dump(exclude_defaults=True) for part in call.form]
    return words


def reply_of(written: dict) -> Reply:
    if "stored" in written:
        return Reply(written["status"], written.get("headers", {}), stored=written["stored"])
    body = written["text"] if "text" in written else json.dumps(written["json"])
    return Reply(written["status"], written.get("headers", {}), body.encode())


def within(wanted, found):
    """What was found, cut down to the keys that are wanted, so that the comparison shows what differs."""
    if isinstance(wanted, dict) and wanted and isinstance(found, dict):
        return {key: within(value, found.get(key, "missing")) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [within(one, other) for one, other in zip(wanted, found, strict=True)]
    return found
