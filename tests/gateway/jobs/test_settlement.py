"""What a finished attempt costs: the provider's own word, else measured units at the frozen price."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters import pricing
from adapters.schema import Expectation, MediaRequest, Offer, Output, Price, Rate, Task
from adapters.wire import Done
from gateway.jobs import settlement
from gateway.ledger.rules import nanos, usd as ledger_usd

DAY = date(2026, 11, 22)


def price(**usd):
    rates = tuple(Rate(unit=unit, usd=each) for unit, each in usd.items())
    return Price(since=DAY, checked=DAY, source="test", rates=rates)


def offer(held, **changes):
    plain = {"provider": "fal", "model": "maker/model", "dialect": "fal", "wire_id": "m", "tasks": set(Task)}
    return Offer(**plain | {"prices": (held,)} | changes)


def done(cost_usd=None, **usage):
    counted = {unit: Decimal(quantity) for unit, quantity in usage.items()}
    return Done(outputs=(Output(mime="video/mp4", url="https://cdn.example/a"),), usage=counted, cost_usd=cost_usd)


PER_SECOND = price(output_video_second="0.40")
PER_IMAGE = price(output_image="0.002")


def clip(seconds, counted=None, cost_usd=None, request_s=5.0):
    """The bill of a clip of which `request_s` were asked for and `seconds` measured."""
    request = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="a fox", duration_s=request_s)
    reported = done(cost_usd, **({"output_video_second": counted} if counted else {}))
    measured = {"output_video": Decimal(1), "output_video_second": Decimal(str(seconds))}
    return settlement.bill(PER_SECOND, request, offer(PER_SECOND), reported, measured)


def pictures(asked, delivered):
    request = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="a fox", count=asked)
    measured = {"output_image": Decimal(delivered)}
    return settlement.bill(PER_IMAGE, request, offer(PER_IMAGE), done(), measured)


def test_a_clip_as_asked_is_billed_by_the_table_line_by_line():
    bill = clip(5)
    assert (bill.nanos, bill.source) == (2_000_000_000, "table")
    assert bill.lines == ({"unit": "output_video_second", "quantity": "5", "usd_each": "0.40", "usd": "2.00"},)


def test_a_clip_that_is_a_frame_short_is_billed_as_asked():
    assert clip("4.958333").nanos == clip(5).nanos


def test_half_a_clip_is_billed_half():
    assert clip("2.5").nanos == clip(5).nanos / 2


def test_a_longer_clip_is_the_providers_gift():
    assert clip(8).nanos == clip(5).nanos


def test_what_the_provider_counted_goes_before_what_we_measured():
    assert clip(5, counted=4).nanos == 1_600_000_000
    assert clip(5, counted=6).nanos == 2_400_000_000


def test_what_the_provider_says_it_charged_goes_before_everything():
    bill = clip(5, counted=6, cost_usd=Decimal("1.2345678901"))
    assert (bill.nanos, bill.source, bill.lines) == (1_234_567_891, "provider", ())
    assert bill.usage["output_video_second"] == 6
    assert clip(5, cost_usd=Decimal(0)).nanos == 0


def test_a_picture_that_is_missing_is_not_billed_however_many_came():
    assert pictures(4, 3).nanos == 6_000_000
    assert pictures(100, 99).nanos == 198_000_000, "99 of 100 are not almost all"
    assert pictures(2, 3).nanos == 4_000_000


def test_a_cost_that_rests_on_an_expectation_is_an_estimate():
    held = price(output_image_token="0.00003")
    expecting = offer(held, expects=(Expectation(unit="output_image_token", quantity="1000"),))
    request = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="a fox", count=2)
    guessed = settlement.bill(held, request, expecting, done(), {"output_image": Decimal(2)})
    assert (guessed.nanos, guessed.source) == (60_000_000, "estimate")
    counted = settlement.bill(held, request, expecting, done(output_image_token="1500"), {"output_image": Decimal(2)})
    assert (counted.nanos, counted.source) == (45_000_000, "table")


@given(
    asked_s=st.decimals("0.1", "60", places=1),
    measured_s=st.decimals("0", "200", places=4),
    usd=st.decimals("0", "9", places=6),
)
def test_a_measured_clip_never_costs_more_than_its_quote_and_never_gains_by_being_shorter(asked_s, measured_s, usd):
    held = price(output_video_second=str(usd))
    request = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="a fox", duration_s=float(asked_s))
    quoted = nanos(pricing.quote(request, offer(held), DAY).usd)

    def cost(seconds):
        return settlement.bill(held, request, offer(held), done(), {"output_video_second": seconds}).nanos

    assert 0 <= cost(measured_s) <= quoted
    assert cost(measured_s / 2) <= cost(measured_s)
    assert cost(asked_s) == quoted
    if measured_s < asked_s * settlement.ALMOST:
        assert cost(measured_s) == nanos(usd * measured_s)


@given(asked=st.integers(1, 100), delivered=st.integers(0, 120))
def test_pictures_are_billed_one_by_one(asked, delivered):
    assert pictures(asked, delivered).nanos == 2_000_000 * min(asked, delivered)


def test_a_refusal_costs_only_where_the_card_says_that_refusals_are_billed():
    held = price(input_token="0.000001", output_token="0.000002")
    request = MediaRequest(task=Task.TEXT, prompt="no", max_tokens=100)
    counted = {"input_token": Decimal(50), "output_token": Decimal(3)}
    assert settlement.refusal_bill(held, request, offer(held), counted) is None
    billed = settlement.refusal_bill(held, request, offer(held, refusals_billed=True), counted)
    assert (billed.nanos, billed.source) == (56_000, "table")
    assert settlement.refusal_bill(held, request, offer(held, refusals_billed=True), {}) is None


def test_what_a_provider_says_it_charged_for_a_refusal_is_owed_whatever_the_card_says():
    held = price(output_video="2.00")
    request = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="no", duration_s=5)
    for card in (offer(held), offer(held, refusals_billed=True)):
        billed = settlement.refusal_bill(held, request, card, {}, Decimal("0.04"))
        assert (billed.nanos, billed.source) == (40_000_000, "provider")
        assert settlement.refusal_bill(held, request, card, {"output_video": Decimal(1)}, Decimal(0)) is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [("2.00", "2"), ("0.40", "0.4"), ("100", "100"), ("1E+3", "1000"), ("1E-9", "0.000000001"), ("0", "0")],
)
def test_amounts_are_written_plainly(amount, text):
    assert settlement.plain(Decimal(amount)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e12", max_value="1e12"))
def test_a_plain_amount_says_the_same(amount):
    written = settlement.plain(amount)
    assert Decimal(written) == amount and "E" not in written


@pytest.mark.parametrize(
    ("usd", "text"), [("2", "2.00"), ("0.4", "0.40"), ("0.003", "0.003"), ("0", "0.00"), ("12.345678", "12.345678")]
)
def test_money_has_two_places_at_least_as_in_the_ledger(usd, text):
    assert settlement.money(Decimal(usd)) == text == ledger_usd(nanos(Decimal(usd)))


def undelivered(outputs, **asked):
    return settlement.undelivered(MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="a fox", **asked), outputs, PER_SECOND)


def test_what_came_as_asked_is_no_adjustment():
    asked = {"width": 640, "height": 360, "duration_s": 5.0, "count": 2}
    assert undelivered([{"width": 640, "height": 360, "duration_s": 4.96}] * 2, **asked) == []
    assert undelivered([{"width": 640, "height": 360, "duration_s": 3.0}]) == [], "nothing was asked"


def test_what_came_otherwise_is_said():
    came = {"width": 512, "height": 512, "duration_s": 2.5}
    found = undelivered([came], width=640, height=512, duration_s=5, count=3)
    assert found == [
        {"parameter": "width", "asked": 640, "sent": 640, "delivered": 512},
        {"parameter": "duration_s", "asked": 5, "sent": 5, "delivered": 2.5},
        {"parameter": "count", "asked": 3, "sent": 3, "delivered": 1},
    ]


def test_a_longer_clip_is_no_adjustment_but_a_larger_picture_is():
    assert undelivered([{"duration_s": 8.0}], duration_s=5) == []
    assert [each["delivered"] for each in undelivered([{"width": 1280}], width=640)] == [1280]


def test_words_have_no_size():
    assert undelivered([{"width": None, "height": None, "duration_s": None}], width=640) == []


TIERED = Price(
    since=DAY, checked=DAY, source="test",
    rates=[Rate(unit="output_video_second", usd=usd, when={"resolution": [tier]})
           for tier, usd in (("480p", "0.05"), ("720p", "0.10"), ("1080p", "0.30"))],
)  # fmt: skip


def tiered(came, resolution="1080p", **more):
    request = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="a fox", duration_s=5, resolution=resolution, **more)
    outputs = [{"width": width, "height": height, "duration_s": 5} for width, height in came]
    measured = {"output_video": Decimal(1), "output_video_second": Decimal(5)}
    bill = settlement.bill(TIERED, request, offer(TIERED), done(), measured, outputs)
    return ledger_usd(bill.nanos), [each["delivered"] for each in settlement.undelivered(request, outputs, TIERED)]


@pytest.mark.parametrize(
    ("came", "usd", "said"),
    [
        ([(1920, 1080)], "1.50", []),
        ([(1080, 1920)], "1.50", []),
        ([(1904, 1056)], "1.50", []),  # as near as encoders come
        ([(1280, 720)], "0.50", ["720p"]),
        ([(1279, 719)], "0.50", ["720p"]),
        ([(960, 540)], "0.25", ["480p"]),
        ([(320, 240)], "0.25", ["480p"]),  # below all that is priced: the least there is
        ([(1280, 720), (1920, 1080)], "1.50", []),
        ([(None, None)], "1.50", []),
        ([], "1.50", []),
    ],
)
def test_a_clip_smaller_than_its_resolution_is_paid_as_the_one_that_came(came, usd, said):
    assert tiered(came) == (usd, said)


def test_a_clip_larger_than_its_resolution_is_the_providers_gift():
    assert tiered([(1920, 1080)], resolution="480p") == ("0.25", [])


def test_where_no_resolution_was_asked_none_is_judged():
    request = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="a fox", duration_s=5)
    assert settlement.tier_delivered(request, TIERED, [{"width": 64, "height": 64}]) is None


MACHINE = Price(since=DAY, checked=DAY, source="test", rates=(Rate(unit="gpu_second", usd="3.60", per=3600),))


def own_run(seconds, bound, quote_nanos):
    """The bill of a run on an own machine of a tenth of a cent a second, of which our clock says so many seconds."""
    request = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="a fox")
    ours = offer(MACHINE, expects=(Expectation(unit="gpu_second", quantity=bound),))
    held = settlement.within({"gpu_second": Decimal(seconds)}, MACHINE, request, ours, quote_nanos)
    return settlement.bill(MACHINE, request, ours, done(), held)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(0, 10**12))
def test_seconds_by_our_clock_never_cost_more_than_was_held_whatever_bounds_them_by_now(millis, bound, quote_nanos):
    assert own_run(Decimal(millis) / 1000, bound, quote_nanos).nanos <= quote_nanos


def test_seconds_of_a_machine_are_paid_as_they_were_and_not_as_their_bound():
    assert own_run("59.1", 60, 60_000_000).nanos == 59_100_000
