"""A job as a webhook tells of it: read when it is sent, so that its links are fresh and nothing is stored twice."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from gateway.assets.service import Assets
from gateway.attempts import store as attempts
from gateway.db import Database
from gateway.jobs import store
from gateway.jobs.service import Seen
from gateway.jobs.views import view


def job_renderer(
    db: Database, assets: Assets, address: str
) -> Callable[[str, str], Awaitable[Mapping[str, Any] | None]]:
    """From an event's kind and job id to the job's view. `address` is where its outputs are, without a public one."""

    async def rendered(kind: str, job_id: str) -> Mapping[str, Any] | None:
        seen = await read_job(db, job_id)
        return view(seen, lambda asset: assets.url(asset, address)) if seen else None

    return rendered


async def read_job(db: Database, job_id: str) -> Seen | None:
    """A job as it is now, whoever's it is: for those whom it is told to. None if it is gone."""
    return await db.glance(lambda connection: _seen(connection, job_id))


def _seen(connection: Connection, job_id: str) -> Seen | None:
    job = store.find(connection, job_id)
    return Seen(job, attempts.of_job(connection, job_id)) if job else None
