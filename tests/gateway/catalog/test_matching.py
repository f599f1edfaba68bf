"""Which offers a label at a provider is about: its own id first, its model's name next, one release of it never."""

from datetime import UTC, date, datetime

import pytest

from gateway.catalog.lives import fold
from gateway.catalog.matching import channels, matcher, provider_of
from gateway.catalog.sightings import Heard
from router.feeds.readings import Notice
from router.retirement import Stage
from tests.supplies import make_supply

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path)


@pytest.fixture
def match(supply):
    return matcher(supply.catalog.offers(), supply.names)


def test_every_channel_leads_to_a_provider_that_we_have(supply):
    assert set(channels().values()) <= set(supply.cards)
    assert not channels().keys() & supply.cards.keys(), "a provider's own name needs no entry"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("AWS Bedrock", "bedrock"),
        ("google-vertex", "vertex"),
        ("google", "google"),
        ("azure_ai", "azure"),
        ("nobody", "nobody"),
    ],
)
def test_a_channel_is_a_provider_of_ours_or_keeps_its_name(theirs, ours):
    assert provider_of(theirs) == ours


def test_every_offer_is_found_by_its_own_id(supply, match):
    for offer in supply.catalog.offers():
        assert offer.id in match.offers(offer.provider, offer.wire_id)
        assert offer.id in match.offers(offer.provider, offer.wire_id.upper())


@pytest.mark.parametrize(
    ("channel", "label", "found"),
    [
        ("openai", "gpt-image-1.5", {"openai/openai/gpt-image-1.5"}),
        ("azure", "gpt-image-1.5", {"azure/openai/gpt-image-1.5"}),
        ("google", "gemini-3-pro-image", {"google/google/gemini-3-pro-image"}),
        ("google", "models/gemini-3-pro-image", {"google/google/gemini-3-pro-image"}),
        ("google", "gemini-3-pro-image-preview", set()),
        ("vertex_ai", "vertex_ai/gemini-3-pro-image", {"vertex/google/gemini-3-pro-image"}),
        ("groq", "gemini-3-pro-image", set()),
        ("google", "no such model", set()),
    ],
)
def test_a_label_means_the_offer_at_its_own_provider_and_no_release_of_it(match, channel, label, found):
    assert match.offers(channel, label) == found


def heard(source, announced, ends, label="gpt-image-2", channel="azure", first=TODAY):
    row = Notice(label=label, channel=channel, stage="shutdown", announced=announced, ends=ends)
    return Heard(source, row, first, TODAY, True)


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ([], "card"),
        ([heard("deprecations-rss", date(2026, 11, 22), date(2026, 12, 1))], date(2026, 12, 1)),
        ([heard("deprecations-rss", date(2026, 1, 1), date(2026, 12, 1))], "card"),
        ([heard("deprecations-rss", None, date(2026, 12, 1))], "card"),
        ([heard("deprecations-rss", date(2027, 1, 1), date(2027, 1, 1))], "card"),
        ([heard("litellm", date(2026, 11, 22), date(2026, 12, 1))], "card"),
    ],
)
def test_of_several_words_the_latest_of_those_who_know_counts(supply, words, ends):
    offer = next(each for each in supply.catalog.offers() if each.id == "azure/openai/gpt-image-2")
    assert offer.ends and max(price.checked for price in offer.prices) < date(2026, 11, 22)
    life = fold(supply, (), words, {}, TODAY).offers[offer.id]
    assert (life.stage, life.ends) == (Stage.DEPRECATED, offer.ends if ends == "card" else ends)


def test_an_end_that_came_elsewhere_ends_nothing_here(supply):
    here = "deepinfra/meta/llama-4-scout"
    label = "meta-llama/llama-4-scout-17b-16e-instruct"
    lives = fold(
        supply, (), [heard("deprecations-rss", date(2026, 6, 17), date(2026, 7, 17), label, "groq")], {}, TODAY
    )
    assert lives.offers[here].stage is Stage.ACTIVE
    (elsewhere,) = lives.elsewhere["meta/llama-4-scout"].items()
    assert elsewhere[0] == f"{label}@groq"
    assert (elsewhere[1].stage, elsewhere[1].since) == (Stage.RETIRED, date(2026, 7, 17))
