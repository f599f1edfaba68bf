"""How the tests of webhooks make endpoints and events, and have them told."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from adapters.http import close_clients, open_clients
from gateway import clock
from gateway.webhooks import endpoints, outbox, store
from gateway.webhooks.rules import Kind
from gateway.webhooks.runner import Runner


class Clock:
    """Begins a while ago, so that what is sent at the end is sent now: receivers check the time."""

    def __init__(self, ago):
        self.at = datetime.now(UTC) - ago

    def now(self):
        return self.at

    def pass_by(self, **some):
        self.at += timedelta(**some)


@asynccontextmanager
async def working(database, private=True, off_after_days=5, **more):
    clients = open_clients()

    async def render(kind, subject):
        return None if subject == "job_gone" else {"id": subject, "status": "succeeded"}

    try:
        yield Runner(database, clients, render, private, off_after_days, **more)
    finally:
        await close_clients(clients)


async def once(runner):
    """Everything that is due is tried once."""
    while await runner.take_due():
        await runner.settle()


async def endpoint(database, url, *events, key="key_1", watches=None):
    row = {"key_id": key, "watches": watches or key, "url": url, "description": ""}
    row["events"] = "[" + ",".join(f'"{each}"' for each in events or (Kind.JOB_FINISHED,)) + "]"
    made, secret = await database.together(lambda connection: endpoints.create(connection, row, clock.now()))
    return made["id"], secret


async def emitted(database, subject="job_1", kind=Kind.JOB_FINISHED, data=None, keys=("key_1",), **more):
    return await database.together(
        lambda connection: outbox.emit(connection, kind, subject, data, clock.now(), keys=keys, **more)
    )


async def rows(database, table):
    wanted = sa.select(table)
    return await database.read(lambda connection: [dict(row) for row in connection.execute(wanted).mappings()])


async def log(database, **wishes):
    return await database.read(lambda connection: store.listing(connection, 50, **wishes))
