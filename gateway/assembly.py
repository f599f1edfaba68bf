"""Puts the parts of a gateway together and takes them apart again; what the API and the worker have in common."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.engine import Connection

from adapters.http import Clients, close_clients, open_clients
from gateway import clock, migrations, telemetry
from gateway.arena import recording as arena_boards
from gateway.arena.service import TICK as ARENA, Arena
from gateway.assets import disposal, signing
from gateway.assets.service import Assets
from gateway.assets.store import open_store
from gateway.attempts import store as attempts
from gateway.attempts.runner import Runner
from gateway.callbacks.service import Callbacks
from gateway.catalog import evidence, health, prices, recording, refreshing
from gateway.catalog.lives import Limits, Watch
from gateway.catalog.prices import Prices
from gateway.catalog.refreshing import Refresher
from gateway.catalog.supply import Supply, read_supply
from gateway.db import Database, connect
from gateway.engines import findings, lora_lists, watching
from gateway.engines.service import Engines
from gateway.jobs import canaries, retention
from gateway.jobs.endings import Endings
from gateway.jobs.rendering import job_renderer
from gateway.jobs.service import Jobs
from gateway.jobs.waiting import Waiting
from gateway.keys import service as keys
from gateway.keys.service import Keyring
from gateway.routing.service import Routing
from gateway.settings import Settings
from gateway.snapshots import starter
from gateway.ticks import store as tick_rows
from gateway.ticks.rules import Tick
from gateway.ticks.runner import LOOK_S, Ticks, Work
from gateway.usage import audit as usage_audit
from gateway.webhooks import store as webhooks
from gateway.webhooks.rules import Kind
from gateway.webhooks.runner import Render, Runner as WebhookRunner, Shape
from gateway.workflows import retention as workflow_retention, store as workflow_rows
from gateway.workflows.conductor import Conductor
from gateway.workflows.service import Workflows
from gateway.workflows.views import workflow_renderer

log = structlog.get_logger()

BELIEVE_S = 30
"""How old the evidence of a decision may be."""
GAUGE_S = 15
ENGINE_LOOKS = 5
"""Looks at the readings of own engines in the time between two of them."""
BOOKS = Tick("books", every_s=3_600, deadline_s=600)
"""The books are recomputed from their postings this often; `podium ledger verify` does it at once."""
STORE = Tick("store", every_s=6 * 3_600, deadline_s=900)
DISPOSAL = Tick("disposal", every_s=3_600, deadline_s=1_200)
WEBHOOKS = Tick("webhooks", every_s=3_600, deadline_s=600)
WEBHOOKS_KEPT = timedelta(days=30)
"""How long the log of a delivery that has ended is kept."""
BALANCED, OFF = "the books balance", "the books do not balance"
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
    workflows: Workflows
    keyring: Keyring
    watch: Watch
    prices: Prices
    new_admin_secret: str | None

    @property
    def engines(self) -> Engines:
        assert self.routing.engines is not None, "a gateway that is put together knows its engines"
        return self.routing.engines

    @property
    def arena(self) -> Arena:
        return Arena(self.jobs, self.settings.arena_least_votes)


Shapes = Callable[[Parts], Mapping[str, Shape]]
"""The shapes, by name, in which doors have jobs' own webhooks told: the doors are above us, so they are handed in."""


@asynccontextmanager
async def assembled(settings: Settings, with_worker: bool, shapes: Shapes = lambda parts: {}) -> AsyncIterator[Parts]:
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
        async with _ticking(parts, with_worker):
            if with_worker:
                async with _working(parts, shapes(parts)):
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
    await prices.reprice(db, supply)
    await know_loras(db, supply)
    watch = Watch(db, supply, Limits(settings.stale_days, settings.retired_days))
    lives = await watch.refreshed(now)
    routing = Routing(supply, await evidence.gather(db, supply, now, None, lives.board_hazards), lives)
    assets = Assets(db, open_store(settings.store_url), clients, link_secret, settings.public_url)
    jobs = Jobs(db, supply, routing, assets, Endings(supply, assets), Waiting())
    routing.engines = Engines(db, supply, settings.engines_every_s)
    await routing.look()
    jobs.is_private_allowed = settings.webhooks_private == "on"
    callbacks = Callbacks(db, supply, assets, jobs, settings.public_url)
    return Parts(
        settings, db, clients, supply, routing, assets, jobs, callbacks, Workflows(jobs), Keyring(db), watch,
        Prices(db, supply), new_admin_secret,
    )  # fmt: skip


