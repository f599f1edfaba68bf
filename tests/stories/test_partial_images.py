"""A picture that is seen while it is made: at the OpenAI door by OpenAI's own client, and in a job's events."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.simulators import openai_images
from tests.simulators.server import Server
from tests.stories.house import Customer, Gateway
from tests.stories.libraries import run_python
from tests.stories.openai_door import DOOR
from tests.stories.test_events import Event, listen

ASKED = openai_images.SIMULATED.job | {"prompt": "a paper boat", "partial_images": 2}
PARTIAL_USD = Decimal(openai_images.PARTIAL_TOKENS) * 30 / 1_000_000


@pytest.fixture(scope="module")
def studio() -> Iterator[Server]:
    """OpenAI, as it shows its pictures."""
    with Server(openai_images.SIMULATED) as server:
        yield server


@pytest.fixture(scope="module")
def gallery(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], studio: Server
) -> Iterator[Gateway]:
    at = {"PODIUM_PROVIDER_OPENAI_BASE_URL": f"{studio.url}/v1", "OPENAI_API_KEY": openai_images.KEY}
    gateway = new_gateway(PODIUM_SANDBOX="on", **at).start()
    yield gateway
    close_gateway(gateway)


def decoded(event: Event) -> tuple[str | None, tuple[int, int]]:
    picture = Image.open(io.BytesIO(base64.b64decode(event.data["base64"], validate=True)))
    picture.load()
    return picture.get_format_mimetype(), picture.size


def partials(events: list[Event]) -> list[Event]:
    return [event for event in events if event.name == "partial"]


def test_openais_own_client_sees_pictures_while_they_are_made(gallery: Gateway, tmp_path: Path) -> None:
    run_python("openai_partials.py", tmp_path, gallery.url, gallery.customer().secret)


def test_a_jobs_events_show_its_picture_on_the_way_and_nothing_of_it_stays(gallery: Gateway) -> None:
    alice = gallery.customer()
    job = alice.submit(ASKED)
    events = list(listen(alice, job["id"]))
    shown = partials(events)
    assert [event.data["index"] for event in shown] == [0, 1] and events[-1].name == "done"
    assert [decoded(event) for event in shown] == [(event.data["mime"], (1024, 1024)) for event in shown]
    done = events[-1].data
    assert len(done["outputs"]) == 1 and done["usage"]["output_image_token"] == "400"
    assert done["resolved"]["partial_images"] == 2
    assert "partial_images" not in {each["parameter"] for each in done["adjustments"]}
    kept = json.dumps(alice.get(f"/v1/jobs/{job['id']}").json())
    assert not any(event.data["base64"] in kept for event in shown)
    assert partials(list(listen(alice, job["id"]))) == [], "who comes after the end sees the picture itself"


def test_partial_pictures_are_held_for_and_paid_as_they_are_counted(gallery: Gateway) -> None:
    alice = gallery.customer()
    plain, shown = (alice.done(ASKED | {"partial_images": each}) for each in (0, 2))
    for name in ("held_usd", "cost_usd"):
        assert Decimal(shown["cost"][name]) - Decimal(plain["cost"][name]) == 2 * PARTIAL_USD, name
    assert shown["cost"]["source"] == "table" and alice.held == 0


@pytest.mark.parametrize("strict", [True, False])
def test_an_offer_that_shows_nothing_will_do_and_says_so(gallery: Gateway, strict: bool) -> None:
    alice = gallery.customer()
    wish = {"task": "text-to-image", "model": "podium/sandbox-pictures-draft", "prompt": "a boat", "partial_images": 2}
    events = list(listen(alice, alice.submit(wish | {"strict": strict})["id"]))
    assert partials(events) == [] and events[-1].data["status"] == "succeeded"
    assert events[-1].data["adjustments"] == [{"parameter": "partial_images", "asked": 2, "sent": None}]


def test_who_hangs_up_in_the_middle_stops_nothing(gallery: Gateway) -> None:
    alice = gallery.customer()
    client = gallery.client
    assert client is not None
    body = {"model": "openai/gpt-image-2", "prompt": "a boat", "stream": True, "partial_images": 3}
    headers = {"authorization": f"Bearer {alice.secret}"}
    with client.stream("POST", f"{DOOR}/images/generations", json=body, headers=headers) as answer:
        assert next(answer.iter_lines()) == "event: image_generation.partial_image"
        job_id = answer.headers["x-podium-job"]
    assert alice.job_when(job_id, lambda job: job["status"] == "succeeded")["usage"]["output_image_token"] == "500"


@pytest.mark.parametrize(
    ("word", "status", "fault"), [("fail late", "failed", "provider_fault"), ("drop late", "unknown", "unreachable")]
)
def test_a_stream_that_breaks_has_the_fate_of_any_submit(
    gallery: Gateway, studio: Server, word: str, status: str, fault: str
) -> None:
    """What the provider says has failed is over; of a connection that ended nobody can say, so it is not sent again."""
    alice, prompt = gallery.customer(), f"a boat by {word} [{word}]"
    job = alice.submit(ASKED | {"prompt": prompt, "routing": {"only": ["openai"], "fallbacks": 0}})

    def has_broken(job: dict[str, Any]) -> bool:
        return bool(job["attempts"][-1]["status"] == status)

    broken = alice.job_when(job["id"], has_broken)
    assert broken["attempts"][-1]["fault"] == fault and not broken["outputs"]
    sent = sum(run.prompt == prompt for run in studio.world.runs.values())
    assert (alice.held > 0) == (status == "unknown") and sent == len(broken["attempts"])


def test_another_keys_partial_pictures_are_not_found(gallery: Gateway) -> None:
    alice, mallory = gallery.customer(), gallery.customer()
    job = alice.submit(ASKED)
    assert mallory.get(f"/v1/jobs/{job['id']}/events").status_code == 404
    assert alice.job_when(job["id"], lambda job: job["status"] == "succeeded")


@pytest.mark.parametrize("wish", [-1, 4, "many", 1.5])
def test_a_wish_beyond_three_is_refused(gallery: Gateway, wish: Any) -> None:
    alice: Customer = gallery.customer()
    assert alice.post("/v1/jobs", ASKED | {"partial_images": wish}).status_code == 422
    at_the_door = {"model": "auto", "prompt": "a boat", "stream": True, "partial_images": wish}
    assert alice.post(f"{DOOR}/images/generations", at_the_door).json()["error"]["param"] == "partial_images"
