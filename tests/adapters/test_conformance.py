"""One suite over every card and every offer: what the gateway relies on, whoever wrote the card or the dialect."""

import json
from datetime import date
from decimal import Decimal

import pytest

from adapters import uploads
from adapters.capabilities import fit
from adapters.errors import CONSEQUENCES, Fault
from adapters.fields import field_name
from adapters.pricing import price_on, quote
from adapters.registry import DIALECTS, load_catalog
from adapters.schema import Input, Lora, MediaRequest, Offer, Role
from adapters.wire import Call, Done, Failed, Pending, Reply, understand

CATALOG = load_catalog()
DAY = date(2026, 11, 22)
SECRETS = ("authorization", "api-key", "api_key", "token ", "bearer")
PRICED = {"since": DAY, "checked": DAY, "source": "here"}
SMALL = (
    Offer(
        provider="small", model="m/image", dialect="openai_images", wire_id="image", tasks={"text-to-image", "inpaint"},
        accepts={"size": {"enum": ["512x512", "1024x512"]}, "count": {"range": (1, 4)}, "loras": {}, "format": {}},
        by_task={"inpaint": {"inputs": {"source": (1, 1), "mask": (1, 1), "reference": (0, 2)}}},
        fixed={"watermark": False},
        prices=[PRICED | {"rates": [{"unit": "output_image", "usd": "0.01"}]}],
    ),
    Offer(
        provider="small", model="m/video", dialect="fal", wire_id="a/video", tasks={"image-to-video"},
        accepts={"duration_s": {"enum": [4, 8], "default": 4}, "audio": {}, "aspect_ratio": {"enum": ["16:9", "9:16"]}},
        inputs={"first_frame": (1, 1), "last_frame": (0, 1), "reference": (0, 3), "audio": (0, 1)},
        prices=[PRICED | {"rates": [{"unit": "output_video_second", "usd": "0.1"}]}],
    ),
    Offer(
        provider="small", model="m/version", dialect="replicate", wire_id="o/n:abc", tasks={"image-edit"},
        accepts={"width": {"range": (64, 2048)}, "height": {"range": (64, 2048)}, "guidance": {}, "seed": {}},
        inputs={"source": (1, 1)},
        prices=[PRICED | {"rates": [{"unit": "output_image", "usd": "0.01"}]}],
    ),
    Offer(
        provider="small", model="m/words", dialect="openai_chat", wire_id="words", tasks={"text"},
        accepts={"max_tokens": {"range": (1, 100), "default": 10}, "temperature": {"range": (0, 2)}},
        prices=[PRICED | {"rates": [{"unit": "output_token", "usd": "0.1"}]}],
    ),
)  # fmt: skip

EVERY = [(offer.for_task(task), task) for offer in (*CATALOG.offers(), *SMALL) for task in sorted(offer.tasks)]
every_offer = pytest.mark.parametrize(("offer", "task"), EVERY, ids=[f"{offer.id} {task}" for offer, task in EVERY])
PRICED_NOW = [(offer, task) for offer, task in EVERY if any(price.since <= DAY for price in offer.prices)]
"""An offer without a price is never chosen."""
every_priced_offer = pytest.mark.parametrize(
    ("offer", "task"), PRICED_NOW, ids=[f"{offer.id} {task}" for offer, task in PRICED_NOW]
)
FIRST_OF_EACH_DIALECT = {offer.dialect: (offer, task) for offer, task in reversed(EVERY)}
every_dialect = pytest.mark.parametrize(
    ("offer", "task"), FIRST_OF_EACH_DIALECT.values(), ids=list(FIRST_OF_EACH_DIALECT)
)


def asked(offer, task, **more) -> MediaRequest:
    """The least that this offer takes for a task: a prompt, and the inputs it needs."""
    given = [Input(role=role, asset=f"ast_{role}_{n}") for role, (low, _) in offer.inputs.items() for n in range(low)]
    return MediaRequest.model_validate({"task": task, "prompt": "an onion", "inputs": given} | more)


def fitted(offer, task, **more) -> MediaRequest:
    result = fit(asked(offer, task, **more), offer)
    assert not result.reasons, result.reasons
    return result.request


def submitted(offer, task, **more) -> Call:
    return DIALECTS[offer.dialect].submit(fitted(offer, task, **more), offer)


def answered(offer, task, status: int, body: bytes, headers=None) -> Pending | Done | Failed:
    """What a reply to the submit itself comes to, whatever is uploaded before it."""
    submit = uploads.submit_of(submitted(offer, task))
    return understand(DIALECTS[offer.dialect], submit, Reply(status, headers or {}, body))


