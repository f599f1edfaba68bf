"""Puts the parts of a gateway together and takes them apart again; what the API and the worker have in common."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.engine import Connection

from adapters.http import Clients, close_clients, open_clients
from gateway import clock, migrations, telemetry
from gateway.assets import signing
from gateway.assets.service import Assets
from gateway.assets.store import open_store
from gateway.attempts import store as attempts
from gateway.attempts.runner import Runner
from gateway.callbacks.service import Callbacks
from gateway.catalog import evidence
from gateway.catalog.supply import Supply, read_supply
from gateway.db import Database, connect
from gateway.jobs.endings import Endings
from gateway.jobs.service import Jobs
from gateway.jobs.waiting import Waiting
from gateway.keys import service as keys
from gateway.keys.service import Keyring
from gateway.ledger import audit
from gateway.routing.service import Routing
from gateway.settings import Settings
from gateway.snapshots import starter

log = structlog.get_logger()

BELIEVE_S = 30
"""How old the evidence of a decision may be."""
GAUGE_S = 15
AUDIT_S = 3_600
"""The books are recomputed from their postings this often; `podium ledger verify` does it at once."""
CLEAN_S = 6 * 3_600
COLLECT_AFTER = (20_000, 20, 50)
"""New objects before a collection: some twenty requests' worth. Nearly all garbage here goes by reference count."""
TICK_LATE_S = 300
"""A tick that could not run in time runs once when it can, if it is not later than this."""


@dataclass
class Parts:
    """A gateway, put together. `new_admin_secret` is there only on the start that made it."""

    settings: Settings
    db: Database
    clients: Clients
    supply: Supply
    routing: Routing
    assets: Assets
    jobs: Jobs
    callbacks: Callbacks
    keyring: Keyring
    new_admin_secret: str | None


@asynccontextmanager
async def assembled(settings: Settings, with_worker: bool) -> AsyncIterator[Parts]:
    """A gateway that serves, and works too if asked; everything is closed again at the end.

    Raises Unavailable: on another schema than this version's it does not start.
    """
    telemetry.set_up_logs(settings.log_level)
    db = connect(settings.database_url)
    clients = open_clients()
    try:
        await migrations.require(db)
        parts = await _put_together(settings, db, clients)
        _settle_memory()
        async with _ticking(parts):
            if with_worker:
                async with _working(parts):
                    yield parts
            else:
                yield parts
    finally:
        await close_clients(clients)
        await db.close()


def _settle_memory() -> None:
    """Tell the garbage collector that what is loaded stays: it need not look at the catalog every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _put_together(settings: Settings, db: Database, clients: Clients) -> Parts:
    now = clock.now()
    secret = settings.admin_key.get_secret_value() if settings.admin_key else None

    def first_start(connection: Connection) -> tuple[str | None, str]:
        starter.load_starter(connection, now)
        return keys.ensure_admin(connection, secret, now), signing.ensure_secret(connection)

    new_admin_secret, link_secret = await db.together(first_start)
    supply = read_supply(settings)
    routing = Routing(supply, await evidence.gather(db, supply, now))
    assets = Assets(db, open_store(settings.store_url), clients, link_secret, settings.public_url)
    jobs = Jobs(db, supply, routing, assets, Endings(supply, assets), Waiting())
    callbacks = Callbacks(db, supply, assets, jobs, settings.public_url)
    return Parts(settings, db, clients, supply, routing, assets, jobs, callbacks, Keyring(db), new_admin_secret)


@asynccontextmanager
async def _working(parts: Parts) -> AsyncIterator[None]:
    """A worker in this process. On the way out its turns under way are finished first."""
    jobs = parts.jobs
    runner = Runner(
        db=parts.db,
        clients=parts.clients,
        shelf=parts.assets,
        supply=parts.supply.supplied,
        collect=jobs.endings.collect,
        finish=jobs.endings.finish,
        ended=jobs.endings.ended,
        moved=jobs.endings.moved,
        announce=jobs.waiting.announce,
        listener=jobs.waiting.listener,
        callback_url=parts.callbacks.url,
        most=parts.settings.workers,
    )
    if parts.db.url.get_backend_name() == "sqlite":
        await parts.db.together(runner.take_over)
    jobs.runner = runner
    loop = asyncio.create_task(runner.loop())
    try:
        yield
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await runner.drain()


@asynccontextmanager
async def _ticking(parts: Parts) -> AsyncIterator[None]:
    """What is to be done again and again. Each tick is bounded and harmless to repeat."""
    ticks = {believe: BELIEVE_S, gauge: GAUGE_S, check_books: AUDIT_S, clean_store: CLEAN_S}
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick, every_s in ticks.items():
        scheduler.add_job(
            tick, "interval", (parts,), seconds=every_s, jitter=every_s // 10, coalesce=True, max_instances=1,
            misfire_grace_time=TICK_LATE_S,
        )  # fmt: skip
    scheduler.start()
    await gauge(parts)
    await check_books(parts)
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


async def believe(parts: Parts) -> None:
    """Decide by newer evidence from now on."""
    parts.routing.believe(await evidence.gather(parts.db, parts.supply, clock.now()))


async def gauge(parts: Parts) -> None:
    counts = await parts.db.read(attempts.live)
    telemetry.OPEN_ATTEMPTS.set(counts.get("open", 0))
    telemetry.UNKNOWN.set(counts.get("unknown", 0))


async def check_books(parts: Parts) -> None:
    report = await parts.db.read(audit.verify)
    telemetry.BOOKS_BALANCE.set(1 if report.ok else 0)
    if not report.ok:
        log.error("the books do not balance", findings=report.findings[:5])


async def clean_store(parts: Parts) -> None:
    await parts.assets.blobs.clean(clock.now())
