"""Plans: which offers a body leaves open, why the others are not taken, and decisions that can be made again."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from adapters import capabilities, pricing
from adapters.errors import Fault
from gateway import clock
from gateway.problems import Invalid, NoOffer, Unpriced
from gateway.routing import service
from gateway.routing.body import JobBody
from gateway.routing.service import Routing
from router import breakers, decide
from router.breakers import Outcome
from tests.supplies import REAL_KEYS, make_supply, starter_belief

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PICTURE = {"task": "text-to-image", "prompt": "a red fox"}
CLIP = {"task": "text-to-video", "prompt": "a red fox runs"}


def routing_of(supply):
    return Routing(supply, starter_belief(supply, NOW))


@pytest.fixture
def rich(monkeypatch, tmp_path):
    """Every real provider has a key."""
    return routing_of(make_supply(monkeypatch, tmp_path, *REAL_KEYS))


@pytest.fixture
def poor(monkeypatch, tmp_path):
    """No provider has a key."""
    return routing_of(make_supply(monkeypatch, tmp_path))


def plan(maker, **body):
    return maker.plan(JobBody.model_validate(PICTURE | body), NOW)


def providers(made):
    return {offer.partition("/")[0] for offer in made.offers}


def reasons(made):
    return {each.offer: each.reason for each in made.decision.rejected}


def test_auto_leaves_every_offer_of_the_task_open(rich):
    made = plan(rich)
    considered = set(made.offers) | set(reasons(made))
    assert considered == {offer.id for offer in rich.supply.by_task["text-to-image"]}
    assert len(made.offers) > 20 and len(providers(made)) >= 3


def test_a_model_leaves_its_own_offers_open_and_an_offer_only_itself(rich):
    model = "black-forest-labs/flux-2-pro"
    assert {offer.partition("/")[2] for offer in plan(rich, model=model).offers} == {model}
    assert len(plan(rich, model=model).offers) >= 2
    assert plan(rich, model=f"together/{model}").offers == (f"together/{model}",)


@pytest.mark.parametrize("name", ["flux-2-pro", "FLUX.2 Pro", "fal-ai/flux-2-pro", "black-forest-labs/FLUX.2-pro"])
def test_a_model_goes_by_many_names(rich, name):
    assert plan(rich, model=name).offers == plan(rich, model="black-forest-labs/flux-2-pro").offers


def test_a_name_that_nobody_has_is_refused_with_what_it_resembles(rich):
    with pytest.raises(Invalid) as refusal:
        plan(rich, model="flux-2-prp")
    assert "black-forest-labs/flux-2-pro" in refusal.value.more["near"]
    assert refusal.value.more["errors"] == [{"path": "model", "message": "see detail"}]
    with pytest.raises(Invalid, match="GET /v1/models lists them"):
        plan(rich, model="zzzzzzzz")
    with pytest.raises(Invalid) as refusal:
        plan(rich, model="auto:bst")
    assert refusal.value.more["near"][0] == "auto:best"


def test_a_model_that_does_another_task_is_refused_with_what_it_does(rich):
    with pytest.raises(Invalid, match="does not do text-to-image; it does image-to-video") as refusal:
        plan(rich, model="google/veo-3.1")
    assert refusal.value.more["errors"][0]["path"] == "task"


def test_without_any_key_the_stand_in_does_it(poor):
    made = plan(poor)
    assert providers(made) == {"sandbox"}
    assert reasons(made)["openai/openai/gpt-image-1-mini"] == "has no key: set OPENAI_API_KEY"


def test_with_a_key_the_stand_in_is_left_out_unless_it_is_asked_for(rich):
    assert "sandbox" not in providers(plan(rich))
    stand_in = "sandbox/podium/sandbox-pictures"
    assert reasons(plan(rich))[stand_in] == "is a stand-in, and switched off (PODIUM_SANDBOX)"
    on = routing_of(replace(rich.supply, stand_ins_run=True))
    assert "left out while another provider has a key" in reasons(plan(on))[stand_in]
    named = {"model": "podium/sandbox-pictures"}, {"model": stand_in}
    only = {"routing": {"only": ["sandbox"]}}, {"routing": {"only": ["podium/sandbox-pictures"]}}
    for asked in named + only:
        assert providers(plan(on, **asked)) == {"sandbox"}, asked
        assert not plan(rich, **asked).offers, "what is switched off does not run by its name either"


def test_an_offer_whose_end_has_come_is_no_longer_taken(rich):
    ending = [offer for offer in rich.supply.catalog.offers() if offer.ends]
    assert ending, "the catalog knows of no announced end; name another example here"
    for offer in ending:
        body = JobBody(task=min(offer.tasks), prompt="a red fox")
        last = datetime.combine(offer.ends, datetime.min.time(), UTC) - timedelta(seconds=1)
        assert f"has ended on {offer.ends}" not in str(reasons(rich.plan(body, last)))
        reason = reasons(rich.plan(body, last + timedelta(seconds=1)))[offer.id]
        assert reason.startswith(f"has ended on {offer.ends}")


def test_inputs_that_a_provider_fetches_ask_for_a_gateway_within_its_reach(monkeypatch, tmp_path):
    framed = {"task": "image-to-video", "inputs": [{"role": "first_frame", "url": "https://pictures.example/fox.png"}]}
    deaf = routing_of(make_supply(monkeypatch, tmp_path, *REAL_KEYS))
    reached = routing_of(make_supply(monkeypatch, tmp_path, *REAL_KEYS, public_url="https://podium.example"))
    offer = "luma/luma/ray-2"
    told = "takes first_frame inputs only as links: set PODIUM_PUBLIC_URL, where it can fetch them"
    assert reasons(plan(deaf, **framed))[offer] == told
    assert offer in plan(reached, **framed, routing={"fallbacks": 20, "only": ["luma"]}).offers
    assert offer in plan(deaf, **CLIP, routing={"fallbacks": 20, "only": ["luma"]}).offers
    assert {reason for reason in reasons(plan(reached, **framed)).values() if reason == told} == set()


def test_a_wish_that_no_offer_grants_is_refused_with_every_reason(rich):
    made = plan(rich, routing={"max_cost_usd": "0.0000001"})
    refusal = service.refusal(made)
    assert isinstance(refusal, NoOffer) and not made.offers
    assert len(refusal.more["rejected"]) == len(made.decision.rejected)
    assert "over the limit of 0.0000001 USD" in json.dumps(refusal.more["rejected"])


OWN = """
name: own
title: Ours
dialect: openai_images
base_url: "http://127.0.0.1:9999/v1"
offers:
  - model: black-forest-labs/flux-2-pro
    wire_id: mine
    tasks: [text-to-image]
    accepts: {{ seed: {{}} , width: {{ range: [64, 512] }}, height: {{ range: [64, 512] }} }}
    prices: {prices}
