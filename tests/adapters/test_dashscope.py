"""What DashScope's transcripts do not tell: the header that makes a task, what can be stopped, what is switched off."""

import json

import pytest

from adapters.dialects import dashscope, dashscope_sync
from adapters.registry import load_catalog
from adapters.schema import MediaRequest
from adapters.wire import Cancels, Failed, Pending, Reply, understand

OFFERS = [offer for name in ("dashscope", "dashscope-cn") for offer in load_catalog().cards[name].offers]
CLIP = next(offer for offer in OFFERS if offer.dialect == "dashscope")
CALL = dashscope.submit(MediaRequest(task="text-to-video", prompt="fox"), CLIP)


def seen(word: object) -> Pending | Failed:
    reply = Reply(200, {}, json.dumps({"output": {"task_id": "t-1", "task_status": word}}).encode())
    return understand(dashscope, CALL, reply)


def test_a_task_is_asked_for_by_a_header_and_looked_at_without_it():
    assert CALL.headers == {"x-dashscope-async": "enable"}
    assert seen("PENDING").call.headers == {}


def test_a_pending_task_is_stopped_and_a_running_one_is_not():
    assert isinstance(dashscope, Cancels)
    assert dashscope.cancel(seen("PENDING").call).url == "/tasks/t-1/cancel"
    assert dashscope.cancel(seen("RUNNING").call) is None
    assert dashscope.cancel(CALL) is None


@pytest.mark.parametrize("offer", OFFERS, ids=[offer.id for offer in OFFERS])
def test_nothing_is_rewritten_or_marked_unasked(offer):
    for task in offer.tasks:
        assert offer.for_task(task).fixed["watermark"] is False
        assert offer.for_task(task).fixed.get("prompt_extend", False) is False


def test_an_id_cannot_lead_to_another_path():
    reply = Reply(200, {}, b'{"output": {"task_id": "../x?y", "task_status": "PENDING"}}')
    assert understand(dashscope, CALL, reply).call.url == "/tasks/..%2Fx%3Fy"


def test_a_link_that_is_none_is_a_bad_reply():
    body = {"output": {"choices": [{"message": {"content": [{"image": "file:///etc/passwd"}]}}]}}
    call = dashscope_sync.submit(MediaRequest(task="text-to-image", prompt="cat"), OFFERS[-1])
    assert understand(dashscope_sync, call, Reply(200, {}, json.dumps(body).encode())).error.fault == "bad_reply"
