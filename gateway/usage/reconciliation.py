"""A provider's invoice against what its payable account says by attempt; corrected, if asked, by further entries only.

Each correction has a reason and a key of its own and is remembered by its subject, so that the same invoice again, or
a corrected one, posts only what is still different.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from json import loads
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.attempts.rules import Status
from gateway.attempts.store import ATTEMPT
from gateway.db import Database
from gateway.ledger import book, rules as ledger
from gateway.ledger.rules import usd
from gateway.usage import invoices, matching, store
from gateway.usage.invoices import InvoiceRefused, Line
from gateway.usage.matching import Difference, Kind, Matched, Ours
from gateway.usage.rules import Settled, corrected, day_of
from gateway.usage.tables import ADJUSTMENT

PAGE = 2_000
"""Attempts read at a time."""
SLACK = timedelta(days=1)
"""Attempts this much before and after an invoice's period are looked at for its lines, but not missed in it."""
AT_ONCE = 200
"""Corrections in one transaction."""
CLAIMED = frozenset({Kind.DUPLICATED_LINE})
"""Differences that are the provider's to mend: claimed, and not booked."""


class Period(NamedTuple):
    """From `begins` until before `ends`."""

    begins: datetime
    ends: datetime


class Reconciled(NamedTuple):
    provider: str
    period: Period
    lines: int
    attempts: int
    matched: Matched
    invoiced_nanos: int
    posted: int = 0
    refused: tuple[str, ...] = ()


def period_of(lines: Sequence[Line], begins: datetime | None, ends: datetime | None) -> Period:
    """What an invoice is about: as said, else the whole days from its first line to its last. Raises InvoiceRefused."""
    dated = list(invoices.period(lines))
    if not dated and not (begins and ends):
        raise InvoiceRefused("no line has a time: say what the invoice is about with --from and --to")
    first = begins or min(dated).replace(hour=0, minute=0, second=0, microsecond=0)
    last = ends or max(dated).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Period(first, last)


async def reconcile(
    db: Database, provider: str, lines: Sequence[Line], period: Period, wire_ids: Mapping[str, str], post: bool
) -> Reconciled:
    """Compare, and correct if asked. `wire_ids`: offers' ids → the provider's own names for them."""
    before = Counter[str]()
    for row in await db.read(lambda connection: _adjusted(connection, provider)):
        before[row.subject] += row.nanos
    attempts = await _attempts(db, provider, period, wire_ids, before)
    matched = matching.match(provider, lines, attempts, *period, before.__getitem__)
    made = Reconciled(provider, period, len(lines), len(attempts), matched, sum(line.nanos for line in lines))
    return await _corrected(db, made) if post else made


def _adjusted(connection: Connection, provider: str) -> Sequence[Any]:
    wanted = sa.select(ADJUSTMENT.c.subject, ADJUSTMENT.c.nanos).where(ADJUSTMENT.c.provider == provider)
    return connection.execute(wanted).all()


async def _attempts(
    db: Database, provider: str, period: Period, wire_ids: Mapping[str, str], adjusted: Mapping[str, int]
) -> list[Ours]:
    """Attempts of a provider around a period, by their ids, which sort by time."""
    after, last = clock.first_id("att", period.begins - SLACK), clock.first_id("att", period.ends + SLACK)
    found: list[Ours] = []
    while True:
        since = after
        rows = await db.read(lambda connection: _page(connection, provider, since, last))  # noqa: B023
        found += [_ours(row, wire_ids.get(row["offer"]), adjusted) for row in rows if row["provider"] == provider]
        if len(rows) < PAGE:
            return found
        after = rows[-1]["id"]


_COLUMNS = (
    "id", "job_id", "key_id", "provider", "offer", "task", "status", "provider_ref", "usage", "cost_nanos",
    "created_at", "started_at", "ended_at",
)  # fmt: skip
_JOB = sa.table("job", sa.column("id"), sa.column("project"), sa.column("bill"))
"""What is needed of a job; jobs stand above us, so their own code is not asked."""


def _page(connection: Connection, provider: str, after: str, last: str) -> Sequence[Mapping[Any, Any]]:
    """Attempts of every provider, so that a page is read along the primary key and never sought for."""
    is_theirs = ATTEMPT.c.provider == provider
    wanted = (
        sa.select(*[ATTEMPT.c[name] for name in _COLUMNS], _JOB.c.project, _JOB.c.bill)
        .join(_JOB, sa.and_(_JOB.c.id == ATTEMPT.c.job_id, is_theirs), isouter=True)
        .where(ATTEMPT.c.id > after, ATTEMPT.c.id < last)
        .order_by(ATTEMPT.c.id)
        .limit(PAGE)
    )
    return connection.execute(wanted).mappings().all()


