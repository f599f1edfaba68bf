"""The card says nothing that the sandbox does not understand, and the sandbox refuses what the card does not accept."""

import pytest
from pydantic import ValidationError

from adapters.capabilities import fit
from adapters.registry import CATALOG_DIR, DIALECTS, load_card
from adapters.schema import Input, MediaRequest, Task
from gateway.sandbox.inputs import ENDPOINTS

CARD = load_card(CATALOG_DIR / "providers" / "sandbox.yaml")
RUNS = [(offer.for_task(task), task) for offer in CARD.offers for task in sorted(offer.tasks)]
NAMES = [f"{offer.model}-{task}" for offer, task in RUNS]


def asked(offer, task, **parameters):
    inputs = [
        Input(role=role, asset=f"ast_{role}_{n}") for role, (_, most) in offer.inputs.items() for n in range(most)
    ]
    return MediaRequest(task=task, prompt="a red fox", inputs=tuple(inputs), **parameters)


def body_of(request, offer):
    """The body as it reaches the sandbox: assets have become data URIs on the way."""
    fitted = fit(request, offer)
    assert not fitted.reasons
    call = DIALECTS[offer.dialect].submit(fitted.request, offer)

    def filled(value):
        match value:
            case {"$asset": _}:
                return "data:image/png;base64,AAAA"
            case dict():
                return {name: filled(each) for name, each in value.items()}
            case list():
                return [filled(each) for each in value]
        return value

    return call.url.strip("/").removesuffix("/stream"), filled(call.json_body)


@pytest.mark.parametrize(("offer", "task"), RUNS, ids=NAMES)
def test_a_request_with_nothing_but_a_prompt_is_understood(offer, task):
    endpoint, body = body_of(asked(offer, task), offer)
    ENDPOINTS[endpoint].model_validate(body)


@pytest.mark.parametrize(("offer", "task"), RUNS, ids=NAMES)
@pytest.mark.parametrize("end", [0, -1])
def test_both_ends_of_everything_that_the_card_accepts_are_understood(offer, task, end):
    values = {"seed": (0, 2**63 - 1)}
    for name, accept in offer.accepts.items():
        values[name] = values.get(name) or accept.enum or accept.range
    chosen = {name: value[end] for name, value in values.items() if name in offer.accepts}
    whole = {name: int(value) if isinstance(value, float) and value.is_integer() else value
             for name, value in chosen.items()}  # fmt: skip
    endpoint, body = body_of(asked(offer, task, **whole), offer)
    understood = ENDPOINTS[endpoint].model_validate(body)
    assert set(body) <= understood.model_fields_set


@pytest.mark.parametrize(("offer", "task"), RUNS, ids=NAMES)
def test_behaviours_reach_the_sandbox_through_the_callers_extras(offer, task):
    extra = {"sandbox": {"sandbox": {"delay_s": 2, "drop": "status"}}}
    endpoint, body = body_of(asked(offer, task, extra=extra), offer)
    told = ENDPOINTS[endpoint].model_validate(body).sandbox
    assert (told.delay_s, told.drop) == (2, "status")


def test_the_sandbox_is_a_stand_in_that_needs_no_key_and_may_be_asked_twice():
    assert (CARD.stand_in, CARD.key_env, CARD.idempotency_header) == (True, None, "idempotency-key")
    assert {task for offer in CARD.offers for task in offer.tasks} >= {
        Task.TEXT_TO_IMAGE,
        Task.TEXT_TO_VIDEO,
        Task.TEXT,
    }
    assert all(offer.prices and offer.eta_s.keys() == offer.tasks for offer in CARD.offers)


@pytest.mark.parametrize("body", [{"prompt": "x", "steps": 3}, {"prompt": "x", "num_images": 5}, {"prompt": ""}])
def test_what_the_card_does_not_accept_is_refused(body):
    with pytest.raises(ValidationError):
        ENDPOINTS["sandbox/pictures"].model_validate(body)
