"""Those who wait for a job hear of it, those who listen hear its words, and nothing is left of either."""

import asyncio

import pytest

from gateway.jobs import waiting
from gateway.jobs.endings import News
from gateway.jobs.waiting import Waiting


def news(job="job_1", is_final=False, status="running"):
    return News(job, is_final, "text", status)


async def heard(listening):
    return [words async for words in listening]


async def listening_to(office, job="job_1"):
    """A listener's task, once it listens."""
    task = asyncio.create_task(heard(office.listen(job)))
    while office.listener(job) is None:
        await asyncio.sleep(0)
    return task


@pytest.mark.anyio
async def test_a_watcher_hears_of_its_own_job_only():
    office = Waiting()
    with office.watch("job_1") as mine, office.watch("job_2") as other:
        office.announce(news())
        await mine.until(5)
        await other.until(0.01)
    assert (mine.news, other.news) == (news(), None)


@pytest.mark.anyio
async def test_every_watcher_of_a_job_hears_the_last_news():
    office = Waiting()
    with office.watch("job_1") as one, office.watch("job_1") as two:
        office.announce(news())
        office.announce(news(is_final=True, status="succeeded"))
        await asyncio.gather(one.until(5), two.until(5))
        assert one.news == two.news == news(is_final=True, status="succeeded")


@pytest.mark.anyio
async def test_a_watcher_waits_anew_after_each_change():
    office = Waiting()
    with office.watch("job_1") as watch:
        office.announce(news())
        await watch.until(5)
        assert not watch.changed.is_set()
    assert not office.waiters


@pytest.mark.anyio
async def test_a_listener_hears_the_words_in_their_order_until_the_end():
    office = Waiting()
    task = await listening_to(office)
    for word in ("a ", "red ", "fox"):
        await office.listener("job_1")(word)
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == ["a ", "red ", "fox"]
    assert not office.listeners and office.listener("job_1") is None


@pytest.mark.anyio
async def test_nobody_listens_to_a_job_that_nobody_asked_for():
    office = Waiting()
    office.announce(news(is_final=True, status="succeeded"))
    assert office.listener("job_1") is None


@pytest.mark.anyio
async def test_a_listener_that_is_behind_for_good_is_let_go_without_a_gap(monkeypatch):
    monkeypatch.setattr(waiting, "HEARD", 3)
    office = Waiting()
    task = await listening_to(office)
    say = office.listener("job_1")
    for number in range(5):
        await say(str(number))
    assert await task == ["0", "1", "2"]
    assert not office.listeners
    await say("to nobody")


@pytest.mark.anyio
async def test_a_listener_that_goes_away_leaves_nothing_behind():
    office = Waiting()
    task = await listening_to(office)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not office.listeners
