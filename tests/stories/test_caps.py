"""Caps hold across replicas: 256 requests at once at four gateways on one Postgres, against a budget for 100."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway import migrations
from tests.stories.cards import asked
from tests.stories.house import Customer, Gateway
from tests.stories.upstreams import Upstream, held_until, status

AT_ONCE, ALLOWED = 256, 100
THREADS = 64
PICTURE = asked("north")
CLIP = {"task": "text-to-video", "prompt": "a paper boat", "model": "story/clip", "duration_s": 8}
WORDS = {"task": "text", "prompt": "be brief", "model": "story/words", "max_tokens": 50}
AT_DOORS = {"prompt": PICTURE["prompt"], "podium": PICTURE["routing"]}
VIDEO = {"prompt": CLIP["prompt"], "model": "story/clip", "seconds": "8"}


class Kind(NamedTuple):
    """Something that is asked for at an entrance: who would make it, the same as a native body, and the call."""

    provider: str
    native: dict[str, Any]
    path: str
    body: dict[str, Any]


KINDS = {
    "pictures": Kind("north", PICTURE, "/v1/jobs", PICTURE),
    "clips": Kind("reel", CLIP, "/v1/jobs", CLIP),
    "words": Kind("talker", WORDS, "/v1/jobs", WORDS),
    "clips at OpenAI's door": Kind("reel", CLIP, "/openai/v1/videos", VIDEO),
    "pictures at fal's door": Kind("north", PICTURE, "/fal/story/picture", AT_DOORS),
    "pictures at Replicate's door": Kind(
        "north", PICTURE, "/replicate/v1/models/story/picture/predictions", {"input": AT_DOORS}
    ),
}


@pytest.fixture(scope="module")
def replicas(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], postgres_server: Any, cards: Path
) -> Iterator[list[Gateway]]:
    postgres_server.psql("CREATE DATABASE caps")
    url = postgres_server.get_uri("caps", driver="asyncpg")
    migrations.upgrade(url)
    variables = {"PODIUM_CATALOG_DIR": str(cards), "PODIUM_SANDBOX": "on"}
    gateways = [new_gateway(url, **variables).start() for _ in range(4)]
    yield gateways
    for gateway in gateways:
        close_gateway(gateway)
    postgres_server.psql("DROP DATABASE caps WITH (FORCE)")


@pytest.mark.parametrize("kind", KINDS)
def test_of_256_at_once_at_four_gateways_exactly_100_pass(
    replicas: list[Gateway], upstream: Upstream, kind: str
) -> None:
    provider, native, path, body = KINDS[kind]
    release = threading.Event()
    upstream.plan(provider, held_until(release, status(400, {"message": "enough"})))
    first = replicas[0]
    alice = first.customer("1000")
    quote = Decimal(alice.post("/v1/quotes", native).json()["quote_usd"])
    cap = {"name": "cap", "scope": "key", "subject": alice.id, "window": "month", "limit_usd": str(quote * ALLOWED)}
    assert first.admin.post("/v1/budgets", cap).status_code == 201
    doors = [Customer(gateway, alice.id, alice.secret) for gateway in replicas]
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(lambda n: doors[n % len(doors)].post(path, body), range(AT_ONCE)))
        assert Counter(each.is_success for each in answers) == {True: ALLOWED, False: AT_ONCE - ALLOWED}
        assert all("budget" in each.text for each in answers if not each.is_success)
        assert alice.held == quote * ALLOWED
    finally:
        release.set()
    for each in alice.get("/v1/jobs?limit=500").json()["data"]:
        alice.finished(each["id"], 90)
    assert (alice.balance, alice.held) == (1000, 0)
    [budget] = alice.get("/v1/budgets").json()["data"]
    assert Decimal(budget["spent_usd"]) == 0, "what was held and not spent is free again"
