"""What is read of workflows again and again, and how much of it."""

import pytest
import sqlalchemy as sa

from gateway import clock
from gateway.workflows import store
from gateway.workflows.tables import STEP

NOW = clock.now()
PLAIN = {
    "status": "succeeded", "on_failure": "stop", "digest": "", "quote_nanos": 1, "extras": "{}", "created_at": NOW,
}  # fmt: skip


def some(number, status="succeeded"):
    """A workflow of five steps, of which the first is in this status."""
    workflow = PLAIN | {"id": f"wfl_{number}", "key_id": "key_a"}
    plain = {"workflow_id": f"wfl_{number}", "task": "text", "job": '{"prompt": "…"}', "after": "[]", "quote_nanos": 1}
    steps = [
        plain | {"number": place, "name": f"s{place}", "status": "succeeded" if place else status, "job_id": "job_gone"}
        for place in range(5)
    ]
    return workflow, steps


def plans_of(connection, unit):
    """What SQLite says that it does for each statement of a unit."""
    told = []

    def note(_, __, statement, values, ___, ____):
        told.append((statement, values))

    sa.event.listen(connection, "before_cursor_execute", note)
    unit(connection)
    sa.event.remove(connection, "before_cursor_execute", note)
    return [row[3] for each, values in told for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {each}", values)]


@pytest.mark.anyio
async def test_looking_for_what_is_to_be_done_reads_no_history(database):
    def unit(connection):
        for number in range(300):
            store.insert(connection, *some(number))
        store.insert(connection, *some("new", "running"))
        if connection.dialect.name != "sqlite":
            return []
        connection.exec_driver_sql("ANALYZE")
        return plans_of(connection, lambda c: store.claimable(c, NOW))

    plans = await database.together(unit)
    assert not [each for each in plans if each.startswith("SCAN")]
    assert await database.read(lambda connection: store.claimable(connection, NOW)) == ["wfl_new"]


@pytest.mark.anyio
async def test_only_one_who_asks_for_the_whole_reads_the_bodies_of_its_jobs(database):
    await database.together(lambda connection: store.insert(connection, *some(1)))
    light, whole = [
        await database.read(lambda connection, see=see: see(connection, "wfl_1"))
        for see in (store.see, store.see_whole)
    ]
    assert all("job" not in step for step in light.steps) and all(step["job"] for step in whole.steps)
    assert [dict(step) for step in light.steps] == [
        {name: value for name, value in step.items() if name != "job"} for step in whole.steps
    ]
    assert await database.read(lambda connection: store.body(connection, light.steps[2])) == {"prompt": "…"}
    [listed] = await database.read(lambda connection: store.listing(connection, None, 5, None, None))
    assert "job" not in listed.steps[0] and len(await database.read(lambda c: c.execute(sa.select(STEP)).all())) == 5
