"""Readings are judged against the last good one, kept once, and refused with a sentence that leaves what was good."""

from datetime import timedelta

import pytest

from gateway.snapshots import feeds, intake, store
from gateway.snapshots.intake import take_in
from router.feeds.readings import Notice, NoticeReading, Page
from router.feeds.trust import Refused
from tests.readings import BOARD, DAY, NOW, board, listing, prices

pytestmark = pytest.mark.anyio


async def fed(database, *readings, now=NOW, name="arena", is_history=False, refused=()):
    return await take_in(database, "boards", name, [*(Page((each,)) for each in readings), *refused], now, is_history)


async def kept(database):
    return await database.read(store.latest)


async def row(database):
    [found] = await database.read(feeds.listing)
    return dict(found)


async def test_feeding_the_same_twice_changes_nothing(database):
    first = await fed(database, board(a=1, b=2))
    before = await kept(database)
    again = await fed(database, board(a=1, b=2), now=NOW + timedelta(days=1))
    assert (first.new, again.new, again.refusal) == (1, 0, None)
    assert await kept(database) == before
    assert (await row(database))["kept"] == 1


async def test_a_list_that_says_the_same_is_kept_once_a_day(database):
    assert (await fed(database, prices(9))).new == 1
    later = prices(9).model_copy(update={"taken_at": DAY + timedelta(hours=23)})
    assert (await fed(database, later)).new == 0
    assert (await fed(database, prices(9, day=1))).new == 1
    dearer = prices(9, usd="2").model_copy(update={"taken_at": DAY + timedelta(days=1, hours=1)})
    assert (await fed(database, dearer)).new == 1


async def test_a_reading_that_shrank_beyond_belief_is_refused_and_the_good_one_stays(database):
    await fed(database, board(a=1, b=2, c=3, d=4, e=5, f=6))
    before = await kept(database)
    taken = await fed(database, board(1, a=1, b=2))
    assert not taken.good and "only 2 of the 6 labels" in taken.refusal
    assert await kept(database) == before
    said = await row(database)
    assert (said["readings"], said["rows"], said["refusals"]) == (1, 6, 1)
    assert said["taken_at"] == DAY and "only 2 of the 6" in said["refusal"]
    await fed(database, board(2, a=1, b=2, c=3, d=4, e=5))
    said = await row(database)
    assert (said["refusals"], said["taken_at"]) == (0, DAY + timedelta(2)) and "only 2" in said["refusal"]


async def test_an_older_reading_is_refused_from_the_network_and_kept_as_history(database):
    await fed(database, board(10, a=1, b=2))
    assert "older than the last good one" in (await fed(database, board(5, a=1, c=2))).refusal
    taken = await fed(database, board(5, a=1, c=2), is_history=True)
    assert (taken.new, taken.refusal) == (1, None)
    [latest] = await kept(database)
    assert latest.taken_at == DAY + timedelta(10)
    assert (await row(database))["taken_at"] == DAY + timedelta(10)


async def test_the_days_of_a_history_are_judged_one_after_the_other(database):
    days = [board(day, **{f"m{n}": n for n in range(day, day + 10)}) for day in range(20)]
    taken = await fed(database, *days[::-1], is_history=True)
    assert (len(taken.good), taken.new, taken.refusal) == (20, 20, None)


async def test_the_order_of_histories_does_not_matter(database):
    days = [board(day, a=day, b=2) for day in range(4)]
    for each in (days[2], days[0], days[3], days[1]):
        await fed(database, each, is_history=True)
    found = await database.read(lambda connection: store.since(connection, DAY, "arena", BOARD))
    assert [each.taken_at for each in found] == [DAY + timedelta(day) for day in range(4)]


async def test_what_came_with_a_list_that_shrank_is_not_believed_either(database):
    notice = NoticeReading(
        source="list", taken_at=DAY + timedelta(1), rows=(Notice(label="a", channel="p", stage="deprecated"),)
    )
    await take_in(database, "prices", "list", [Page((prices(20),))], NOW)
    page = Page((prices(3, day=1), listing(3, day=1), notice))
    taken = await take_in(database, "prices", "list", [page], NOW)
    assert not taken.good and {each.subject for each in taken.refused} == {"prices", "listing", "notices"}
    assert len(await kept(database)) == 1


async def test_a_reply_that_was_refused_is_written_down_without_a_reading(database):
    taken = await fed(database, refused=[Refused("arena", "reply", "it answered with status 500")])
    said = await row(database)
    assert taken.refusal == "reply: it answered with status 500" == said["refusal"]
    assert (said["good_at"], said["readings"], said["refused_at"]) == (None, 0, NOW)


async def test_of_several_replies_those_that_are_whole_are_kept(database):
    taken = await fed(database, board(a=1), refused=[Refused("arena", "reply", "it is cut short")])
    assert len(taken.good) == 1 and taken.new == 1 and (await row(database))["refusals"] == 1
    listed = await take_in(
        database, "listings", "list", [Page((listing(3),)), Refused("list", "reply", "it is cut short")], NOW
    )
    assert listed.good == ()


def test_news_is_what_differs_or_is_a_day_later():
    assert intake.is_news(listing(2), None) and intake.is_news(listing(3), listing(2))
    assert not intake.is_news(listing(2), listing(2)) and intake.is_news(listing(2, day=1), listing(2))