"""
UNPRICED = OWN.format(prices="[]")
PRICED = OWN.format(
    prices='[{ since: 2026-01-01, checked: 2026-01-01, source: test, rates: [{ unit: output_image, usd: "0.001" }] }]'
)


def test_an_offer_without_a_price_is_refused_for_that_and_not_run_for_free(monkeypatch, tmp_path):
    own = routing_of(make_supply(monkeypatch, tmp_path, card=UNPRICED))
    made = plan(own, routing={"only": ["own"]})
    assert not made.offers and made.unpriced == {"own/black-forest-labs/flux-2-pro"}
    refusal = service.refusal(made)
    assert isinstance(refusal, Unpriced) and "has no price on 2026-11-22" in refusal.detail


def test_a_price_that_is_missing_is_not_the_reason_where_the_offer_could_not_do_it_anyway(monkeypatch, tmp_path):
    own = routing_of(make_supply(monkeypatch, tmp_path, card=UNPRICED))
    assert isinstance(service.refusal(plan(own, count=4, model="own/black-forest-labs/flux-2-pro")), NoOffer)


def test_a_provider_of_the_operators_own_counts_as_a_real_one(monkeypatch, tmp_path):
    own = routing_of(make_supply(monkeypatch, tmp_path, card=PRICED))
    assert providers(plan(own)) == {"own"}


def test_a_model_that_nobody_offers_for_a_task_is_said_to_have_no_offer(monkeypatch, tmp_path):
    own = routing_of(make_supply(monkeypatch, tmp_path, card=PRICED))
    made = plan(own, task="image-edit", model="own/black-forest-labs/flux-2-pro")
    assert isinstance(service.refusal(made), NoOffer) and made.decision.rejected == ()


def test_bodies_of_one_shape_share_a_plan_until_the_day_or_the_evidence_changes(rich):
    first = plan(rich, seed=1)
    assert plan(rich, seed=2, prompt="a red cat") is first
    body = JobBody.model_validate(PICTURE | {"seed": 1})
    assert rich.plan(body, NOW + timedelta(days=1)) is not first
    rich.believe(starter_belief(rich.supply, NOW))
    assert plan(rich, seed=1) is not first


def test_plans_that_are_kept_are_bounded(rich, monkeypatch):
    monkeypatch.setattr(service, "PLANS", 3)
    for size in range(64, 64 + 8 * 16, 16):
        plan(rich, width=size, height=size, model="together/black-forest-labs/flux-2-pro")
    assert len(rich.plans) <= 3


def test_a_seed_that_an_offer_does_not_take_is_a_reason_even_after_one_that_it_takes(rich):
    seeded = [offer for offer in rich.supply.by_task["text-to-image"] if "seed" in offer.accepts]
    usable = [offer for offer in seeded if plan(rich, model=offer.id).offers]
    bounded = next(offer for offer in usable if offer.accepts["seed"].range)
    most = int(bounded.accepts["seed"].range[1])
    small, large = plan(rich, seed=5, model=bounded.id), plan(rich, seed=most + 1, model=bounded.id)
    assert small.offers == (bounded.id,) and large.offers == ()


def test_options_that_say_what_a_parameter_says_are_refused_even_after_a_body_without_them(rich):
    offer = "together/black-forest-labs/flux-2-pro"
    assert plan(rich, model=offer).offers == (offer,)
    assert plan(rich, model=offer, extra={"together": {"n": 4}}).offers == ()


WISHES = st.fixed_dictionaries(
    {"task": st.just("text-to-image"), "prompt": st.sampled_from(["a fox", "ein Füchslein", "f" * 200])},
    optional={
        "width": st.sampled_from([512, 768, 1024, 1030]), "height": st.sampled_from([512, 1024]),
        "count": st.integers(1, 5), "seed": st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**40]),
        "negative_prompt": st.sampled_from(["a cat", "a wolf"]), "strict": st.booleans(),
        "format": st.sampled_from(["png", "jpeg", "gif"]), "steps": st.integers(1, 60),
        "guidance": st.floats(0, 20), "extra": st.sampled_from([{}, {"fal": {"num_images": 4}}, {"fal": {"x": 1}}]),
        "routing": st.sampled_from([{}, {"policy": "cheapest"}, {"max_cost_usd": "0.02"}, {"top": 3}]),
        "model": st.sampled_from(["auto", "auto:best", "flux-2-pro", "ideogram/ideogram-3.0"]),
    },
)  # fmt: skip


@pytest.fixture
def opened(rich):
    """A function that opens another routing on the same supply: a failed example shows it in one line."""
    return lambda belief=None: Routing(rich.supply, belief or rich.belief)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(bodies=st.lists(WISHES, min_size=2, max_size=6))
def test_a_plan_found_again_is_the_plan_that_would_be_made_anew(opened, bodies):
    shared = opened()
    for document in bodies:
        body = JobBody.model_validate(document)
        alone = opened(shared.belief)
        found, fresh = shared.plan(body, NOW), alone.plan(body, NOW)
        assert found.record == fresh.record and found.offers == fresh.offers
        if fresh.offers:
            assert shared.fitted(found, body, NOW.date()) == alone.fitted(fresh, body, NOW.date())


def test_the_first_offer_fits_and_its_quote_covers_the_request(rich):
    wishes = {"seed": 3, "width": 1030, "height": 1030, "strict": False, "routing": {"only": ["fal"]}}
    body = JobBody.model_validate(PICTURE | wishes)
    made = rich.plan(body, NOW)
    fitted = rich.fitted(made, body, NOW.date())
    offer = rich.supply.offer(made.offers[0], body.task)
    own = capabilities.fit(body.media(), offer, False)
    assert own.reasons == fitted.reasons == ()
    assert fitted.quote_nanos >= pricing.quote(own.request, offer, NOW.date()).usd * 10**9
    assert json.loads(fitted.resolved_json).get("seed") == own.request.seed


KNOWN = {"text-to-image": PICTURE, "text-to-video": CLIP}


@pytest.mark.parametrize("task", KNOWN)
def test_the_first_start_chooses_among_models_that_the_boards_know(rich, task):
    made = rich.plan(JobBody.model_validate(KNOWN[task]), NOW)
    model = made.decision.ranked[0].candidate.model
    quality = rich.belief.qualities.of(model, task)
    assert quality.boards, f"{made.decision.chosen} is on no board"
    assert quality.interval.value > 0.4


@pytest.mark.parametrize("task", KNOWN)
def test_the_best_is_better_and_the_cheapest_is_cheaper(rich, task):

    def first(policy):
        made = rich.plan(JobBody.model_validate(KNOWN[task] | {"model": f"auto:{policy}"}), NOW)
        return made.decision.ranked[0].candidate.evidence

    assert first("best").quality.value > first("cheapest").quality.value
    assert first("cheapest").cost_usd < first("best").cost_usd
    assert first("fastest").latency_p50_s <= min(first("best").latency_p50_s, first("cheapest").latency_p50_s)


@pytest.mark.parametrize("document", [PICTURE, CLIP, PICTURE | {"routing": {"max_cost_usd": "0.01", "order": ["fal"]}}])
def test_a_record_decides_the_same_again(rich, document):
    made = rich.plan(JobBody.model_validate(document), NOW)
    again = decide.replay(json.loads(made.record))
    assert json.dumps(decide.record(again), separators=(",", ":")) == made.record
    assert again.chosen == made.decision.chosen


async def keep(database, routing, made, decision_id=None):
    decision_id = decision_id or clock.new_id("dec")
    await database.together(lambda connection: routing.keep(connection, made, decision_id, "key_1", NOW))
    return decision_id


async def rows(database):
    tables = "decision", "decision_record"
    counts = [f"SELECT count(*) FROM {name}" for name in tables]
    return await database.read(lambda connection: [connection.exec_driver_sql(each).scalar_one() for each in counts])


@pytest.mark.anyio
async def test_equal_records_are_kept_once_whoever_keeps_them(database, rich):
    made = plan(rich)
    await keep(database, rich, made)
    await keep(database, rich, made)
    rich.kept(made)
    await keep(database, rich, made)
    await keep(database, routing_of(rich.supply), made)
    assert await rows(database) == [4, 1]
    await keep(database, rich, plan(rich, routing={"top": 1}))
    assert await rows(database) == [5, 2]


@pytest.mark.anyio
async def test_a_kept_decision_is_found_and_shown_whole(database, rich):
    made = plan(rich)
    decision_id = await keep(database, rich, made)
    row = await database.read(lambda connection: service.find(connection, decision_id))
    assert (row["id"], row["key_id"], row["created_at"], row["record"]) == (decision_id, "key_1", NOW, made.record)
    shown = service.view(row["id"], row["record"], row["key_id"], row["created_at"])
    assert shown.keys() == {"id", "created_at", "key", "evidence_id", "policy", "ranked", "rejected"}
    assert shown["ranked"][0].keys() >= {"offer", "score", "quote_usd", "eta_s", "quality", "parts"}
    assert shown["ranked"][0]["quality"].keys() >= {"value", "low", "high"}
    assert json.dumps(shown, allow_nan=False)
    assert await database.read(lambda connection: service.find(connection, "dec_none")) is None


def test_a_provider_that_refuses_our_key_comes_last_and_the_decision_says_until_when(rich):
    first = plan(rich).offers[0]
    provider = first.partition("/")[0]
    ended = [Outcome(provider, first, NOW - timedelta(seconds=each), Fault.AUTH) for each in (9, 8)]
    rich.believe(replace(rich.belief, breakers=breakers.fold(ended, NOW)))
    made = plan(rich)
    places = [offer.partition("/")[0] == provider for offer in made.offers]
    assert any(places) and places == sorted(places), "all of its offers, after all others"
    said = next(row["said"] for row in json.loads(made.record)["ranked"] if row["offer"] == first)
    assert said == f"left alone until 12:00:52 UTC: {provider} failed 2 times in a row, last by auth"
    rich.believe(rich.belief)
    assert rich.plan(JobBody.model_validate(PICTURE), NOW + timedelta(minutes=2)).offers[0] == first, "tried again"
