"""`python -m benchmarks.seed`: fill the database that `PODIUM_DATABASE_URL` names. Refuses one that has a past."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from benchmarks.seed import boards, callers, media, news, posting
from benchmarks.seed.asks import BODIES, Kitchen
from benchmarks.seed.chance import Chance
from benchmarks.seed.jobs import Story, Teller
from gateway import clock, migrations
from gateway.assembly import Parts, assembled
from gateway.assets.store import open_store
from gateway.db import connect
from gateway.jobs.store import JOB
from gateway.keys import service as keys
from gateway.keys.rules import Role
from gateway.ledger import audit
from gateway.routing.body import JobBody
from gateway.settings import settings
from gateway.snapshots import starter

PROVIDERS = ("fal", "replicate", "openai", "google", "together", "black-forest-labs", "anthropic", "runware")
"""Whose offers the past was made with, as if each had a key."""
RUNNING = 4
SANDBOX_CLIPS = {"task": "text-to-video", "model": "sandbox/podium/sandbox-clips", "prompt": "a whale under the stars"}


async def fill(words: argparse.Namespace) -> dict[str, Any]:
    """Everything, in an order in which each finds what it needs. What is made is of the time before `now`."""
    chance, now = Chance(words.seed), clock.now()
    first = (now - timedelta(days=words.days)).replace(hour=6, minute=0, second=0, microsecond=0)
    drawn = await media.draw(open_store(settings().store_url))
    made = boards.boards(chance, words.days)
    db = connect(settings().database_url)
    try:
        await db.together(lambda connection: starter.load_starter(connection, first))
        readings = await db.together(lambda connection: boards.store_all(connection, made, first))
        admin = await db.together(lambda connection: keys.create(connection, "Ada (made up)", Role.ADMIN, first))
        people = await db.together(lambda connection: callers.make(connection, chance, words.jobs, first))
    finally:
        await db.close()
    async with assembled(settings(), with_worker=False) as parts:
        _lend_keys(parts)
        resolve = parts.supply.names.resolve_label
        await parts.db.together(lambda connection: boards.tell(connection, made, first, resolve))
        upload = media.row(chance, drawn.pictures[0], people[0].caller.id, None, first)
        kitchen = Kitchen(parts.routing, parts.supply, upload["id"])
        teller = Teller(chance, kitchen, drawn, people, now)
        await parts.db.together(lambda connection: news.start(connection, upload))
        jobs = await _tell(parts, teller, chance.moments(words.jobs, first, now - timedelta(minutes=2)))
        await parts.db.together(lambda connection: news.store_prices(connection, parts.supply, chance, now))
        await parts.prices.propose(now)
        await parts.db.together(lambda connection: callers.make_hooks(connection, people, now))
        report = await parts.db.read(audit.verify)
    assert report.ok, report.findings
    told = {each.caller.name: {"id": each.caller.id, "secret": each.secret} for each in people}
    return {
        "admin": {"id": admin[0].id, "secret": admin[1]}, "callers": told, "jobs": jobs, "readings": readings,
        "entries": report.entries, "missing": _missing(kitchen),
    }  # fmt: skip


async def _tell(parts: Parts, teller: Teller, moments: list[datetime]) -> int:
    """Stories, a thousand at a time; how many there are."""
    stories = (story for at in moments if (story := teller.tell(at)))
    count, kept = 0, set[str]()
    for batch in posting.batches(_with_running(stories, teller)):
        plans = [each.choice.plan for each in teller.kitchen.made.values() if each and each.choice.plan]
        new = [plan for plan in plans if plan.sha256 not in kept]
        kept |= {plan.sha256 for plan in new}

        def unit(connection: sa.Connection, batch: list[Story] = batch, new: list[Any] = new) -> None:
            for plan in new:
                posting.keep_record(connection, plan)
            posting.store_all(connection, teller.chance, batch, teller.now)

        await parts.db.together(unit)
        count += len(batch)
    return count


def _with_running(stories: Iterator[Story], teller: Teller) -> Iterator[Story]:
    """Last of all the few that still run."""
    yield from stories
    body = JobBody.model_validate(SANDBOX_CLIPS)
    makers = teller.people[2:4]
    for person in makers:
        teller.kitchen.made[-1, "", person.terms] = teller.kitchen.cook(body, person.terms, teller.now)
    for number in range(RUNNING):
        person = makers[number % len(makers)]
        recipe = teller.kitchen.made[-1, "", person.terms]
        if recipe:
            yield teller.running(recipe, person, teller.now - timedelta(seconds=15 * (RUNNING - number)))


def _lend_keys(parts: Parts) -> None:
    """Let decisions be made as if these providers had keys. Nothing is sent: there is no worker here."""
    lent = {name: "made-up" for name in PROVIDERS if name in parts.supply.keys}
    parts.supply.keys = dict(parts.supply.keys) | lent
    parts.supply.real_keys = parts.supply.stand_ins_run = True


def _missing(kitchen: Kitchen) -> list[str]:
    done = {kind for (kind, _, _), recipe in kitchen.made.items() if recipe}
    asked = {kind for kind, _, _ in kitchen.made if kind >= 0}
    return [f"{BODIES[kind][1]} by {BODIES[kind][2]}" for kind in sorted(asked - done)]


async def _has_a_past() -> bool:
    db = connect(settings().database_url)
    try:
        return bool(await db.read(lambda connection: connection.execute(sa.select(JOB.c.id).limit(1)).scalar()))
    finally:
        await db.close()


def main() -> int:
    words = _words()
    began = perf_counter()
    migrations.upgrade(settings().database_url)
    if asyncio.run(_has_a_past()):
        print("This database has jobs already, and made-up ones would mix with them: name another "
              "(PODIUM_DATABASE_URL).", file=sys.stderr)  # fmt: skip
        return 1
    told = asyncio.run(fill(words)) | {"database": settings().database_url, "seconds": round(perf_counter() - began, 1)}
    print(json.dumps(told) if words.json else _sentences(told))
    return 0


def _sentences(told: dict[str, Any]) -> str:
    lines = [
        f"{told['jobs']:,} jobs, {told['entries']:,} entries and {told['readings']} readings in {told['seconds']} s. "
        "All of it is made up.",
        f"The books balance. Left out, for no offer does it here: {', '.join(told['missing']) or 'nothing'}.",
        "", "An admin's key, shown this once:", "", f"  export PODIUM_KEY={told['admin']['secret']}", "",
        "Callers' keys:", "", *[f"  {name}: {each['secret']}" for name, each in told["callers"].items()], "",
        "Then, with the same PODIUM_DATABASE_URL and PODIUM_STORE_URL: podium up",
    ]  # fmt: skip
    return "\n".join(lines)


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description="A made-up past for a gateway.")
    parser.add_argument("--jobs", type=int, default=20_000, help="20000")
    parser.add_argument("--days", type=int, default=60, help="how far back it begins (60)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed tells the same stories (7)")
    parser.add_argument("--json", action="store_true", help="print what was made, with the keys, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