def sayings(call: Call) -> dict[str, object]:
    """What a submit says, name by name, however deep the protocol puts it, and whatever is uploaded before it."""
    call = uploads.submit_of(call)
    if call.form:
        return {part.name: part.value for part in call.form if part.asset is None}
    return dict(said_in(call.json_body))


def said_in(body):
    pairs = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in pairs:
        yield name, value
        yield from said_in(value)


# --- every offer


@every_offer
def test_the_least_request_fits_and_is_a_request_still(offer, task):
    request = fitted(offer, task)
    assert MediaRequest.model_validate_json(request.model_dump_json()) == request


@every_offer
def test_a_call_survives_json_and_carries_no_credential(offer, task):
    call = submitted(offer, task)
    assert Call.model_validate_json(call.model_dump_json()) == call
    assert call.stage == ("upload" if uploads.SUBMIT in call.memo else "submit")
    assert call.url.startswith(("/", "{"))
    assert not any(secret in json.dumps([call.url, call.headers, call.memo]).lower() for secret in SECRETS)


@every_offer
def test_every_accepted_parameter_reaches_the_wire(offer, task):
    for name, accept in offer.accepts.items():
        calls = {submitted(offer, task, **wish).model_dump_json() for wish in wishes(name, accept, offer)}
        assert len(calls) == len(wishes(name, accept, offer)), f"{name} does not reach the wire"


def wishes(name, accept, offer) -> list[dict]:
    """Requests that differ in one accepted parameter and so must be spelled differently."""
    if name == "size":
        pairs = [each.split("x") for each in accept.enum if each != "auto"]
        return [{"width": int(width), "height": int(height)} for width, height in pairs]
    if name in ("width", "height"):
        low, high = accept.range
        other = "height" if name == "width" else "width"
        side = int(offer.accepts[other].default or offer.accepts[other].range[0])
        return [{name: int(low), other: side}, {name: int(high), other: side}]
    if name == "loras":
        scaled = {"loras": (Lora(id="a", scale=0.5),)}
        return [{}, {"loras": (Lora(id="a"),)}, *([] if offer.loras.scales == (1, 1) else [scaled])]
    return [{name: value} for value in values(name, accept)]


def values(name, accept) -> list:
    if accept.enum is not None:
        return list(accept.enum)
    if accept.range is not None:
        whole = name not in ("duration_s", "guidance", "scale", "temperature")
        return [int(each) if whole else each for each in accept.range]
    kinds = {"audio": [True, False], "negative_prompt": ["blur", "noise"], "aspect_ratio": ["16:9", "9:16"]}
    return kinds.get(name, [2, 3] if name not in ("format", "quality", "resolution") else ["a", "b"])


@every_offer
def test_every_accepted_input_reaches_the_wire(offer, task):
    for role, (_, high) in offer.inputs.items():
        if high == 0:
            continue
        others = [
            Input(role=each, asset=f"ast_{each}") for each, (least, _) in offer.inputs.items() if least and each != role
        ]
        given = [Input(role=role, asset=f"ast_here_{n}") for n in range(max(1, high))]
        call = submitted(offer, task, inputs=[*others, *given]).model_dump_json()
        assert all(item.asset in call for item in given), f"{role} does not reach the wire"
        assert all(item.asset in call for item in others), f"{role} pushes another input out"


@every_offer
def test_what_is_fixed_reaches_the_wire_and_cannot_be_undone(offer, task):
    said = sayings(submitted(offer, task))
    for name, value in offer.fixed.items():
        assert said[name] in (value, json.dumps(value)), name
        assert fit(asked(offer, task, extra={offer.provider: {name: "other"}}), offer).reasons


@every_offer
def test_extras_reach_their_own_provider_only_and_never_replace_our_words(offer, task):
    own = {offer.provider: {"x_option": "mine"}, "another": {"x_option": "theirs", "y_option": 1}}
    call = submitted(offer, task, extra=own)
    assert sayings(call)["x_option"] == "mine" and "y_option" not in call.model_dump_json()
    for name in DIALECTS[offer.dialect].FIELDS:
        wire_name = (DIALECTS[offer.dialect].FIELDS | offer.fields)[name].name
        reasons = fit(asked(offer, task, extra={offer.provider: {wire_name: 9}}), offer).reasons
        assert reasons, f"extra may say {wire_name}"