def _ours(row: Mapping[Any, Any], wire_id: str | None, adjusted: Mapping[str, int]) -> Ours:
    is_delivered = row["status"] == Status.SUCCEEDED
    return Ours(
        row["id"], row["provider_ref"], row["offer"], wire_id, row["started_at"] or row["created_at"], row["ended_at"],
        row["cost_nanos"] + adjusted[row["id"]], is_delivered, _quantities(row, is_delivered), row["key_id"],
        row["project"] or "", row["task"], adjusted[row["id"]],
    )  # fmt: skip


def _quantities(row: Mapping[Any, Any], is_delivered: bool) -> frozenset[Decimal]:
    """What was counted of an attempt: by its job's bill, and by the provider itself."""
    bill = loads(row["bill"]) if row["bill"] and is_delivered else {"lines": [], "usage": {}}
    billed = [line["quantity"] for line in bill["lines"]] or list(bill["usage"].values())
    said = loads(row["usage"] or "{}").values()
    return frozenset(Decimal(each) for each in (*billed, *said))


async def _corrected(db: Database, made: Reconciled) -> Reconciled:
    """Post every difference that is ours to book, some hundred at a time."""
    wanted = [each for each in made.matched.differences if each.kind not in CLAIMED]
    posted, refused = 0, list[str]()
    for place in range(0, len(wanted), AT_ONCE):
        part, now = wanted[place : place + AT_ONCE], clock.now()

        def unit(connection: Connection) -> list[book.Answer]:
            return [_correct(connection, made.provider, each, now) for each in part]  # noqa: B023

        for difference, answer in zip(part, await db.together(unit), strict=True):
            posted += isinstance(answer, book.Posted)
            if isinstance(answer, book.Short | book.Clash):
                refused.append(f"{difference.subject}: {answer}")
    return made._replace(posted=posted, refused=tuple(refused))


def _correct(connection: Connection, provider: str, difference: Difference, now: datetime) -> book.Answer:
    """One entry, its place in the rollups, and the memory of it."""
    subject = difference.subject
    mine = sa.and_(ADJUSTMENT.c.provider == provider, ADJUSTMENT.c.subject == subject)
    number = connection.execute(sa.select(sa.func.count()).select_from(ADJUSTMENT).where(mine)).scalar_one()
    already = connection.execute(sa.select(sa.func.sum(ADJUSTMENT.c.nanos)).where(mine)).scalar() or 0
    if int(already) != _assumed(difference):
        return book.Repeated(0)  # somebody else has corrected it meanwhile
    entry = ledger.adjust(provider, subject, number + 1, difference.nanos)
    answer = book.post(connection, entry, now)
    if isinstance(answer, book.Posted):
        row = {"entry_key": entry.key, "provider": provider, "subject": subject, "kind": difference.kind.value}
        connection.execute(sa.insert(ADJUSTMENT), row | {"nanos": difference.nanos, "posted_at": now})
        ours, day = difference.ours, day_of(now.date())
        settled = Settled(day, ours.key_id, ours.project, ours.task, ours.offer) if ours else None
        settled = settled or Settled(day, "", "", "", difference.offer)
        store.add(connection, [corrected(settled, difference.nanos)])
    return answer


def _assumed(difference: Difference) -> int:
    """What had been corrected of a subject when the difference was found."""
    return difference.ours.adjusted_nanos if difference.ours else difference.ours_nanos


def document(made: Reconciled) -> dict[str, Any]:
    """As the command line shows it."""
    differences = made.matched.differences
    kinds = {kind: [each for each in differences if each.kind is kind] for kind in Kind}
    return {
        "provider": made.provider, "from": made.period.begins, "to": made.period.ends, "lines": made.lines,
        "attempts": made.attempts, "agreed": made.matched.agreed, "invoiced_usd": usd(made.invoiced_nanos),
        "difference_usd": usd(sum(each.nanos for each in differences)),
        "by_kind": {
            kind.value: {"count": len(found), "usd": usd(sum(each.nanos for each in found))}
            for kind, found in kinds.items()
            if found
        },
        "differences": [
            {
                "kind": each.kind.value, "lines": list(each.lines), "attempt": each.attempt, "offer": each.offer,
                "ours_usd": usd(each.ours_nanos), "theirs_usd": usd(each.theirs_nanos), "usd": usd(each.nanos),
                "why": each.why,
            }
            for each in differences
        ],
        "posted": made.posted, "refused": list(made.refused),
    }  # fmt: skip
