"""Where a dialect puts our address, and what it reads from a provider's list: transcripts tell of neither."""

import json
from datetime import date

import pytest

from adapters import uploads
from adapters.dialects import fal, fireworks, openai_chat, openai_images, replicate
from adapters.schema import Input, MediaRequest, Offer, WireField
from adapters.wire import Call, Pending, Reply, understand

OUR_ADDRESS = "https://podium.example/callbacks/att_1?token=a&b=c"
QUOTED = "https%3A%2F%2Fpodium.example%2Fcallbacks%2Fatt_1%3Ftoken%3Da%26b%3Dc"
PICTURE = Input(role="source", asset="ast_1")


def submit_of(dialect, wire_id: str, inputs=(), **more) -> Call:
    request = MediaRequest(task="image-edit", prompt="a cat", inputs=inputs)
    offer = {"provider": "p", "model": "m/m", "dialect": "d", "wire_id": wire_id, "tasks": ["image-edit"]}
    return dialect.submit(request, Offer.model_validate(offer | {"inputs": {"source": (0, 1)}} | more))


def listed(dialect, call: Call, body: object):
    return dialect.read_models(call, Reply(200, {}, json.dumps(body).encode()))


def test_fal_is_told_our_address_in_the_query():
    call = fal.called_back(submit_of(fal, "a/b"), OUR_ADDRESS)
    assert call.url == f"/a/b?fal_webhook={QUOTED}" and call.json_body == {"prompt": "a cat"}


def test_a_submit_that_waits_for_an_upload_is_told_our_address_too():
    fields = {"source": WireField(name="image_url", media="uploaded")}
    upload = fal.called_back(submit_of(fal, "a/b", (PICTURE,), fields=fields), OUR_ADDRESS)
    assert upload.stage == "upload" and QUOTED not in upload.url
    waiting = Call.model_validate(upload.memo[uploads.SUBMIT])
    assert waiting.url == f"/a/b?fal_webhook={QUOTED}"


def test_replicate_is_told_our_address_beside_the_input_and_only_of_the_end():
    upload = replicate.called_back(submit_of(replicate, "o/n", (PICTURE,)), OUR_ADDRESS)
    file = {"urls": {"get": "https://api.replicate.com/v1/files/f"}}
    progress = understand(replicate, upload, Reply(201, {}, json.dumps(file).encode()))
    assert isinstance(progress, Pending)
    told = {"webhook": OUR_ADDRESS, "webhook_events_filter": ["completed"]}
    assert progress.call.json_body == {"input": {"prompt": "a cat", "image": file["urls"]["get"]}} | told


def test_fal_lists_page_by_page():
    call = fal.list_models()
    known = {"endpoint_id": "a/b", "metadata": {"display_name": "B", "date": "2026-02-03T04:05:06Z"}}
    page = listed(fal, call, {"models": [known, {"endpoint_id": "c/d"}], "next_cursor": "Mg==", "has_more": True})
    assert [(each.wire_id, each.name, each.created) for each in page.models] == [
        ("a/b", "B", date(2026, 2, 3)),
        ("c/d", None, None),
    ]
    assert page.next.url == f"{call.url}&cursor=Mg%3D%3D"
    assert listed(fal, page.next, {"models": [], "next_cursor": None, "has_more": False}).next is None


def test_replicate_lists_its_official_models_by_their_whole_names():
    page = listed(replicate, replicate.list_models(), {"models": [{"owner": "o", "name": "n", "run_count": 1}]})
    assert [each.wire_id for each in page.models] == ["o/n"] and page.next is None


@pytest.mark.parametrize("dialect", [openai_images, openai_chat, fireworks])
@pytest.mark.parametrize("created", [None, 0])
def test_a_list_in_openais_words_may_lack_dates(dialect, created):
    models = [{"id": "a", "created": 1_763_600_000}, {"id": "b", "created": created}]
    page = listed(dialect, dialect.list_models(), {"object": "list", "data": models})
    assert [(each.wire_id, each.created) for each in page.models] == [("a", date(2025, 11, 20)), ("b", None)]


@pytest.mark.parametrize("dialect", [openai_images, openai_chat])
def test_a_bare_list_is_read_as_well(dialect):
    assert [each.wire_id for each in listed(dialect, dialect.list_models(), [{"id": "a"}]).models] == ["a"]


@pytest.mark.parametrize("dialect", [fal, replicate, openai_images, openai_chat, fireworks])
@pytest.mark.parametrize("body", [{}, None, 7, {"data": [7], "models": [7]}])
def test_a_list_that_is_none_raises_what_a_reader_catches(dialect, body):
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        listed(dialect, dialect.list_models(), body)