@every_priced_offer
def test_a_priced_offer_can_be_quoted_for_its_least_request(offer, task):
    quoted = quote(fitted(offer, task), offer, DAY)
    assert quoted.usd >= 0 and quoted.usd == sum((line.usd for line in quoted.lines), Decimal(0))
    if any(rate.usd for rate in price_on(offer, DAY).rates):
        assert quoted.usd > 0, "a job that costs something is quoted as free"


@every_priced_offer
def test_every_accepted_value_can_be_quoted(offer, task):
    for name, accept in offer.accepts.items():
        for wish in wishes(name, accept, offer):
            assert quote(fitted(offer, task, **wish), offer, DAY).usd >= 0


@every_offer
def test_strict_refuses_and_lenient_adjusts_to_what_strict_accepts(offer, task):
    far = asked(offer, task, width=48, height=4096, seed=2**40, steps=999, guidance=99.5, quality="divine", fps=239)
    lenient = fit(far, offer, strict=False)
    if lenient.reasons:
        return
    again = fit(lenient.request, offer, strict=True)
    assert not again.reasons and not again.adjustments and again.request == lenient.request


# --- every dialect


@every_dialect
def test_extras_may_not_draw_in_an_asset(offer, task):
    extra = {offer.provider: {"x_option": [{"deep": {"$asset": "ast_of_somebody_else"}}]}}
    assert fit(asked(offer, task, extra=extra), offer).reasons


STATUSES = {
    401: Fault.AUTH,
    402: Fault.OUT_OF_CREDIT,
    403: Fault.AUTH,
    404: Fault.MODEL_MISSING,
    408: Fault.TIMED_OUT,
    410: Fault.MODEL_MISSING,
    413: Fault.INVALID_REQUEST,
    422: Fault.INVALID_REQUEST,
    429: Fault.RATE_LIMITED,
    500: Fault.PROVIDER_FAULT,
    502: Fault.PROVIDER_FAULT,
    503: Fault.PROVIDER_FAULT,
    504: Fault.TIMED_OUT,
    302: Fault.BAD_REPLY,
}
BODIES = {
    "detail": b'{"detail": "no"}',
    "error": b'{"error": {"message": "no", "type": null, "code": null}}',
    "words": b"no",
    "list": b'[["no"]]',
    "nothing": b"",
    "null error": b'{"error": null, "detail": null}',
    "bytes": b"\xff\xfe",
    "deep": b"[" * 100_000,
}


@every_dialect
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_refusal_is_classified_by_its_status(offer, task, body):
    for status, fault in STATUSES.items():
        progress = answered(offer, task, status, body)
        assert isinstance(progress, Failed), status
        assert (progress.error.fault, progress.error.status) == (fault, status)
        assert progress.fate_unknown == (status in (408, 504))
        assert progress.error.consequence == CONSEQUENCES[fault]


NONSENSE = {
    "html": b"<!doctype html><html><body>Welcome</body></html>",
    "object": b"{}",
    "list": b"[]",
    "empty": b"",
    "null": b"null",
    "number": b"1e999",
    "bytes": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "wrong types": b'{"status": 7, "data": 7, "choices": 7, "urls": 7, "output": 7, "status_url": 7}',
    "wrong items": b'{"status": "succeeded", "output": [7], "data": [7], "choices": [7], "status_url": []}',
}


@every_dialect
@pytest.mark.parametrize("body", NONSENSE.values(), ids=list(NONSENSE))
def test_nonsense_is_a_bad_reply(offer, task, body):
    for kind in ("application/json", "text/event-stream"):
        progress = answered(offer, task, 200, body, {"content-type": kind})
        assert isinstance(progress, Failed) and progress.error.fault is Fault.BAD_REPLY, kind


@every_dialect
@pytest.mark.parametrize("status", [404, 410])
def test_a_404_after_the_submit_does_not_hint_that_the_model_is_gone(offer, task, status):
    later = submitted(offer, task).model_copy(update={"stage": "status"})
    progress = understand(DIALECTS[offer.dialect], later, Reply(status, {}, b'{"detail": "unknown request"}'))
    assert isinstance(progress, Failed) and not progress.error.consequence.hints_retirement
    assert not progress.fate_unknown


@every_dialect
def test_a_long_complaint_is_cut(offer, task):
    progress = answered(offer, task, 500, json.dumps({"detail": "x" * 1_000_000}).encode())
    assert len(progress.error.message) <= 500


def test_every_role_and_every_parameter_of_fal_has_a_field_or_is_knowingly_left_out():
    roles = {field_name(role) for role in Role}
    assert roles - DIALECTS["fal"].FIELDS.keys() == {"style", "character"}
