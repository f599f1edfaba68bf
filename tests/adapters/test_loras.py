"""LoRAs by name: what an offer says to each, and what each is called there."""

import pytest
from hypothesis import given, strategies as st

from adapters.loras import NO_LORAS, LoraBook, did_you_mean, named_for, set_key, usable
from adapters.registry import DIALECTS, load_catalog
from adapters.schema import Accept, Lora, LoraTerms, MediaRequest, NamedLora, Offer, Task

HOUSE = NamedLora(id="my-house-style", models=["maker/flux"], scale=0.8, at={"here": "house.safetensors"})
OTHER = NamedLora(id="other-style", models=["maker/flux", "maker/wan"], at={"there": "https://weights.example/o"})
BOOK = LoraBook({each.id: each for each in (HOUSE, OTHER)})


def offer(model="maker/flux", provider="here", accepts=True, **terms):
    return Offer(
        provider=provider, model=model, dialect="comfyui", wire_id="w", tasks=[Task.TEXT_TO_IMAGE],
        accepts={"loras": Accept()} if accepts else {}, loras=LoraTerms(**terms),
    )  # fmt: skip


def ask(*loras):
    return MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="x", loras=[Lora(**each) for each in loras])


def said(request, offer, book=BOOK):
    return named_for(request, offer, book).reasons


def test_a_named_lora_goes_by_the_providers_own_name_and_its_own_scale():
    (lora,) = named_for(ask({"id": "my-house-style"}), offer(), BOOK).request.loras
    assert (lora.id, lora.scale) == ("house.safetensors", 0.8)


def test_the_callers_scale_goes_before_the_usual_one():
    (lora,) = named_for(ask({"id": "my-house-style", "scale": 1.5}), offer(), BOOK).request.loras
    assert lora.scale == 1.5


def test_a_name_of_the_providers_own_passes_where_the_card_takes_any():
    (lora,) = named_for(ask({"id": "https://weights.example/raw"}), offer(), BOOK).request.loras
    assert (lora.id, lora.scale) == ("https://weights.example/raw", 1.0)


@pytest.mark.parametrize(
    ("loras", "place", "reason"),
    [
        ([{"id": "my-house-style"}], offer("maker/wan"), "cannot take my-house-style: it is for maker/flux"),
        ([{"id": "other-style"}], offer(), "cannot take other-style: loras.yaml names it at there"),
        ([{"id": "x.pt"}], offer(names="listed"), "knows no LoRA 'x.pt'"),
        ([{"id": "my-huose-style"}], offer(names="listed"), "did you mean my-house-style?"),
        ([{"id": "a"}, {"id": "b"}], offer(most=1), "accepts at most 1 LoRA, not 2"),
        ([{"id": "a"}, {"id": "a"}], offer(), "accepts each LoRA once"),
        ([{"id": "a", "scale": 3}], offer(scales=(0, 2)), "accepts scales of LoRAs from 0 to 2, not 3"),
    ],
)  # fmt: skip
def test_what_an_offer_cannot_take_it_says_in_a_sentence(loras, place, reason):
    assert any(reason in each for each in said(ask(*loras), place))


def test_what_an_engine_is_known_not_to_have_is_a_reason_and_what_nobody_told_is_none():
    request = ask({"id": "my-house-style"})
    told = BOOK._replace(there={"here": frozenset({"hause.safetensors"})})
    assert said(request, offer(), told) == (
        "does not have the LoRA 'house.safetensors'; did you mean hause.safetensors?",
    )
    assert said(request, offer(), BOOK._replace(there={"elsewhere": frozenset({"b"})})) == ()


def test_an_offer_that_takes_no_loras_is_left_to_say_so_itself():
    request = ask({"id": "my-house-style"})
    assert named_for(request, offer(accepts=False), BOOK) == (request, ())


def test_a_request_without_loras_is_the_same_request():
    request = ask()
    assert named_for(request, offer(), NO_LORAS).request is request


def test_usable_are_those_that_the_offer_would_not_refuse():
    assert usable(offer(), BOOK) == ("my-house-style",)
    assert usable(offer("maker/wan", "there"), BOOK) == ("other-style",)
    assert usable(offer(accepts=False), BOOK) == ()


def test_nothing_near_is_not_suggested():
    assert did_you_mean("zzz", BOOK.named) == ""


pairs = st.lists(st.tuples(st.text(min_size=1, max_size=5), st.floats(-10, 10)), max_size=5, unique_by=lambda p: p[0])


@given(pairs, st.randoms())
def test_the_order_of_loras_makes_no_other_set(chosen, dice):
    mixed = list(chosen)
    dice.shuffle(mixed)
    assert set_key(Lora(id=i, scale=s) for i, s in chosen) == set_key(Lora(id=i, scale=s) for i, s in mixed)


@given(pairs, pairs)
def test_other_loras_or_scales_are_another_set(one, other):
    keys = [set_key(Lora(id=i, scale=s) for i, s in each) for each in (one, other)]
    assert (keys[0] == keys[1]) == (sorted(one) == sorted(other))


@pytest.mark.parametrize(
    ("provider", "model", "sent"),
    [
        ("vllm", "meta/llama-3.1-8b", {"model": "sql-adapter"}),
        ("vllm-omni", "alibaba/qwen-image", {"lora": {"name": "sql-adapter", "path": "sql-adapter", "scale": 1}}),
        ("runware", "black-forest-labs/flux-1-dev", {"lora": [{"model": "sql-adapter", "weight": 1}]}),
        ("ray", "black-forest-labs/flux-1-dev", {"loras": [{"id": "sql-adapter", "scale": 1}]}),
        ("stable-diffusion-cpp", None, {"lora": [{"path": "sql-adapter", "multiplier": 1}]}),
    ],
)
def test_each_engine_is_asked_for_a_lora_in_its_own_way(provider, model, sent):
    offers = load_catalog().cards[provider].offers
    here = next(each for each in offers if "loras" in each.accepts and each.model in (model, model or each.model))
    task = min(here.tasks)
    request = MediaRequest(task=task, prompt="x", width=512, height=512, loras=[Lora(id="sql-adapter", scale=1)])
    body = DIALECTS[here.dialect].submit(request, here.for_task(task)).json_body
    body = body[-1] if isinstance(body, list) else body
    assert {name: body[name] for name in sent} == sent
