"""News of models and prices reach receivers: each kind as it comes about in a gateway that runs."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.db import connect
from gateway.snapshots import store as snapshots
from router.feeds.readings import AnyReading, Notice, NoticeReading, PriceReading, PriceRow, payload_of, subject_of
from tests.stories.cards import asked
from tests.stories.house import Customer, Gateway, eventually, execute
from tests.stories.receiver import Post, Receiver
from tests.stories.upstreams import Upstream, status

EVENTS = ["model.deprecated", "model.stale", "model.retired", "price.changed"]
PICTURE = "story/picture"


@pytest.fixture(scope="module")
def teller(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], cards: Path
) -> Iterator[Gateway]:
    """A gateway that knows how its offers stand, so that what comes is news."""
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(cards), PODIUM_SANDBOX="on", PODIUM_WEBHOOKS_PRIVATE="on").start()
    eventually(lambda: ran(gateway, "lives"), "the offers' lives are written down")
    yield gateway
    close_gateway(gateway)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def ran(gateway: Gateway, tick: str) -> int:
    """How often a tick has run."""
    data = gateway.admin.get("/v1/ticks").json()["data"]
    return next((int(each["runs"]) for each in data if each["name"] == tick and each["succeeded_at"]), 0)


def a_while_later(gateway: Gateway, *ticks: str) -> None:
    """Their time has come, and they have run: a gateway looks for what is due as it starts."""
    before = [ran(gateway, tick) for tick in ticks]
    gateway.stop()
    for tick in ticks:
        execute(gateway.database_url, f"UPDATE tick SET due_at = 0, lease_until = NULL WHERE name = '{tick}'")
    gateway.start()
    eventually(lambda: all(ran(gateway, tick) > runs for tick, runs in zip(ticks, before, strict=True)), "they run")


def read(gateway: Gateway, *readings: AnyReading) -> None:
    """Readings of sources come in from another process, as `podium refresh` brings them."""

    async def write() -> None:
        opened, now = connect(gateway.database_url), datetime.now(UTC)
        for reading in readings:
            row = (reading.source, subject_of(reading), reading.taken_at, payload_of(reading), now)
            await opened.together(lambda connection, row=row: snapshots.add(connection, *row))  # type: ignore[misc]
        await opened.close()

    asyncio.run(write())


def watching(gateway: Gateway, receiver: Receiver) -> tuple[Customer, str]:
    """A caller like any other who asks for all such news, and the secret that they are signed with."""
    alice = gateway.customer("1")
    made = alice.post("/v1/webhooks", {"url": receiver.url, "events": EVENTS})
    assert made.status_code == 201, made.text
    return alice, made.json()["secret"]


def heard(receiver: Receiver, kind: str, offer: str) -> Post:
    """The one telling of what became of an offer."""
    [post] = eventually(
        lambda: [post for post in receiver.of(kind) if post.event["data"]["offer"] == offer], f"{kind} of {offer}"
    )
    return post


def is_in_the_feed(customer: Customer, data: dict[str, Any]) -> bool:
    changes = {each["id"]: each for each in customer.get("/v1/changes?limit=500").json()["data"]}
    return all(changes[data["id"]][name] == data[name] for name in ("kind", "subject", "before", "after", "evidence"))


def test_an_end_that_is_announced_observed_or_decided_is_told_as_what_it_is(
    teller: Gateway, receiver: Receiver, upstream: Upstream
) -> None:
    alice, secret = watching(teller, receiver)
    now = datetime.now(UTC)
    ends = now.date() + timedelta(days=40)
    row = Notice(label=PICTURE, channel="south", stage="shutdown", announced=now.date(), ends=ends, replacement=())
    read(teller, NoticeReading(source="deprecations-rss", taken_at=now, rows=(row,)))
    upstream.plan("east", status(404, {"message": "no such model", "code": "model_not_found"}))
    missed = [alice.done(asked("east")) for _ in range(3)]
    assert {each["error"]["code"] for each in missed} == {"model_missing"}
    word = {"offer": f"brief/{PICTURE}", "word": "retired", "why": "too brief"}
    assert teller.admin.post("/v1/offers/word", word).status_code == 200
    a_while_later(teller, "lives")
    told = [("model.deprecated", "south"), ("model.stale", "east"), ("model.retired", "brief")]
    announced, observed, decided = (
        heard(receiver, kind, f"{provider}/{PICTURE}").verified(secret)["data"] for kind, provider in told
    )
    assert str(ends) in announced["after"] and "no such model" in observed["evidence"]
    assert observed["before"] == "active" and "too brief" in decided["evidence"]
    assert all(is_in_the_feed(alice, data) for data in (announced, observed, decided))
    a_while_later(teller, "lives")
    assert len(receiver.posts) == 3, "what was told is not told again"


def test_a_price_that_was_accepted_is_told_with_what_it_was(teller: Gateway, receiver: Receiver) -> None:
    alice, secret = watching(teller, receiver)
    row = PriceRow(label=PICTURE, provider="north", units=("output_image",), counted="image", usd="0.05")
    now = datetime.now(UTC)
    read(teller, *[PriceReading(source=source, taken_at=now, rows=(row,)) for source in ("litellm", "models.dev")])
    a_while_later(teller, "prices")
    [proposal] = teller.admin.get("/v1/prices/proposals?status=open").json()["data"]
    assert receiver.posts == [], "a proposal is not a price"
    assert teller.admin.post(f"/v1/prices/proposals/{proposal['id']}/accept").status_code == 200
    data = heard(receiver, "price.changed", f"north/{PICTURE}").verified(secret)["data"]
    assert "0.01" in data["before"] and "0.05" in data["after"] and is_in_the_feed(alice, data)
    quote = alice.post("/v1/quotes", asked("north")).json()
    assert quote["quote_usd"] == "0.05"
