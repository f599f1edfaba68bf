"""Prices are read exactly, in our units where the source's word leaves no doubt, and never as zero."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from adapters import registry
from adapters.wire import Reply
from router.feeds import fal, litellm, modelsdev, openrouter, portkey, vercel
from router.feeds.readings import ListingReading, NoticeReading, PriceReading, Unreadable

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)


def read(feed, document, call=None):
    call = call or feed.requests()[0]
    readings = feed.read(call, Reply(200, {}, json.dumps(document).encode()), NOW).readings
    return {type(each): each.rows for each in readings}


def prices(rows):
    return {(row.label, row.units, tuple(sorted(row.when.items()))): row.usd / row.per for row in rows[PriceReading]}


LITELLM = {
    "sample_spec": {"mode": "one of", "input_cost_per_token": 0.1, "deprecation_date": "YYYY-MM-DD"},
    "gemini/veo-9": {
        "litellm_provider": "gemini", "mode": "video_generation", "output_cost_per_second": 0.4,
        "output_cost_per_second_4k": 0.6, "deprecation_date": "2026-10-22", "source": "https://example.test/prices",
    },
    "low/1024-x-1536/gpt-image-9": {
        "litellm_provider": "openai", "mode": "image_generation", "input_cost_per_image": 0.016,
    },
    "gpt-image-9": {
        "litellm_provider": "openai", "mode": "image_generation", "input_cost_per_image": 0.0011,
        "output_cost_per_image": 0.134, "input_cost_per_token_batches": 1e-06,
    },
    "old/draws": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_pixel": 1.9e-08,
                  "output_cost_per_pixel": 0.0},
    "talks": {"litellm_provider": "xai", "mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 0},
}  # fmt: skip


def test_litellm_rates_become_ours_and_a_zero_is_no_price():
    assert prices(read(litellm, LITELLM)) == {
        ("gemini/veo-9", ("output_video_second",), ()): Decimal("0.4"),
        ("gemini/veo-9", ("output_video_second",), (("resolution", ("4k",)),)): Decimal("0.6"),
        ("gpt-image-9", ("output_image",), (("quality", ("low",)), ("size", ("1024x1536",)))): Decimal("0.016"),
        ("gpt-image-9", ("input_image",), ()): Decimal("0.0011"),
        ("gpt-image-9", ("output_image",), ()): Decimal("0.134"),
        ("old/draws", ("output_megapixel",), ()): Decimal("0.019"),
        ("talks", ("input_token",), ()): Decimal("0.000002"),
    }


def test_litellm_also_says_when_a_model_ends_and_at_which_provider():
    (notice,) = read(litellm, LITELLM)[NoticeReading]
    assert (notice.label, notice.channel, notice.stage, notice.ends) == (
        "gemini/veo-9", "gemini", "shutdown", date(2026, 10, 22),
    )  # fmt: skip


def test_models_dev_lists_every_model_and_prices_a_million_tokens():
    card = {
        "models": {
            "flux-9": {"name": "FLUX 9", "release_date": "2026-02-27", "cost": {"input": 0, "output": 60.0}},
            "flux-8": {"name": "FLUX 8", "status": "deprecated"},
        }
    }
    rows = read(modelsdev, {"maker": card})
    assert [(row.provider, row.label, row.released) for row in rows[ListingReading]] == [
        ("maker", "flux-9", date(2026, 2, 27)), ("maker", "flux-8", None),
    ]  # fmt: skip
    assert prices(rows) == {("flux-9", ("output_token",), ()): Decimal("0.00006")}
    assert [(row.label, row.stage, row.ends) for row in rows[NoticeReading]] == [("flux-8", "deprecated", None)]


def test_openrouter_lists_prices_and_says_who_leaves():
    model = {
        "id": "google/pictures-9", "canonical_slug": "x", "name": "Pictures 9", "created": 1778613011,
        "pricing": {"prompt": "0.00003", "completion": "-1", "image": "0.01", "web_search": "0.01"},
        "expiration_date": "2026-09-01",
    }  # fmt: skip
    rows = read(openrouter, {"data": [model]})
    assert rows[ListingReading][0].released == date(2026, 5, 12)
    assert prices(rows) == {
        ("google/pictures-9", ("input_token",), ()): Decimal("0.00003"),
        ("google/pictures-9", ("input_image",), ()): Decimal("0.01"),
    }
    assert rows[NoticeReading][0].ends == date(2026, 9, 1)


def test_openrouters_video_models_say_their_unit_in_the_word():
    assert [call.url.partition("openrouter.ai")[2] for call in openrouter.requests()] == [
        "/api/v1/models", "/api/v1/videos/models",
    ]  # fmt: skip
    skus = {
        "duration_seconds_with_audio_720p": "0.08", "duration_seconds_without_audio": "0.03",
        "cents_per_video_output_second_4K": "14", "cents_per_image_input": "1", "duration_seconds": "0",
    }  # fmt: skip
    rows = read(openrouter, {"data": [{"id": "google/veo-9", "pricing_skus": skus}]})
    assert [row.label for row in rows[ListingReading]] == ["google/veo-9"]
    assert prices(rows) == {
        ("google/veo-9", ("output_video_second",), (("audio", (True,)), ("resolution", ("720p",)))): Decimal("0.08"),
        ("google/veo-9", ("output_video_second",), (("audio", (False,)),)): Decimal("0.03"),
        ("google/veo-9", ("output_video_second",), (("resolution", ("4k",)),)): Decimal("0.14"),
        ("google/veo-9", (), ()): Decimal("0.01"),
    }


def test_vercel_prices_pictures_by_size_and_seconds_by_resolution():
    models = [
        {"id": "a/draws", "owned_by": "a", "pricing": {
            "image_dimension_quality_pricing": [
                {"size": "1K", "cost": "0.04"}, {"size": "1024x1024", "cost": "0.05"}]}},
        {"id": "a/films", "owned_by": "a", "pricing": {
            "video_duration_pricing": [{"resolution": "720p", "audio": True, "cost_per_second": "0.1"}]}},
        {"id": "a/counts", "owned_by": "a", "pricing": {
            "video_token_pricing": {"no_video_input": {"cost_per_million_tokens": "5.6"}}}},
    ]  # fmt: skip
    rows = read(vercel, {"object": "list", "data": models})
    assert prices(rows) == {
        ("a/draws", ("output_image",), (("resolution", ("1k",)),)): Decimal("0.04"),
        ("a/draws", ("output_image",), (("size", ("1024x1024",)),)): Decimal("0.05"),
        ("a/films", ("output_video_second",), (("audio", (True,)), ("resolution", ("720p",)))): Decimal("0.1"),
        ("a/counts", (), ()): Decimal("0.0000056"),
    }


def test_fals_index_is_read_page_by_page():
    call, *asked = fal.requests(tuple(f"fal-ai/model-{number}" for number in range(51)))
    assert len(asked) == 2 and asked[0].url.count(",") == 49
    page = {"models": [{"endpoint_id": "fal-ai/veo9", "metadata": {"display_name": "Veo 9", "date": "2026-08-01"}}],
            "has_more": True, "next_cursor": "a=="}  # fmt: skip
    first = fal.read(call, Reply(200, {}, json.dumps(page).encode()), NOW)
    assert first.readings[0].rows[0].label == "fal-ai/veo9"
    assert first.next is not None and first.next.url.endswith("/v1/models?limit=100&cursor=a%3D%3D")
    second = fal.read(first.next, Reply(200, {}, json.dumps(page | {"next_cursor": "b"}).encode()), NOW)
    assert second.next is not None and second.next.url.endswith("?limit=100&cursor=b")
    assert fal.read(call, Reply(200, {}, json.dumps(page | {"has_more": False}).encode()), NOW).next is None


def test_fals_own_words_for_units_stay_open_where_they_are_not_clear():
    answered = {"prices": [
        {"endpoint_id": "a", "unit_price": 0.3, "unit": "5 seconds", "currency": "USD"},
        {"endpoint_id": "b", "unit_price": 0.03, "unit": "megapixels", "currency": "USD"},
        {"endpoint_id": "c", "unit_price": 1.0, "unit": "credits", "currency": "USD"},
        {"endpoint_id": "d", "unit_price": 1.0, "unit": "images", "currency": "EUR"},
    ]}  # fmt: skip
    rows = {row.label: row for row in read(fal, answered)[PriceReading]}
    assert rows["a"].per == 5 and set(rows["a"].units) > {"output_video_second"}
    assert rows["b"].units == ("output_megapixel",)
    assert rows["c"].units == () and rows["c"].counted == "credits"
    assert "d" not in rows
    kept = {"prices": {"a": {"unit_price": 0.3, "billing_unit": "5 seconds", "currency": "USD"}}}
    assert read(fal, kept)[PriceReading] == (rows["a"],)


def test_portkeys_cents_are_dollars_here_and_each_provider_is_a_subject_of_its_own():
    entry = {
        "pricing_config": {
            "pay_as_you_go": {
                "request_token": {"price": 0.0002},
                "image": {"default": {"default": {"price": 4}}, "low": {"1024x1024": {"price": 1.1}}},
                "additional_units": {"video_duration_seconds_1280_720": {"price": 30}},
            }
        }
    }
    call = portkey.request("vertex-ai")
    rows = read(portkey, {"default": entry, "draws": entry}, call)
    assert prices(rows) == {
        ("draws", ("input_token",), ()): Decimal("0.000002"),
        ("draws", ("output_image",), ()): Decimal("0.04"),
        ("draws", ("output_image",), (("quality", ("low",)), ("size", ("1024x1024",)))): Decimal("0.011"),
        ("draws", ("output_video_second",), (("size", ("1280x720",)),)): Decimal("0.3"),
    }


def test_a_list_without_one_price_is_refused():
    with pytest.raises(Unreadable, match="without a single row"):
        read(litellm, {"sample_spec": {}, "free": {"litellm_provider": "x", "input_cost_per_token": 0}})


def test_every_unit_that_a_feed_names_is_one_of_ours():
    catalog = Path(registry.CATALOG_DIR) / "units.yaml"
    ours = {unit["name"] for unit in yaml.safe_load(catalog.read_text())["units"]}
    named = {unit for units, _ in fal._UNITS.values() for unit in units}
    named |= {*litellm._UNITS.values(), *modelsdev._UNITS.values(), *openrouter._UNITS.values()}
    named |= {*portkey._UNITS.values(), *vercel._UNITS.values()}
    named |= {"output_video_second", "output_audio_second", "output_image", "input_image", "output_megapixel"}
    assert named <= ours
