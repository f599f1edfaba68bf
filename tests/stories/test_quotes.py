"""Quotes: a price that was promised is the price that is paid, whatever the catalog says by then."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.stories.cards import CHEAP, DEAR, asked
from tests.stories.house import Customer, Gateway
from tests.stories.upstreams import Upstream, pictures, status


def quoted(customer: Customer, body: dict[str, Any]) -> dict[str, Any]:
    answer = customer.post("/v1/quotes", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def reprice(cards: Path, provider: str, usd: str) -> None:
    """The operator's card says another price from yesterday on."""
    path = cards / f"{provider}.yaml"
    card = yaml.safe_load(path.read_text())
    for offer in card["offers"]:
        first = offer["prices"][0]
        newer = first | {"since": "2026-02-01", "rates": [first["rates"][0] | {"usd": usd}]}
        offer["prices"] = [first, newer]
    path.write_text(yaml.safe_dump(card))


def test_a_quote_spends_nothing_and_says_how_long_it_holds(town: Gateway) -> None:
    alice = town.customer("1")
    quote = quoted(alice, asked("north"))
    assert (quote["quote_usd"], alice.balance, alice.held) == (CHEAP, 1, 0)
    assert quote["expires_at"] > quote["decision"]["created_at"][:19]
    assert alice.get(f"/v1/decisions/{quote['decision']['id']}").status_code == 200


def test_a_job_by_a_quote_is_settled_at_its_prices_though_they_have_risen_meanwhile(
    mortal: Gateway, cards: Path, upstream: Upstream
) -> None:
    alice = mortal.customer("1")
    body = asked("north", "south")
    quote = quoted(alice, body)
    before = {name: (cards / f"{name}.yaml").read_text() for name in ("north", "south")}
    try:
        for name in before:
            reprice(cards, name, "0.70")
        mortal.restart()
        upstream.plan("north", status(404), pictures)
        fallen_back = alice.done(body | {"quote": quote["id"]})
        assert (fallen_back["offer"], fallen_back["cost"]["cost_usd"]) == ("south/story/picture", DEAR)
        assert fallen_back["decision"] == quote["decision"]["id"]
        first = alice.done(body | {"quote": quote["id"]})
        assert (first["offer"], first["cost"]["cost_usd"]) == ("north/story/picture", CHEAP)
        assert alice.balance == 1 - Decimal(CHEAP) - Decimal(DEAR)
        assert alice.done(body)["cost"]["cost_usd"] == "0.70"
    finally:
        for name, text in before.items():
            (cards / f"{name}.yaml").write_text(text)
        mortal.restart()


def test_a_quote_is_for_its_caller_its_body_and_its_time(town: Gateway) -> None:
    alice, bob = town.customer("1"), town.customer("1")
    quote = quoted(alice, asked("north"))["id"]
    assert bob.post("/v1/jobs", asked("north") | {"quote": quote}).status_code == 404
    other = alice.post("/v1/jobs", asked("north") | {"quote": quote, "count": 2})
    assert (other.status_code, other.json()["code"]) == (409, "conflict") and "another request" in other.json()[
        "detail"
    ]
    assert alice.post("/v1/jobs", asked("north") | {"quote": "quo_none"}).status_code == 404
    assert alice.post("/v1/jobs", asked("north") | {"quote": quote, "metadata": {"for": "tests"}}).status_code == 202


def test_what_cannot_be_had_is_not_quoted(town: Gateway) -> None:
    alice = town.customer("1")
    refused = alice.post("/v1/quotes", asked("north", max_cost_usd="0.000001"))
    assert (refused.status_code, refused.json()["code"]) == (422, "no_offer")
