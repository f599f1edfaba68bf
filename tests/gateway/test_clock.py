"""Ids sort by their time and cannot be guessed; times are exact to the microsecond."""

import time
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from gateway import clock

MANY = 2_000
FIRST, LAST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - the strategy adds the zone


def test_now_is_now_in_utc():
    assert clock.now().tzinfo is UTC
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5


def test_an_id_carries_its_kind_and_sorts_by_its_time():
    ids = []
    for _ in range(20):
        ids += [clock.new_id("job") for _ in range(100)]
        time.sleep(0.002)
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert all(each.startswith("job_") and len(each) == 36 and int(each[4:], 16) for each in ids)


def test_an_id_tells_its_time():
    before = datetime.now(UTC)
    millis = int(clock.new_id("job")[4:16], 16)
    assert abs(millis / 1_000 - before.timestamp()) < 5


def test_who_has_seen_an_id_cannot_guess_the_next():
    """The last 32 bits are random, even among ids of one millisecond."""
    tails = [int(clock.new_id("job")[-8:], 16) for _ in range(MANY)]
    assert len(set(tails)) > MANY - 5, "birthdays aside, none comes twice"
    for bit in range(32):
        share = sum(tail >> bit & 1 for tail in tails) / MANY
        assert 0.4 < share < 0.6, f"bit {bit} is set in {share:.0%}"


def test_secrets_are_long_and_fit_into_an_address():
    secrets = {clock.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(each) >= 43 and each.replace("-", "").replace("_", "").isalnum() for each in secrets)


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
def test_times_survive_the_database_exactly_and_in_order(moment):
    micros = clock.to_micros(moment)
    assert clock.from_micros(micros) == moment
    assert clock.to_micros(moment + timedelta(microseconds=1)) == micros + 1
