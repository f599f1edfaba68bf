"""A quote's own rules: whose it is, what it was given for, and when it ends."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.schema import Price
from gateway.keys.rules import Caller, Role
from gateway.problems import Conflict, NotFound
from gateway.routing import quotes
from gateway.routing.body import JobBody, asked_digest

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALICE, BOB = Caller("key_a", "alice", Role.CALLER), Caller("key_b", "bob", Role.CALLER)
PRICE = {"since": "2026-01-01", "checked": "2026-01-01", "source": "here", "rates": [{"unit": "request", "usd": "1"}]}


def body(**more) -> JobBody:
    return JobBody.model_validate({"task": "text-to-image", "prompt": "a fox", "quote": "quo_1"} | more)


def row(**more):
    made = {
        "id": "quo_1", "key_id": "key_a", "digest": asked_digest(body()), "decision_id": "dec_1", "ranked": '["a/m"]',
        "policy": "{}", "prices": json.dumps({"a/m": PRICE}), "margin_ppm": 5, "quote_nanos": 10**9,
        "created_at": NOW, "expires_at": NOW + timedelta(minutes=15),
    }  # fmt: skip
    return made | more


def test_a_quote_gives_its_offers_its_prices_and_its_margin():
    choice = quotes.choice_of(row(), ALICE, body(), NOW)
    assert (choice.offers, choice.decision_id, choice.margin_ppm) == (("a/m",), "dec_1", 5)
    assert choice.prices == {"a/m": Price.model_validate(PRICE)} and choice.plan is None


def test_labels_and_webhooks_are_no_part_of_what_was_quoted():
    assert quotes.choice_of(row(), ALICE, body(metadata={"project": "x"}), NOW)


@pytest.mark.parametrize("more", [{"count": 2}, {"prompt": "a bear"}, {"strict": False}, {"routing": {"top": 1}}])
def test_another_request_is_not_what_was_quoted(more):
    with pytest.raises(Conflict, match="another request"):
        quotes.choice_of(row(), ALICE, body(**more), NOW)


def test_a_quote_ends_at_its_moment():
    assert quotes.choice_of(row(), ALICE, body(), NOW + timedelta(minutes=15) - timedelta(microseconds=1))
    with pytest.raises(Conflict, match="has expired at 2026-11-21T12:15:00Z"):
        quotes.choice_of(row(), ALICE, body(), NOW + timedelta(minutes=15))


@pytest.mark.parametrize("found", [None, row()])
def test_another_callers_quote_is_not_there(found):
    with pytest.raises(NotFound):
        quotes.choice_of(found, BOB, body(), NOW)