@asynccontextmanager
async def _working(parts: Parts, shapes: Mapping[str, Shape]) -> AsyncIterator[None]:
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
        is_lost=parts.engines.is_lost,
        most=parts.settings.workers,
    )
    if parts.db.url.get_backend_name() == "sqlite":
        await parts.db.together(runner.take_over)
        await parts.db.together(lambda connection: webhooks.release(connection, None))
    jobs.runner = runner
    sender, conductor = _sender(parts, shapes), Conductor(parts.workflows)
    loops = [
        asyncio.create_task(runner.loop()),
        asyncio.create_task(sender.loop()),
        asyncio.create_task(conductor.loop()),
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await conductor.drain()  # first: the jobs that it makes need the runner
        await asyncio.gather(runner.drain(), sender.drain())


def _renderer(parts: Parts) -> Render:
    """What an event tells of its subject, read when it is sent."""
    told = parts.db, parts.assets, parts.settings.gateway_url
    job, workflow = job_renderer(*told), workflow_renderer(*told)
    return lambda kind, subject: (workflow if kind == Kind.WORKFLOW_FINISHED else job)(kind, subject)


def _sender(parts: Parts, shapes: Mapping[str, Shape]) -> WebhookRunner:
    """Who tells receivers of events."""
    return WebhookRunner(
        db=parts.db,
        clients=parts.clients,
        render=_renderer(parts),
        is_private_allowed=parts.settings.webhooks_private == "on",
        off_after_days=parts.settings.webhooks_off_after_days,
        shapes=shapes,
    )


@asynccontextmanager
async def _ticking(parts: Parts, with_worker: bool) -> AsyncIterator[None]:
    """What is to be done again and again: some of it in every process, the rest once among all that have a worker.
    Each tick is bounded and harmless to repeat."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick, every_s in {believe: BELIEVE_S, gauge: GAUGE_S}.items():
        scheduler.add_job(
            tick, "interval", (parts,), seconds=every_s, jitter=every_s // 10, coalesce=True, max_instances=1,
            misfire_grace_time=TICK_LATE_S,
        )  # fmt: skip
    if with_worker:
        ticks = Ticks(parts.db, shared(parts))
        # A tick that takes long holds up the look that began it, so there is room for one look for each tick.
        scheduler.add_job(
            ticks.look, "interval", seconds=LOOK_S, next_run_time=clock.now(), coalesce=True,
            max_instances=len(ticks.works) + 1, misfire_grace_time=TICK_LATE_S,
        )  # fmt: skip
    if parts.supply.own:
        _watch_engines(scheduler, parts, with_worker)
    scheduler.start()
    await gauge(parts)
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)


def _watch_engines(scheduler: AsyncIOScheduler, parts: Parts, with_worker: bool) -> None:
    """Every process sees the newest readings of own engines; one of those with a worker takes them.

    They are seconds apart, so they have a look of their own.
    """
    look_s = max(1.0, parts.settings.engines_every_s / ENGINE_LOOKS)
    works: list[Callable[[], Awaitable[object]]] = [parts.engines.look]
    if with_worker:
        watch = partial(watching.watch, parts.engines, parts.clients, parts.assets)
        works.append(Ticks(parts.db, {watching.tick(parts.settings.engines_every_s): watch}).look)
    for work in works:
        scheduler.add_job(
            work, "interval", seconds=look_s, next_run_time=clock.now(), coalesce=True, max_instances=1,
            misfire_grace_time=TICK_LATE_S,
        )  # fmt: skip


def shared(parts: Parts) -> dict[Tick, Work]:
    """What one replica does for all. Sources of readings are asked only where the operator, or a provider's key, says
    so: a gateway does not call out unasked. Raises Unavailable for a period that is none."""
    works: dict[Tick, Work] = {
        BOOKS: partial(check_books, parts),
        STORE: partial(clean_store, parts),
        retention.TICK: partial(clear_old, parts),
        DISPOSAL: partial(dispose_assets, parts),
        WEBHOOKS: partial(prune_webhooks, parts),
        recording.LIVES: partial(record_lives, parts),
        recording.PRICES: partial(propose_prices, parts),
        ARENA: partial(arena_boards.keep, parts.arena),
    }
    if parts.settings.canary_usd_per_day:
        works[canaries.TICK] = partial(canaries.send, parts.jobs, parts.settings.canary_usd_per_day)
    if hosts := findings.hosts_of(parts.settings.discover):
        works[findings.TICK] = partial(findings.search, parts.db, parts.supply, parts.clients, parts.assets, hosts)
    if refreshing.are_on(parts.settings, parts.supply):
        refresher = Refresher(parts.db, parts.supply, parts.clients, parts.assets)
        works |= {**refreshing.ticks(refresher), **health.ticks(refresher)}
    return works


async def believe(parts: Parts) -> None:
    """Decide by newer evidence from now on."""
    before, now = parts.routing.belief, clock.now()
    await prices.reprice(parts.db, parts.supply)
    lives = await parts.watch.refreshed(now)
    belief = await evidence.gather(parts.db, parts.supply, now, before, lives.board_hazards)
    await know_loras(parts.db, parts.supply)
    parts.routing.believe(belief, lives)


async def know_loras(db: Database, supply: Supply) -> None:
    """What engines of our own have told of their LoRAs, for the decisions from now on."""
    if supply.own:
        supply.loras = supply.loras._replace(there=lora_lists.there(await db.read(findings.newest), supply))


async def reprice(parts: Parts) -> None:
    """Quote by prices that were accepted just now."""
    if await prices.reprice(parts.db, parts.supply):
        parts.routing.believe(parts.routing.belief)


async def relive(parts: Parts) -> None:
    """Decide by a word on an offer that was said just now."""
    parts.routing.believe(parts.routing.belief, await parts.watch.refreshed(clock.now()))


async def record_lives(parts: Parts) -> str:
    return await recording.record(parts.db, parts.watch, clock.now())


async def propose_prices(parts: Parts) -> str:
    said = await parts.prices.propose(clock.now())
    parts.routing.believe(parts.routing.belief)
    return said


async def gauge(parts: Parts) -> None:
    """The gauges that every process shows. The books are checked by one replica, and every one tells of it."""
    counts = await parts.db.read(attempts.live)
    telemetry.OPEN_ATTEMPTS.set(counts.get("open", 0))
    telemetry.UNKNOWN.set(counts.get("unknown", 0))
    telemetry.WEBHOOKS_WAITING.set(await parts.db.read(webhooks.waiting))
    telemetry.WORKFLOWS_RUNNING.set(await parts.db.read(workflow_rows.running))
    said = next((row["said"] for row in await parts.db.read(tick_rows.listing) if row["name"] == BOOKS.name), None)
    if said and said.startswith((BALANCED, OFF)):
        telemetry.BOOKS_BALANCE.set(1 if said.startswith(BALANCED) else 0)


async def clear_old(parts: Parts) -> str:
    kept = parts.settings
    days = kept.keep_attempts_days, kept.keep_decisions_days, kept.keep_jobs_days, kept.keep_assets_days
    policy = retention.Policy(*[each or None for each in days])
    return await retention.sweep(parts.db, policy, clock.now(), workflow_retention.sweeps(policy))


async def check_books(parts: Parts) -> str:
    report = await parts.db.read(usage_audit.verify)
    telemetry.BOOKS_BALANCE.set(1 if report.ok else 0)
    if report.ok:
        return f"{BALANCED}: {report.entries} entries"
    log.error("the books do not balance", findings=report.findings[:5])
    return f"{OFF}: {'; '.join(map(str, report.findings[:5]))}"


async def dispose_assets(parts: Parts) -> str:
    return await disposal.dispose(parts.db, parts.assets.blobs, clock.now())


async def clean_store(parts: Parts) -> str:
    await parts.assets.blobs.clean(clock.now())
    return "what dead uploads left unfinished is gone"


async def prune_webhooks(parts: Parts) -> str:
    """A bounded share of what is old; the rest is for the next run."""
    before = clock.now() - WEBHOOKS_KEPT
    gone = await parts.db.together(lambda connection: webhooks.prune(connection, before))
    return f"{gone} old deliveries are gone"
