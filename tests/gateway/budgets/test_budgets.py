"""Budgets hold: whatever the order of jobs, fallbacks and settlements, and however many come at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings, strategies as st

from gateway.budgets import store
from gateway.budgets.rules import EVER, Budget, Scope, Spender, Window, began, covers, crossed, ends
from gateway.budgets.store import Over
from gateway.budgets.tables import ALERT, CHARGE, SPEND
from gateway.db import Database, connect

NOW = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
CENT = 10_000_000


def budget(id="bud_1", limit=100 * CENT, **more) -> Budget:
    made = Budget(id, id, Scope.KEY, "key_1", Window.DAY, limit, True, (), (), (50, 80, 100))
    return made._replace(**more)


async def having(database: Database, *budgets: Budget) -> None:
    for each in budgets:
        await database.together(lambda connection, each=each: store.insert(connection, each, NOW))


def charge(
    database: Database, job: str, nanos: int, key="key_1", project=None, plan=None, task="text", model="a/m", now=NOW
):
    return database.together(
        lambda connection: store.charge(connection, Spender(key, project, plan), job, task, model, nanos, now)
    )


async def spent(database: Database, id="bud_1") -> int:
    stand = await database.read(lambda connection: store.find(connection, id, NOW))
    return stand.nanos


@pytest.mark.anyio
async def test_of_256_at_once_against_a_budget_for_100_exactly_100_get_through(database, other_database):
    await having(database, budget())
    answers = await asyncio.gather(*[charge((database, other_database)[n % 2], f"job_{n}", CENT) for n in range(256)])
    assert sum(not isinstance(answer, Over) for answer in answers) == 100
    assert await spent(database) == 100 * CENT


@pytest.mark.anyio
async def test_a_refusal_charges_nothing_anywhere_and_says_what_is_missing(database):
    await having(database, budget("bud_1"), budget("bud_2", limit=CENT, scope=Scope.ORGANISATION, subject=None))
    refused = await charge(database, "job_1", 3 * CENT)
    assert isinstance(refused, Over) and (refused.budget.id, refused.short_by) == ("bud_2", 2 * CENT)
    assert [await spent(database, id) for id in ("bud_1", "bud_2")] == [0, 0]
    assert await database.read(lambda connection: connection.execute(sa.select(CHARGE)).all()) == []
    assert await database.read(lambda connection: connection.execute(sa.select(ALERT)).all()) == []


@pytest.mark.anyio
async def test_budgets_of_other_keys_projects_tasks_and_models_are_not_asked(database):
    await having(
        database,
        budget("other key", subject="key_2", limit=0),
        budget("other project", scope=Scope.PROJECT, subject="prj_2", limit=0),
        budget("other task", tasks=("text-to-video",), limit=0),
        budget("other model", models=("b/m",), limit=0),
        budget("over", limit=0, is_hard=False),
    )
    assert not isinstance(await charge(database, "job_1", CENT, project="prj_1"), Over)
    assert isinstance(await charge(database, "job_2", CENT, project="prj_2"), Over)
    assert isinstance(await charge(database, "job_3", CENT, task="text-to-video"), Over)
    assert isinstance(await charge(database, "job_4", CENT, model="b/m"), Over)


@pytest.mark.anyio
async def test_a_fallback_moves_what_is_held_and_a_settlement_gives_back_the_rest(database):
    await having(database, budget(limit=10 * CENT), budget("bud_m", models=("a/m",)))
    await charge(database, "job_1", 4 * CENT)
    assert isinstance(await charge(database, "job_1", 11 * CENT), Over)
    assert await spent(database) == 4 * CENT
    await charge(database, "job_1", 7 * CENT, model="b/other")
    assert [await spent(database, id) for id in ("bud_1", "bud_m")] == [7 * CENT, 0]
    for _ in range(2):
        await database.together(lambda connection: store.settle(connection, "job_1", 2 * CENT))
        assert await spent(database) == 2 * CENT


@pytest.mark.anyio
async def test_what_was_held_before_midnight_is_settled_on_the_day_it_was_held(database):
    await having(database, budget())
    await charge(database, "job_1", 9 * CENT, now=NOW - timedelta(days=1))
    await charge(database, "job_2", 5 * CENT)
    await database.together(lambda connection: store.settle(connection, "job_1", CENT))
    rows = await database.read(
        lambda connection: connection.execute(sa.select(SPEND.c.nanos).order_by(SPEND.c.began_at))
    )
    assert [row.nanos for row in rows] == [CENT, 5 * CENT]


@pytest.mark.anyio
async def test_each_threshold_is_told_once_in_a_window(database):
    await having(database, budget(limit=10 * CENT))
    told = []
    for n in range(10):
        told.append([alert.percent for alert in await charge(database, f"job_{n}", CENT)])
    assert told == [[], [], [], [], [50], [], [], [80], [], [100]]
    await database.together(lambda connection: store.settle(connection, "job_9", 0))
    assert await charge(database, "job_again", CENT) == ()


@pytest.mark.anyio
async def test_under_a_plan_each_key_has_the_limit_for_itself(database):
    await having(database, budget(scope=Scope.PLAN, subject="pln_1", limit=CENT))
    assert not isinstance(await charge(database, "job_1", CENT, key="key_1", plan="pln_1"), Over)
    assert not isinstance(await charge(database, "job_2", CENT, key="key_2", plan="pln_1"), Over)
    assert isinstance(await charge(database, "job_3", CENT, key="key_1", plan="pln_1"), Over)
    assert not isinstance(await charge(database, "job_4", CENT, key="key_3"), Over)
    assert await spent(database) == 2 * CENT


@pytest.mark.anyio
async def test_a_key_sees_of_its_plans_budget_what_it_spent_itself_and_nothing_of_the_organisations(database):
    await having(
        database,
        budget(scope=Scope.PLAN, subject="pln_1"),
        budget("bud_all", scope=Scope.ORGANISATION, subject=None),
    )
    for number, key in enumerate(("key_1", "key_2", "key_2")):
        await charge(database, f"job_{number}", CENT, key=key, plan="pln_1")
    own = Spender("key_1", None, "pln_1")
    seen = await database.read(lambda connection: store.listing(connection, NOW, 9, None, own))
    assert [(stand.budget.id, stand.nanos) for stand in seen] == [("bud_1", CENT)]
    everything = await database.read(lambda connection: store.listing(connection, NOW, 9))
    assert {stand.budget.id: stand.nanos for stand in everything} == {"bud_1": 3 * CENT, "bud_all": 3 * CENT}


@pytest.mark.anyio
async def test_putting_back_what_was_charged_asks_no_limit_and_takes_back_the_alerts(database):
    await having(database, budget("bud_a", models=("a/m",)), budget("bud_b", limit=8 * CENT, models=("b/m",)))
    await charge(database, "job_1", 4 * CENT)
    await database.together(lambda connection: store.change(connection, "bud_a", {"limit_nanos": 0}))

    def unit(connection):
        before = store.held(connection, "job_1")
        alerts = store.charge(connection, Spender("key_1"), "job_1", "text", "b/m", 5 * CENT, NOW)
        assert [alert.percent for alert in alerts] == [50]
        store.restore(connection, "job_1", before, alerts)
        assert store.held(connection, "job_1") == before
        return store.charge(connection, Spender("key_1"), "job_2", "text", "b/m", 5 * CENT, NOW)

    assert [alert.percent for alert in await database.together(unit)] == [50]
    assert [await spent(database, id) for id in ("bud_a", "bud_b")] == [4 * CENT, 5 * CENT]


@pytest.mark.anyio
async def test_a_budget_that_is_not_hard_only_tells(database):
    await having(database, budget(limit=CENT, is_hard=False))
    alerts = await charge(database, "job_1", 5 * CENT)
    assert [alert.percent for alert in alerts] == [50, 80, 100]


@pytest.mark.anyio
async def test_a_budget_that_has_ended_holds_nobody(database):
    await having(database, budget(limit=0))
    assert isinstance(await charge(database, "job_1", CENT), Over)
    await database.together(lambda connection: store.change(connection, "bud_1", {"ended_at": NOW}))
    assert await charge(database, "job_2", CENT) == ()


STEPS = st.lists(
    st.tuples(st.sampled_from(["charge", "settle"]), st.integers(0, 4), st.integers(0, 40), st.sampled_from("ab")),
    max_size=30,
)


@settings(deadline=None)
@given(STEPS)
def test_whatever_happens_the_count_is_the_sum_of_the_charges_and_within_the_limit(tmp_path_factory, steps):
    from sqlmodel import SQLModel

    async def run() -> None:
        database = connect(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('law')}/podium.db")
        await database.together(SQLModel.metadata.create_all)
        await having(database, budget(limit=100), budget("bud_a", limit=60, models=("a",)))
        held = dict.fromkeys(range(5), 0)
        for what, job, nanos, model in steps:
            if what == "charge":
                answer = await charge(database, f"job_{job}", nanos, model=model)
                held[job] = held[job] if isinstance(answer, Over) else nanos
            else:
                held[job] = min(held[job], nanos)
                await database.together(lambda connection, job=job: store.settle(connection, f"job_{job}", held[job]))
        assert await spent(database) <= 100 and await spent(database, "bud_a") <= 60
        sums = await database.read(
            lambda connection: dict(
                connection.execute(
                    sa.select(CHARGE.c.budget_id, sa.func.sum(CHARGE.c.nanos)).group_by(CHARGE.c.budget_id)
                ).all()
            )
        )
        assert {id: await spent(database, id) for id in sums} == sums
        await database.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        (Window.HOUR, datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 21, 13, tzinfo=UTC)),
        (Window.DAY, datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)),
        (Window.WEEK, datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)),
        (Window.MONTH, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        (Window.TOTAL, EVER, None),
    ],
)
def test_windows_begin_and_end_where_a_calendar_says(window, start, end):
    assert (began(window, NOW), ends(window, NOW)) == (start, end)


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_a_threshold_is_crossed_on_the_way_up_only_and_once(one, two, limit):
    low, high = sorted((one, two))
    made = budget(limit=limit)
    assert crossed(made, high, low) == ()
    assert set(crossed(made, 0, low)) | set(crossed(made, low, high)) == set(crossed(made, 0, high))
    assert not set(crossed(made, 0, low)) & set(crossed(made, low, high))


def test_empty_lists_cover_everything():
    assert covers(budget(), "text", "a/m") and not covers(budget(models=("b/m",)), "text", "a/m")
