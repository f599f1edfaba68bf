"""The 30-day rule, and all that must never retire anything: gaps in our own reading, one empty reading, a rename."""

from datetime import date, timedelta

from hypothesis import given, strategies as st

from adapters.schema import Model, Task
from router.retirement import (
    Announced,
    Life,
    Shown,
    Stage,
    Tried,
    Verdict,
    Word,
    lives,
    model_life,
    successors,
)

DAY = date(2026, 8, 1)
OFFER = "fal/kuaishou/kling-v3"


def shown(source: str, *days: int, subjects=(OFFER,)) -> list[Shown]:
    return [Shown(source, DAY + timedelta(day), frozenset(subjects)) for day in days]


def without(source: str, *days: int) -> list[Shown]:
    return shown(source, *days, subjects=("another",))


NEVER = Tried()


def life(readings=(), tried=NEVER, announced=(), on: int = 100) -> Life:
    return lives([OFFER], list(readings), {OFFER: tried}, list(announced), DAY + timedelta(on))[OFFER]


def test_what_no_source_has_confirmed_for_seven_days_is_stale_and_for_thirty_retired():
    gone = without("fal's list", *range(1, 60))
    stages = {on: life([*shown("fal's list", 0), *gone], on=on).stage for on in range(60)}
    assert {on for on, stage in stages.items() if stage is Stage.RETIRED} == set(range(30, 60))
    assert {on for on, stage in stages.items() if stage is Stage.STALE} == set(range(7, 30))
    assert life([*shown("fal's list", 0), *gone]).since == DAY + timedelta(30)


def test_a_gateway_that_is_cut_off_retires_nothing():
    assert life(shown("fal's list", 0), on=400).stage is Stage.ACTIVE
    assert "2026-08-01" in life(shown("fal's list", 0), on=400).evidence


def test_one_or_two_readings_without_it_retire_nothing_however_late():
    assert life([*shown("fal's list", 0), *without("fal's list", 60)]).stage is Stage.ACTIVE
    assert life([*shown("fal's list", 0), *without("fal's list", 59, 60)]).stage is not Stage.RETIRED


def test_two_readings_of_one_day_are_one_look():
    assert life([*shown("fal's list", 0), *without("fal's list", 60), *without("fal's list", 60)]).stage is Stage.ACTIVE


def test_a_source_that_never_showed_it_cannot_miss_it():
    readings = [*shown("a board", 0), *without("fal's list", *range(60))]
    assert life(readings).stage is Stage.ACTIVE


def test_one_source_that_goes_on_showing_it_keeps_it_and_it_is_fading():
    readings = [*shown("fal's list", *range(60)), *shown("a board", 0), *without("a board", *range(1, 60))]
    assert life(readings).stage is Stage.FADING


def test_a_successful_attempt_confirms_what_listings_have_forgotten():
    gone = [*shown("fal's list", 0), *without("fal's list", *range(1, 60))]
    assert life(gone, Tried(succeeded=DAY + timedelta(58))).stage is Stage.FADING


def test_failing_as_missing_three_times_in_a_row_is_stale_and_twice_is_not():
    missed = Tried(misses=3, missed=DAY)
    assert life(shown("fal's list", 99), missed).stage is Stage.STALE
    assert life(shown("fal's list", 99), missed._replace(misses=2)).stage is Stage.ACTIVE


def test_an_announced_end_deprecates_until_its_date_and_retires_on_it():
    notice = Announced(OFFER, "https://fal.ai/notices", DAY, DAY + timedelta(50), "kuaishou/kling-v4")
    seen = shown("fal's list", *range(100))
    before, after = life(seen, announced=[notice], on=49), life(seen, announced=[notice], on=50)
    assert (before.stage, before.ends, before.successor) == (Stage.DEPRECATED, notice.ends, notice.successor)
    assert (after.stage, after.since) == (Stage.RETIRED, notice.ends)
    assert "https://fal.ai/notices" in after.evidence
    assert life(seen, announced=[notice], on=-1).stage is Stage.ACTIVE


def test_an_end_without_a_date_deprecates_and_the_latest_word_counts():
    first = Announced(OFFER, "page", DAY, DAY + timedelta(10))
    later = Announced(OFFER, "page", DAY + timedelta(5), DAY + timedelta(200))
    assert life(announced=[first._replace(ends=None)]).stage is Stage.DEPRECATED
    assert life(announced=[later, first]).ends == later.ends


def test_an_offer_that_nobody_has_shown_yet_is_active_by_its_card():
    assert life().stage is Stage.ACTIVE and "card" in life().evidence


READINGS = st.lists(
    st.builds(
        Shown,
        st.sampled_from(["a", "b"]),
        st.integers(0, 80).map(lambda day: DAY + timedelta(day)),
        st.sets(st.sampled_from([OFFER, "another"])).map(frozenset),
    ),
    max_size=40,
)


