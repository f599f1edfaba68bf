"""What Ark's transcripts do not tell: who hears of a task, what can be stopped, and what a caller cannot slip in."""

import json

from adapters.capabilities import fit
from adapters.dialects import ark_images, ark_video
from adapters.registry import load_catalog
from adapters.schema import MediaRequest, Task
from adapters.wire import CallsBack, Cancels, Pending, Reply

CARD = load_catalog().cards["byteplus"]
CLIP = next(offer for offer in CARD.offers if offer.dialect == "ark_video")
PICTURE = next(offer for offer in CARD.offers if offer.dialect == "ark_images")


def request(**more) -> MediaRequest:
    return MediaRequest.model_validate({"task": Task.TEXT_TO_VIDEO, "prompt": "fox"} | more)


def seen(word: str) -> Pending:
    first = ark_video.read(ark_video.submit(request(), CLIP), Reply(200, {}, b'{"id": "cgt-1"}'))
    reply = Reply(200, {}, json.dumps({"id": "cgt-1", "status": word}).encode())
    return ark_video.read(first.call, reply)


def test_a_queued_task_is_stopped_and_a_running_one_is_not():
    assert isinstance(ark_video, Cancels)
    assert ark_video.cancel(seen("queued").call).method == "DELETE"
    assert ark_video.cancel(seen("running").call) is None
    assert ark_video.cancel(ark_video.submit(request(), CLIP)) is None


def test_an_address_to_call_back_is_added_and_nothing_else_is_changed():
    assert isinstance(ark_video, CallsBack)
    call = ark_video.submit(request(), CLIP)
    called = ark_video.called_back(call, "https://here.example/callbacks/1")
    assert called.json_body == call.json_body | {"callback_url": "https://here.example/callbacks/1"}
    assert called.model_copy(update={"json_body": call.json_body}) == call


def test_an_id_cannot_lead_to_another_path():
    call = ark_video.read(ark_video.submit(request(), CLIP), Reply(200, {}, b'{"id": "../files?x=1"}')).call
    assert call.url == "/contents/generations/tasks/..%2Ffiles%3Fx%3D1"


def test_what_would_change_the_price_or_the_number_of_outputs_is_not_the_callers_to_say():
    for offer, names in (
        (CLIP, ("frames", "service_tier", "draft")),
        (PICTURE, ("sequential_image_generation", "stream")),
    ):
        for name in names:
            asked = request(task=next(iter(offer.tasks - {Task.IMAGE_TO_VIDEO, Task.IMAGE_EDIT})))
            there = offer.for_task(asked.task)
            wish = asked.model_copy(update={"extra": {"byteplus": {name: 1}}})
            assert fit(asked, there).reasons == () and fit(wish, there).reasons, name


def test_the_watermark_is_off():
    for dialect, offer in ((ark_images, PICTURE), (ark_video, CLIP)):
        assert dialect.submit(request(), offer).json_body["watermark"] is False
