"""One fit serves all requests of a shape: its quote covers the longest of them, its words are each one's own."""

import json
from datetime import date

import pytest
from hypothesis import given, strategies as st

from adapters import pricing
from adapters.schema import Accept, MediaRequest, Offer, Price, Rate
from gateway.ledger.rules import nanos
from gateway.routing import fitting

DAY = date(2026, 11, 22)
RATES = (Rate(unit="output_image", usd="0.002"), Rate(unit="character", usd="0.00001"))
OFFER = Offer(
    provider="fal", model="maker/model", dialect="fal", wire_id="m", tasks={"text-to-image"},
    accepts={
        "width": Accept(range=(64, 1024), step=64, default=512), "height": Accept(range=(64, 1024), default=512),
        "seed": Accept(), "negative_prompt": Accept(), "count": Accept(range=(1, 4), step=1),
    },
    prices=(Price(since=DAY, checked=DAY, source="test", rates=RATES),),
)  # fmt: skip


def ask(**wishes):
    return MediaRequest(**{"task": "text-to-image", "prompt": "a red fox"} | wishes)


def fit(request, strict=True):
    return fitting.fit_offer(request, OFFER, strict, DAY)


@given(st.text(max_size=300))
def test_the_quote_of_a_class_covers_every_prompt_in_it(prompt):
    request = ask(prompt=prompt)
    own = nanos(pricing.quote(request.model_copy(update=dict(fit(request).changes)), OFFER, DAY).usd)
    size_bytes = len(prompt.encode())
    assert fit(request).quote_nanos >= own
    assert fit(request).quote_nanos == fit(ask(prompt="x" * size_bytes)).quote_nanos
    assert fitting.word_class(size_bytes) - size_bytes in range(fitting.WORDS_BYTES)


def test_no_prompt_is_a_class_of_its_own():
    assert fitting.word_class(0) == 0 and fitting.word_class(1) == fitting.WORDS_BYTES


def test_a_fit_changes_what_the_offer_wants_otherwise_and_never_the_prompt():
    fitted = fit(ask(width=100, height=100), strict=False)
    assert dict(fitted.changes) == {"width": 128}
    assert json.loads(fitted.adjustments_json) == [{"parameter": "width", "asked": 100, "sent": 128}]
    assert json.loads(fitted.resolved_json) == {"width": 128, "height": 100, "count": 1}


def test_what_does_not_fit_says_why_and_costs_nothing():
    fitted = fit(ask(count=5))
    assert fitted.reasons and fitted.quote_nanos == 0


def test_an_offer_without_a_price_that_day_is_not_fitted():
    with pytest.raises(pricing.Unpriced):
        fitting.fit_offer(ask(), OFFER, True, date(2026, 11, 21))


OWN_VALUES = st.tuples(st.integers(0, 2**40), st.text(max_size=20))


@given(first=OWN_VALUES, second=OWN_VALUES)
def test_nobody_is_told_the_seed_or_the_words_of_another(first, second):
    def one(values):
        return ask(seed=values[0], negative_prompt=values[1])

    shared = fit(one(first))
    assert fitting.fit_of(one(second), shared) == fit(one(second))


def test_a_request_without_values_of_its_own_takes_the_fit_as_it_is():
    shared = fit(ask())
    assert fitting.fit_of(ask(prompt="a blue fox"), shared) is shared