@given(READINGS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_readings_change_nothing(readings, random):
    shuffled = readings * 2
    random.shuffle(shuffled)
    assert life(shuffled) == life(readings)


@given(READINGS, st.integers(0, 120))
def test_a_reading_that_shows_it_never_makes_it_worse(readings, on):
    order = [Stage.ACTIVE, Stage.FADING, Stage.DEPRECATED, Stage.STALE, Stage.RETIRED]
    with_it = [*readings, Shown("a", DAY + timedelta(on), frozenset({OFFER}))]
    assert order.index(life(with_it, on=on).stage) <= order.index(life(readings, on=on).stage)


def test_a_model_is_as_well_as_the_best_of_its_offers_and_announced_while_nobody_offers_it():
    retired = Life(stage=Stage.RETIRED, since=DAY, evidence="gone")
    active = Life(stage=Stage.ACTIVE, since=DAY, evidence="there")
    assert model_life({"fal/m": retired, "kling/m": active}, retired, None).stage is Stage.ACTIVE
    assert model_life({"fal/m": retired}, active, "kuaishou/kling-v4").successor == "kuaishou/kling-v4"
    assert model_life({}, active, None).stage is Stage.ANNOUNCED
    assert model_life({}, retired, None).stage is Stage.RETIRED


def test_what_a_price_list_heard_deprecates_and_retires_nothing():
    heard = Announced(OFFER, "a price list", DAY, DAY + timedelta(10), None, True)
    assert life(announced=[heard], on=50).stage is Stage.DEPRECATED
    known = Announced(OFFER, "a maker's page", DAY - timedelta(5), DAY + timedelta(90))
    assert life(announced=[heard, known], on=50).ends == known.ends, "who knows counts before who heard it later"


def member(number, **more):
    return Model(
        id=f"acme/v{number}", name=f"v{number}", maker="Acme", tasks={Task.TEXT}, family="acme/v",
        released=DAY + timedelta(number), **more,
    )  # fmt: skip


FAMILY = {model.id: model for model in map(member, range(1, 5))}


def family(*stages, successor=None):
    staged = zip(FAMILY, stages, strict=True)
    return {id: Life(stage=stage, since=DAY, evidence="said", successor=successor) for id, stage in staged}


def test_the_successor_is_the_one_announced_else_the_newest_later_member_that_is_out_and_lives():
    gone, there = Stage.RETIRED, Stage.ACTIVE
    late = DAY + timedelta(9)
    assert successors(FAMILY, family(gone, there, there, gone), late) == {"acme/v1": "acme/v3"}
    assert successors(FAMILY, family(gone, there, there, there), DAY + timedelta(2)) == {"acme/v1": "acme/v2"}
    named = family(gone, there, there, there, successor="acme/v2")
    assert successors(FAMILY, named, late) == {"acme/v1": "acme/v2"}
    assert successors(FAMILY, family(there, there, there, Stage.ANNOUNCED), late) == {}
    assert successors(FAMILY, family(there, there, there, gone), late) == {}, "an earlier member succeeds nobody"


def test_a_successor_that_has_itself_retired_is_followed_on_and_a_ring_leads_nowhere():
    gone = Life(stage=Stage.RETIRED, since=DAY, evidence="said")
    chain = {f"acme/v{number}": gone.model_copy(update={"successor": f"acme/v{number + 1}"}) for number in (1, 2, 3)}
    assert successors(FAMILY, chain, DAY)["acme/v1"] == "acme/v4"
    ring = chain | {"acme/v4": gone.model_copy(update={"successor": "acme/v1"})}
    assert successors(FAMILY, ring, DAY) == {}


def worded(verdict: Verdict, readings=(), announced=(), tried=NEVER, on: int = 100) -> Life:
    word = Word(verdict, DAY + timedelta(90), "we looked")
    said = {OFFER: word}
    return lives([OFFER], list(readings), {OFFER: tried}, list(announced), DAY + timedelta(on), words=said)[OFFER]


GONE = [*shown("fal's list", 0), *without("fal's list", *range(1, 60))]


def test_the_operators_word_retires_what_everybody_shows():
    life = worded(Verdict.RETIRED, shown("fal's list", *range(100)))
    assert (life.stage, life.since) == (Stage.RETIRED, DAY + timedelta(90))
    assert life.evidence == "retired by the operator: we looked"


def test_what_is_kept_is_active_whatever_was_observed_and_says_both():
    for observed in (GONE, GONE[:20]):
        life = worded(Verdict.KEEP, observed)
        assert life.stage is Stage.ACTIVE
        assert "kept by the operator: we looked; last confirmed on" in life.evidence
    missing = worded(Verdict.KEEP, tried=Tried(None, 3, DAY))
    assert missing.stage is Stage.ACTIVE and "no such model" in missing.evidence


def test_keeping_what_nothing_speaks_against_changes_nothing():
    readings = shown("fal's list", *range(100))
    assert worded(Verdict.KEEP, readings) == life(readings)


def test_an_announced_end_counts_against_a_word_that_keeps():
    ended = Announced(OFFER, "a page", DAY, DAY + timedelta(50))
    assert worded(Verdict.KEEP, GONE, [ended]).stage is Stage.RETIRED
    coming = Announced(OFFER, "a page", DAY, DAY + timedelta(500))
    assert worded(Verdict.KEEP, GONE, [coming]).stage is Stage.DEPRECATED
