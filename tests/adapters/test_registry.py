"""Loading the catalog: ours as it is, an operator's laid over it, and each slip named with file and place."""

import json
from pathlib import Path

import pytest
import yaml

from adapters.registry import DIALECTS, BadCatalog, card_schema, load_card, load_catalog
from adapters.wire import CallsBack, Cancels, Lists, Streams

CARD = """
name: {name}
title: Mine
dialect: {dialect}
base_url: https://mine.example
offers:
  - model: mine/one
    wire_id: one
    tasks: [text-to-image]
    {more}
"""
MODELS = "models: [{ id: mine/one, name: One, maker: Me, tasks: [text-to-image] }]"


@pytest.fixture
def overlay(tmp_path: Path):
    (tmp_path / "models.yaml").write_text(MODELS)

    def write(more="", name="mine", dialect="fal", file="mine.yaml") -> Path:
        (tmp_path / file).write_text(CARD.format(name=name, dialect=dialect, more=more))
        return tmp_path

    return write


def test_the_built_in_catalog_loads_and_every_offer_is_of_a_known_model():
    catalog = load_catalog()
    assert catalog.offers() and all(offer.model in catalog.models for offer in catalog.offers())
    assert len({offer.id for offer in catalog.offers()}) == len(catalog.offers())


def test_an_operators_card_is_added_and_one_of_the_same_name_replaces_ours(overlay):
    ours = load_catalog()
    name = next(iter(ours.cards))
    overlay(file="first.yaml")
    catalog = load_catalog(overlay(name=name, file="second.yaml"))
    assert catalog.cards["mine"].offers[0].id == "mine/mine/one"
    assert [offer.id for offer in catalog.cards[name].offers] == [f"{name}/mine/one"]
    assert set(catalog.cards) == set(ours.cards) | {"mine"} and catalog.models["mine/one"].maker == "Me"


def test_cards_may_lie_in_a_folder_of_their_own(overlay, tmp_path):
    overlay()
    (tmp_path / "providers").mkdir()
    (tmp_path / "mine.yaml").rename(tmp_path / "providers" / "mine.yaml")
    assert "mine" in load_catalog(tmp_path).cards


def test_an_offer_is_of_its_cards_provider_whatever_it_says(overlay):
    card = load_card(overlay("provider: fal") / "mine.yaml")
    assert card.offers[0].provider == "mine"


DATED = "since: 2026-01-01, checked: 2026-01-01, source: x"
SLIPS = {
    "colour: red": "mine: offers.0.colour: Extra inputs",
    "accepts: { widht: {} }": "accepts.widht: no parameter of that name",
    "accepts: { width: {} }": "width and height go together",
    "accepts: { aspect_ratio: { enum: [16:9] } }": "969 is not written like",
    "accepts: { size: { enum: [] } }": "the list is empty",
    "accepts: { size: { enum: [big] } }": "'big' is not written like",
    "accepts: { steps: { range: [1, 5], default: 9 } }": "the default 9 is not among",
    "accepts: { quality: { enum: [a, b] } }\n    fields: { quality: { name: q, values: { a: 1 } } }": "nothing for b",
    "fields: { sorce: image }": "fields.sorce: no parameter or role",
    "expects: [{ unit: nut, quantity: 1 }]": "expects: no unit named nut",
    "expects: [{ unit: request, quantity: 1, when: { mood: x } }]": "a price cannot depend on mood",
    "by_task: { text: {} }": "by_task.text: the offer does not do that task",
    "dialect: klingon": "no dialect named klingon",
    f"prices: [{{ {DATED}, rates: [{{ unit: nut, usd: 1 }}] }}]": "no unit named nut",
    f"prices: [{{ {DATED}, rates: [{{ unit: request, usd: -1 }}] }}]": "usd",
    f"prices: [{{ {DATED}, rates: [{{ unit: request, usd: 1, per: 0 }}] }}]": "per",
    "prices: [{ since: soon, checked: 2026-01-01, source: x, rates: [{ unit: request, usd: 1 }] }]": "prices.0.since",
}


@pytest.mark.parametrize(("more", "message"), SLIPS.items())
def test_a_slip_is_named_with_its_file_and_its_place(overlay, more, message):
    with pytest.raises(BadCatalog) as caught:
        load_catalog(overlay(more))
    assert str(caught.value).startswith("mine.yaml: ") and message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("offers: [", "mine.yaml: while parsing"),
        ("- a\n- b", "mine.yaml: a mapping is expected"),
        ("name: mine", "mine.yaml: offers: a list of mappings"),
        ("name: mine\noffers: [1]", "mine.yaml: offers: a list of mappings"),
        ("name: mine\noffers: []", "mine.yaml: mine: title: Field required"),
        ("", "mine.yaml: a mapping is expected"),
        ("a: !!python/object/apply:os.getcwd []", "mine.yaml: could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_card_is_named(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BadCatalog, match=message):
        load_catalog(tmp_path)


def test_bytes_that_are_no_text_and_folders_that_are_not_there_are_named(tmp_path):
    with pytest.raises(BadCatalog, match="no such folder"):
        load_catalog(tmp_path / "nowhere")
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(BadCatalog, match=r"mine\.yaml"):
        load_catalog(tmp_path)


def test_an_unknown_model_and_a_model_offered_twice_are_named(overlay, tmp_path):
    twice = "prices: []\n  - { model: mine/one, wire_id: two, tasks: [text-to-image] }"
    with pytest.raises(BadCatalog, match="mine/one: offered twice"):
        load_catalog(overlay(twice))
    (tmp_path / "models.yaml").unlink()
    with pytest.raises(BadCatalog, match=r"mine/one: is not among the models"):
        load_catalog(overlay())


def test_a_models_file_without_models_is_named(tmp_path):
    (tmp_path / "models.yaml").write_text("model: []")
    with pytest.raises(BadCatalog, match=r"models\.yaml: models: a list"):
        load_catalog(tmp_path)


def test_the_schema_for_editors_asks_for_what_a_written_card_must_have():
    schema = json.loads(card_schema())
    assert set(schema["$defs"]["Offer"]["required"]) == {"model", "wire_id", "tasks"}
    assert yaml.safe_load(CARD.format(name="a", dialect="fal", more=""))["offers"][0].keys() <= set(
        schema["$defs"]["Offer"]["properties"]
    )


SHAPES = {
    Cancels: {
        "ark_video", "comfyui", "dashscope", "fal", "google_interactions", "invokeai", "minimax_h3", "openai_videos",
        "podium_worker", "replicate", "runway", "synthesia", "tenstorrent",
    },
    Streams: {"anthropic", "fal_stream", "gemini", "openai_chat"},
    Lists: {
        "anthropic", "bedrock", "elevenlabs", "fal", "fireworks", "gemini", "google_interactions", "open_inference",
        "openai_chat", "openai_images", "openai_speech", "openai_videos", "podium_worker", "replicate", "runway",
        "tenstorrent", "veo", "wavespeed",
    },
    CallsBack: {
        "ark_video", "bfl", "fal", "ideogram", "kling", "luma", "minimax", "minimax_h3", "replicate", "runware",
        "wavespeed",
    },
}  # fmt: skip
"""What each dialect can do beyond submitting and reading: a module that loses a function would lose it silently."""


def test_dialects_that_can_cancel_stream_list_or_call_back_are_found_by_their_shape():
    shapes = {shape: {name for name, each in DIALECTS.items() if isinstance(each, shape)} for shape in SHAPES}
    assert shapes == SHAPES
