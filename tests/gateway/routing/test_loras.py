"""LoRAs in decisions: which offers can take them and why others cannot, and what is sent to the one that is chosen."""

import json
from datetime import UTC, datetime

import pytest

from adapters.loras import LoraBook
from adapters.registry import BadCatalog, load_catalog
from gateway.attempts.lora_rules import WAITING
from gateway.engines import lora_lists
from gateway.jobs.drafts import draft_attempt, draft_fallback
from gateway.problems import Invalid, NoOffer
from gateway.routing import service
from gateway.routing.body import JobBody
from gateway.routing.service import Routing
from tests.supplies import make_supply, starter_belief

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FLUX, SDXL = "black-forest-labs/flux-1-dev", "stability-ai/sdxl-1.0"
CARD = f"""
name: studio
title: The studio's machine
dialect: openai_images
base_url: http://10.0.0.6:8000/v1
self_hosted: true
machine: {{ usd_per_hour: "3.00", since: 2026-01-01 }}
holds_loras: {{ kind: sglang }}
offers:
  - model: {FLUX}
    wire_id: flux
    tasks: [text-to-image]
    accepts: {{ width: {{}}, height: {{}}, steps: {{}}, loras: {{}} }}
    loras: {{ names: listed, most: 2, scales: [0, 2] }}
    eta_s: {{ text-to-image: 40 }}
    expects: [{{ unit: gpu_second, quantity: 60 }}]
"""
LORAS = f"""
loras:
  - {{ id: ink-wash, models: {FLUX}, scale: 0.8, at: {{ studio: /loras/ink.safetensors, runware: "me:1@1" }} }}
  - {{ id: old-map, models: [{SDXL}], at: {{ runware: "me:2@1" }} }}
"""
PICTURE = {"task": "text-to-image", "prompt": "a red fox", "width": 1024, "height": 1024, "model": FLUX}


@pytest.fixture
def supply(monkeypatch, tmp_path):
    made = make_supply(monkeypatch, tmp_path, "RUNWARE_API_KEY", card=CARD)
    overlay = tmp_path / "named"
    overlay.mkdir()
    (overlay / "studio.yaml").write_text(CARD)
    (overlay / "loras.yaml").write_text(LORAS)
    made.loras = LoraBook(load_catalog(overlay).loras)
    return made


@pytest.fixture
def routing(supply):
    return Routing(supply, starter_belief(supply, NOW, ()))


def body(*loras, **changes):
    return JobBody.model_validate(PICTURE | {"loras": [*loras]} | changes)


def reasons(plan):
    return {each.offer: each.reason for each in plan.decision.rejected}


def test_offers_that_have_a_name_for_it_are_ranked_and_the_decision_tells_of_it(routing):
    plan = routing.plan(body({"id": "ink-wash"}), NOW)
    assert set(plan.offers) == {f"studio/{FLUX}", f"runware/{FLUX}"}
    assert json.loads(plan.record)["loras"] == [{"id": "ink-wash", "scale": 0.8, "models": [FLUX]}]


def test_a_lora_of_another_base_is_a_reason_in_words(routing):
    plan = routing.plan(body({"id": "old-map"}), NOW)
    assert reasons(plan)[f"runware/{FLUX}"] == f"cannot take old-map: it is for {SDXL}"
    assert isinstance(service.refusal(plan), NoOffer)


def test_of_all_models_only_those_are_chosen_that_it_is_for(routing):
    plan = routing.plan(body({"id": "old-map"}, model="auto"), NOW)
    assert plan.offers and {offer.partition("/")[2] for offer in plan.offers} == {SDXL}


def test_a_name_of_a_providers_own_leaves_out_those_that_take_listed_names_only(routing):
    plan = routing.plan(body({"id": "civitai:1@2"}), NOW)
    assert plan.offers == (f"runware/{FLUX}",)
    assert "knows no LoRA 'civitai:1@2'" in reasons(plan)[f"studio/{FLUX}"]


