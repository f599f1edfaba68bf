"""A job's events over HTTP: told as they happen, and after a break from where the listener stopped, at any replica."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.stories.cards import asked
from tests.stories.house import Customer, Gateway
from tests.stories.upstreams import Queue, Upstream, chat, status

TEXT = {"task": "text", "messages": [{"role": "user", "content": "Tell me of foxes."}], "max_tokens": 50}
SAID = ["Foxes ", "are ", "quick ", "— “vif”."]


class Event(NamedTuple):
    id: str
    name: str
    data: dict[str, Any]


@pytest.fixture(scope="module")
def open_house(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], upstream: Upstream
) -> Iterator[Gateway]:
    at = {"PODIUM_PROVIDER_OPENAI_BASE_URL": f"{upstream.url}/openai/v1", "OPENAI_API_KEY": "sk-0123456789abcdef"}
    gateway = new_gateway(PODIUM_SANDBOX="on", **at).start()
    yield gateway
    close_gateway(gateway)


def listen(customer: Customer, job_id: str, last: str | None = None) -> Iterator[Event]:
    """Events as they come."""
    client = customer.gateway.client
    assert client is not None
    headers = {"authorization": f"Bearer {customer.secret}"} | ({"last-event-id": last} if last else {})
    with client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        yield from parsed(answer)


def parsed(answer: httpx.Response) -> Iterator[Event]:
    said: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if line:
            said[name] = value
        elif "event" in said:
            yield Event(said["id"], said["event"], httpx.Response(200, text=said["data"]).json())
            said = {}


def words(events: list[Event]) -> str:
    return "".join(each.data["text"] for each in events if each.name == "delta")


def test_a_clips_life_is_told_and_told_on_after_any_event(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("queue", Queue(looks=3))
    alice = town.customer("1")
    job = alice.submit(asked("queue"))
    whole = list(listen(alice, job["id"]))
    names = [each.name for each in whole]
    assert names[-2:] == ["status", "done"] and {"status", "attempt"} <= set(names[:-2])
    assert whole[-1].data["status"] == "succeeded"
    assert len({each.id for each in whole}) == len(whole)
    for stop in whole[:-1]:
        rest = list(listen(alice, job["id"], stop.id))
        assert rest[-1] == whole[-1]._replace(data=rest[-1].data) and rest[-1].data["id"] == job["id"]
        assert len({each.name for each in rest if each.name in ("status", "done")}) == 2 or stop.name == "status"
    over = alice.get(f"/v1/jobs/{job['id']}/events", last_event_id=whole[-1].id)
    assert (over.status_code, over.content) == (204, b""), "an EventSource that reconnects is told to stop"


def test_who_breaks_off_in_a_text_hears_the_rest_of_its_words(open_house: Gateway, upstream: Upstream) -> None:
    rest = threading.Event()
    upstream.plan("openai", chat(SAID, {"prompt_tokens": 9, "completion_tokens": 7}, before=rest))
    alice = open_house.customer("1")
    job = alice.submit(TEXT)
    first: list[Event] = []
    for event in listen(alice, job["id"]):
        first.append(event)
        if event.name == "delta":
            break
    assert words(first) == SAID[0]
    second = listen(alice, job["id"], first[-1].id)
    rest.set()
    heard = list(second)
    assert words(first + heard) == "".join(SAID) and heard[-1].name == "done"
    after = list(listen(alice, job["id"], first[-1].id))
    assert words(first + after) == "".join(SAID), "after the end the rest comes from the job itself"
    assert [each.name for each in after if each.name == "delta"] == ["delta"]


def test_a_fallback_is_told_as_a_second_attempt(town: Gateway, upstream: Upstream) -> None:
    upstream.plan("north", status(401, {"message": "no"}))
    alice = town.customer("1")
    job = alice.submit(asked("north", "south"))
    told = [each.data for each in listen(alice, job["id"]) if each.name == "attempt"]
    last = {each["number"]: (each["status"], each["fault"]) for each in told}
    assert last == {1: ("failed", "auth"), 2: ("succeeded", None)}


def test_an_id_from_elsewhere_is_told_all_and_a_long_one_refused(town: Gateway) -> None:
    alice = town.customer("1")
    job = alice.done(asked("north"))
    assert [each.name for each in listen(alice, job["id"], "42")] == ["attempt", "status", "done"]
    assert alice.get(f"/v1/jobs/{job['id']}/events", last_event_id="9" * 201).status_code == 422
