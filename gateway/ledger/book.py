"""The book: post an entry or refuse it whole, and read what was posted. It edits nothing, commits nothing, never waits.

Every function is a unit's work on a connection inside its transaction. A refusal is a returned value, so it never
undoes the neighbours that share the transaction. Two statements decide a race: the unique key says which of two equal
entries counts, and a balance only moves by an update that locks its row and refuses an overdraft.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.ledger.rules import MAY_GO_NEGATIVE, Entry, Posting, available, changes, held, input_hash
from gateway.ledger.statements import ADD, ENTER, POST, TAKE
from gateway.ledger.tables import ACCOUNT, ENTRY, POSTING

LAST_ID = 2**63 - 1
"""Above every id."""


class Posted(NamedTuple):
    entry_id: int


class Repeated(NamedTuple):
    """The same entry was posted before; nothing changed."""

    entry_id: int


class Clash(NamedTuple):
    """Another entry was posted under this key; nothing changed."""

    key: str


class Short(NamedTuple):
    """A guard refused: the account lacks `short_by` nano-dollars. Nothing of the entry was written."""

    account: str
    short_by: int


Answer = Posted | Repeated | Clash | Short


class Booked(NamedTuple):
    """An entry as it stands in the book. Ids rise with time, and some are never used."""

    id: int
    entry: Entry
    posted_at: datetime


def post(connection: Connection, entry: Entry, now: datetime) -> Answer:
    """Post once: a known key is Repeated or Clash, an account without the money is Short."""
    digest = input_hash(entry)
    entered = {"key": entry.key, "reason": entry.reason, "input_hash": digest, "posted_at": now}
    row = ENTER.row(connection, entered)
    if row is None:
        return _met(connection, entry.key, digest)
    entry_id: int = row[0]
    if short := _move(connection, changes(entry)):
        connection.execute(sa.delete(ENTRY).where(ENTRY.c.id == entry_id))
        return short
    if entry.postings:
        POST.run_many(connection, [{"entry_id": entry_id, **each._asdict()} for each in entry.postings])
    return Posted(entry_id)


def _met(connection: Connection, key: str, digest: str) -> Repeated | Clash:
    found = connection.execute(sa.select(ENTRY.c.id, ENTRY.c.input_hash).where(ENTRY.c.key == key)).one()
    return Repeated(found.id) if found.input_hash == digest else Clash(key)


def _move(connection: Connection, moves: Mapping[str, int]) -> Short | None:
    """Change the balances in the order of their names, so that two entries never wait for each other in a ring."""
    done: dict[str, int] = {}
    for account, change in moves.items():
        if change > 0 or account in MAY_GO_NEGATIVE:
            ADD.run(connection, {"account": account, "amount": change})
        elif not TAKE.run(connection, {"account": account, "amount": -change}):
            _undo(connection, done)
            return Short(account, -change - balance(connection, account))
        done[account] = change
    return None


def _undo(connection: Connection, done: Mapping[str, int]) -> None:
    """Take back the moves before the refusal. An account that was opened for them closes, as if it had never been."""
    for account, change in done.items():
        here = ACCOUNT.c.name == account
        used = sa.exists().where(sa.or_(POSTING.c.source == account, POSTING.c.destination == account))
        connection.execute(sa.update(ACCOUNT).where(here).values(nanos=ACCOUNT.c.nanos - change))
        connection.execute(sa.delete(ACCOUNT).where(here, ACCOUNT.c.nanos == 0, ~used))


def balance(connection: Connection, account: str) -> int:
    """Nano-dollars; an account that was never posted to has none."""
    return connection.execute(sa.select(ACCOUNT.c.nanos).where(ACCOUNT.c.name == account)).scalar() or 0


def balances(connection: Connection, prefix: str = "", limit: int = 500, after: str = "") -> dict[str, int]:
    """Nano-dollars of the accounts whose names begin so, by name, from the one that follows `after`."""
    wanted = sa.select(ACCOUNT.c.name, ACCOUNT.c.nanos).where(ACCOUNT.c.name >= prefix, ACCOUNT.c.name > after)
    if prefix:
        wanted = wanted.where(ACCOUNT.c.name < prefix[:-1] + chr(ord(prefix[-1]) + 1))
    return {row.name: row.nanos for row in connection.execute(wanted.order_by(ACCOUNT.c.name).limit(limit))}


def entries(connection: Connection, limit: int, after: int | None = None, key_id: str | None = None) -> list[Booked]:
    """Entries, newest first, older than the one numbered `after`; only those that touch a key's accounts, if given."""
    before = LAST_ID if after is None else after
    wanted = sa.select(ENTRY).where(ENTRY.c.id < before).order_by(ENTRY.c.id.desc()).limit(limit)
    if key_id is not None:
        wanted = wanted.where(ENTRY.c.id.in_(_ids_of(key_id, limit, before)))
    rows = connection.execute(wanted).all()
    postings = _postings(connection, [row.id for row in rows])
    return [Booked(row.id, Entry(row.key, row.reason, tuple(postings[row.id])), row.posted_at) for row in rows]


def _ids_of(key_id: str, limit: int, before: int) -> sa.CompoundSelect[tuple[int]]:
    """The newest entries on either side of a key's accounts: four short walks along an index, whatever its past."""
    walks = [
        sa.select(POSTING.c.entry_id)
        .where(side == account, POSTING.c.entry_id < before)
        .distinct()
        .order_by(POSTING.c.entry_id.desc())
        .limit(limit)
        .subquery()
        for side in (POSTING.c.source, POSTING.c.destination)
        for account in (available(key_id), held(key_id))
    ]
    return sa.union(*[sa.select(walk.c.entry_id) for walk in walks])


def _postings(connection: Connection, entry_ids: Sequence[int]) -> Mapping[int, list[Posting]]:
    wanted = sa.select(POSTING).where(POSTING.c.entry_id.in_(entry_ids)).order_by(POSTING.c.id)
    found: defaultdict[int, list[Posting]] = defaultdict(list)
    for row in connection.execute(wanted):
        found[row.entry_id].append(Posting(row.source, row.destination, row.nanos))
    return found