def test_where_only_listed_names_are_taken_an_unknown_one_is_refused_with_those_near_it(routing):
    with pytest.raises(Invalid) as error:
        routing.plan(body({"id": "ink-wahs"}, model=f"studio/{FLUX}"), NOW)
    assert "did you mean ink-wash?" in str(error.value) and error.value.body()["near"] == ["ink-wash"]


def test_what_was_found_at_an_engine_counts_and_silence_does_not(routing, supply):
    found = {"address": "http://10.0.0.6:8000", "engine": "ray", "loras": [{"name": "other", "base": None}]}
    there = lora_lists.there([found, found | {"engine": "sglang", "address": "http://10.0.0.6:9"}], supply)
    assert there == {"studio": frozenset({"other"})}
    supply.loras = supply.loras._replace(there=there)
    plan = routing.plan(body({"id": "ink-wash"}), NOW)
    assert "does not have the LoRA '/loras/ink.safetensors'" in reasons(plan)[f"studio/{FLUX}"]
    assert lora_lists.there([found | {"loras": []}, found | {"engine": "sglang"}], supply) == {}


def test_one_plan_never_serves_another_lora(routing):
    names = [each["id"] for id in ("ink-wash", "civitai:1@2") for each in loras_sent(routing, {"id": id})]
    assert names == ["me:1@1", "civitai:1@2"]


def loras_sent(routing, lora):
    asked = body(lora, model=f"runware/{FLUX}")
    fitted = routing.fitted(routing.plan(asked, NOW), asked, NOW.date())
    return [each.model_dump() for each in fitted.changes.get("loras", asked.media().loras)]


def test_the_run_at_an_engine_that_holds_sets_waits_and_its_submit_says_nothing_of_loras(routing, supply):
    asked = body({"id": "ink-wash"}, model=f"studio/{FLUX}")
    supplied = supply.supplied(f"studio/{FLUX}", asked.task)
    fitted = routing.fitted(routing.plan(asked, NOW), asked, NOW.date())
    row = draft_attempt(supplied, fitted, asked.media(), "job_1", "key_1", 1, NOW).row
    assert row["lora_set"] == '[["/loras/ink.safetensors",0.8]]' and row["let_in_at"] is None
    assert (row["stage"], row["provider_status"]) == ("loras_held", WAITING)
    call = json.loads(row["next"])["call"]
    assert call["memo"]["loras"] == [{"name": "/loras/ink.safetensors", "scale": 0.8}]
    assert "lora" not in json.dumps(call["memo"]["submit_later"])


def test_a_fallback_has_its_own_name_for_it_and_no_set(supply):
    asked = body({"id": "ink-wash", "scale": 1.5})
    supplied = supply.supplied(f"runware/{FLUX}", asked.task)
    draft = draft_fallback(supplied, asked.media(), True, "job_1", "key_1", 2, NOW, 0.0, supply.bounded, supply.loras)
    assert draft.row["lora_set"] is None and draft.row["provider_status"] is None
    assert json.loads(draft.row["fitted"])["loras"] == [{"id": "me:1@1", "scale": 1.5}]


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        (f"{{ id: a, models: [{FLUX}], at: {{ nowhere: x }} }}", "there is no provider nowhere"),
        ("{ id: a, models: nobody/nothing, at: {} }", "there is no model nobody/nothing"),
        (f"{{ id: a, models: {FLUX}, at: {{}}, weight: 1 }}", "weight"),
        (f"{{ id: A, models: {FLUX}, at: {{}} }}", "id"),
        (f"{{ id: a, models: {FLUX}, at: {{}} }}\n  - {{ id: a, models: {FLUX}, at: {{}} }}", "is there twice"),
    ],
)
def test_a_slip_in_the_list_is_told_with_its_place(tmp_path, lora, words):
    (tmp_path / "loras.yaml").write_text(f"loras:\n  - {lora}\n")
    with pytest.raises(BadCatalog, match=r"loras.yaml.*" + words):
        load_catalog(tmp_path)
