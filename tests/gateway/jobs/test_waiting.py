"""Those who wait for a job hear of it, those who listen hear its words, and nothing is left of either."""

import asyncio

import pytest

from adapters.wire import Partial
from gateway.jobs import waiting
from gateway.jobs.endings import News
from gateway.jobs.waiting import Waiting


def news(job="job_1", is_final=False, status="running"):
    return News(job, is_final, "text", status)


async def heard(listening):
    return [words async for words in listening]


async def listening_to(office, job="job_1"):
    """A listener's task, once it listens."""
    before = len(office.listeners.get(job, ()))
    task = asyncio.create_task(heard(office.listen(job)))
    async with asyncio.timeout(5):
        while len(office.listeners.get(job, ())) == before:
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
    say = office.listener("job_1")
    for word in ("a ", "red ", "fox"):
        await say(word)
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == ["a ", "red ", "fox"]
    assert not office.listeners and not office.said


@pytest.mark.anyio
async def test_who_listens_late_hears_first_what_was_said_already():
    office = Waiting()
    say = office.listener("job_1")
    await say("a ")
    await say("red ")
    task = await listening_to(office)
    await say("fox")
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == ["a red ", "fox"]


@pytest.mark.anyio
@pytest.mark.parametrize("known", range(10))
async def test_who_comes_back_hears_what_it_has_not_heard(known):
    office = Waiting()
    say = office.listener("job_1")
    await say("a ")
    task = asyncio.create_task(heard(office.listen("job_1", skip_chars=known)))
    while not office.listeners:
        await asyncio.sleep(0)
    await say("red ")
    await say("fox")
    office.announce(news(is_final=True, status="succeeded"))
    assert "".join(await task) == "a red fox"[known:]


@pytest.mark.anyio
async def test_a_listener_is_woken_when_the_job_changes():
    office = Waiting()
    task = await listening_to(office)
    office.announce(news())
    await office.listener("job_1")("a fox")
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == ["", "a fox"]


@pytest.mark.anyio
async def test_a_turn_that_begins_again_is_not_heard_twice():
    office = Waiting()
    await office.listener("job_1")("lost")
    say = office.listener("job_1")
    task = await listening_to(office)
    await say("a fox")
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == ["a fox"]


@pytest.mark.anyio
async def test_words_beyond_what_is_kept_are_not_heard_with_a_gap_before_them(monkeypatch):
    monkeypatch.setattr(waiting, "SAID_CHARS", 5)
    office = Waiting()
    early = await listening_to(office)
    say = office.listener("job_1")
    for word in ("a ", "red ", "fox"):
        await say(word)
    assert await heard(office.listen("job_1")) == []
    office.announce(news(is_final=True, status="succeeded"))
    assert await early == ["a ", "red ", "fox"], "who listened from the beginning misses nothing"


@pytest.mark.anyio
async def test_words_are_kept_until_their_turn_is_over():
    office = Waiting()
    await office.listener("job_1")("a fox")
    office.announce(news("job_2", is_final=True, status="succeeded"))
    assert office.said.keys() == {"job_1"}
    office.announce(news())
    assert not office.said


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


def partial(index=0, words="aGk="):
    return Partial(index=index, mime="image/png", base64=words)


@pytest.mark.anyio
async def test_partial_pictures_are_shown_as_they_come_and_who_is_late_sees_the_latest():
    office = Waiting()
    early = await listening_to(office)
    show = office.listener("job_1")
    await show(partial(0))
    await show(partial(1))
    late = await listening_to(office)
    await show(partial(2))
    office.announce(news(is_final=True, status="succeeded"))
    assert await early == [partial(0), partial(1), partial(2)]
    assert await late == [partial(1), partial(2)]
    assert not office.listeners and not office.said, "nothing is kept of them"


@pytest.mark.anyio
async def test_a_provider_cannot_show_more_than_can_be_asked_for():
    office = Waiting()
    task = await listening_to(office)
    show = office.listener("job_1")
    for index in range(100):
        await show(partial(index))
    assert office.said["job_1"].latest == partial(waiting.PARTIALS - 1)
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == [partial(index) for index in range(waiting.PARTIALS)]


@pytest.mark.anyio
async def test_a_further_try_shows_its_own_pictures_only():
    office = Waiting()
    await office.listener("job_1")(partial(0, "b2xk"))
    show = office.listener("job_1")
    task = await listening_to(office)
    for index in range(waiting.PARTIALS):
        await show(partial(index))
    office.announce(news(is_final=True, status="succeeded"))
    assert await task == [partial(index) for index in range(waiting.PARTIALS)]
