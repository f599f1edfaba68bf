"""A request is held for its job, but not for ever; and what only some offers understand leaves the others out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import Request

from adapters.schema import Task
from gateway import clock, migrations
from gateway.assembly import Parts, assembled
from gateway.doors.openai import serving
from gateway.doors.openai.asking import chat, image
from gateway.doors.openai.errors import JobFailed, StillRunning
from gateway.ledger import book, rules as ledger
from gateway.problems import Invalid
from gateway.settings import Settings
from tests.supplies import forget_environment

SECRET = "pk_chosen_by_the_operator_0123456789"
ASKED = image({"model": "podium/sandbox-pictures-draft", "prompt": "a fox"}, Task.TEXT_TO_IMAGE)
TALK = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
async def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parts]:
    """A gateway without a worker: what is asked of it waits."""
    forget_environment(monkeypatch, tmp_path)
    url = f"sqlite+aiosqlite:///{tmp_path}/podium.db"
    await asyncio.to_thread(migrations.upgrade, url)
    settings = Settings(
        database_url=url, store_url=f"file://{tmp_path}/assets", log_level="critical", admin_key=SECRET, sandbox="on"
    )
    async with assembled(settings, with_worker=False) as made:
        yield made


async def request_of(parts: Parts) -> Request:
    """A request by a key with a dollar."""
    caller = await parts.keyring.authenticate(SECRET)
    funded = ledger.fund(caller.id, ledger.NANOS, "a dollar")
    await parts.db.together(lambda connection: book.post(connection, funded, clock.now()))
    return Request({"type": "http", "headers": [], "podium.caller": caller})


@pytest.mark.anyio
async def test_a_job_that_takes_longer_than_it_is_waited_for_is_named_and_goes_on(parts: Parts) -> None:
    request = await request_of(parts)
    seen = await serving.submit(parts, request, ASKED)
    with pytest.raises(StillRunning) as caught:
        await serving.ended(parts, request, seen, hold_s=0.05)
    assert caught.value.more["job"] == seen.job["id"] and caught.value.headers["x-podium-job"] == seen.job["id"]
    caller = request.scope["podium.caller"]
    assert not (await parts.jobs.see(caller, seen.job["id"])).is_final
    await parts.jobs.cancel(caller, seen.job["id"])
    with pytest.raises(JobFailed, match="canceled"):
        await serving.ended(parts, request, seen, hold_s=5)


@pytest.mark.anyio
async def test_an_option_goes_to_those_who_understand_it_and_all_others_are_left_out(parts: Parts) -> None:
    asked = chat(TALK | {"top_p": 0.5, "podium": {"ignore": ["groq"], "extra": {"groq": {"user": "u"}}}})
    fields = serving.narrowed(asked, parts.supply.by_task[Task.TEXT], serving.speaks_chat)
    left_out = set(fields["routing"]["ignore"])
    for offer in parts.supply.by_task[Task.TEXT]:
        is_out = not {offer.provider, offer.id}.isdisjoint(left_out - {"groq"})
        assert is_out is not serving.speaks_chat(offer), offer.id
        assert (fields["extra"].get(offer.provider, {}).get("top_p") == 0.5) is serving.speaks_chat(offer)
    assert fields["extra"]["groq"] == {"top_p": 0.5, "user": "u"} and "groq" in left_out
    assert serving.job_body(fields).routing.ignore


@pytest.mark.anyio
async def test_dear_offers_are_left_out_and_a_price_must_be_an_amount(parts: Parts) -> None:
    priced = chat(TALK | {"provider": {"max_price": {"prompt": 0.2, "completion": "0.5"}}})
    offers = [each for each in parts.supply.by_task[Task.TEXT] if each.provider in ("anthropic", "sandbox", "openai")]
    left_out = set(serving.narrowed(priced, offers, serving.speaks_chat)["routing"]["ignore"])
    assert (
        "anthropic/anthropic/claude-fable-5" in left_out and not {"sandbox", "sandbox/podium/sandbox-words"} & left_out
    )
    assert {"openai", "openai/openai/gpt-4.1"} & left_out
    with pytest.raises(Invalid, match="too many"):
        serving.narrowed(priced, parts.supply.by_task[Task.TEXT], serving.speaks_chat)
    for wrong in (-1, "cheap", "NaN", None):
        asked = chat(TALK | {"provider": {"max_price": {"prompt": wrong}}})
        with pytest.raises(Invalid, match=r"provider\.max_price\.prompt"):
            serving.narrowed(asked, offers, serving.speaks_chat)


@pytest.mark.anyio
async def test_an_input_that_is_no_picture_is_refused_by_the_field_it_stood_in(parts: Parts) -> None:
    request = await request_of(parts)
    for task, role, field in (
        (Task.IMAGE_EDIT, "source", "image"),
        (Task.IMAGE_TO_VIDEO, "first_frame", "input_reference"),
    ):
        model = "podium/sandbox-pictures" if task is Task.IMAGE_EDIT else "podium/sandbox-clips"
        inputs = [{"role": role, "base64": "aGVsbG8="}]
        asked = image({"model": model, "prompt": "a fox"}, task, inputs)
        with pytest.raises(Invalid) as caught:
            await serving.submit(parts, request, asked)
        assert caught.value.more["errors"][0]["path"] == field
