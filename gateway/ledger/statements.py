"""The four statements of the ledger's hot path; they decide nothing."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.ledger.tables import ACCOUNT, ENTRY, POSTING
from gateway.prepared import Prepared

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

_ACCOUNT, _AMOUNT = sa.bindparam("account", type_=sa.String), sa.bindparam("amount", type_=sa.BigInteger)


def _values(*columns: str) -> dict[str, Any]:
    return {column: sa.bindparam(column) for column in columns}


def _enter(dialect_name: str) -> Any:
    entered = _values("key", "reason", "input_hash", "posted_at")
    return _INSERTS[dialect_name](ENTRY).values(**entered).on_conflict_do_nothing().returning(ENTRY.c.id)


def _add(dialect_name: str) -> Any:
    opened = _INSERTS[dialect_name](ACCOUNT).values(name=_ACCOUNT, nanos=_AMOUNT)
    moved = {"nanos": ACCOUNT.c.nanos + opened.excluded.nanos}
    return opened.on_conflict_do_update(index_elements=[ACCOUNT.c.name], set_=moved)


ENTER = Prepared(_enter)
"""key, reason, input_hash, posted_at: the new entry's id, or no row when the key is taken."""
TAKE = Prepared(
    sa.update(ACCOUNT)
    .where(ACCOUNT.c.name == _ACCOUNT, ACCOUNT.c.nanos >= _AMOUNT)
    .values(nanos=ACCOUNT.c.nanos - _AMOUNT)
)
"""account, amount: moves one row, or none when the account has less."""
ADD = Prepared(_add)
"""account, amount: opens the account if need be."""
POST = Prepared(sa.insert(POSTING).values(**_values("entry_id", "source", "destination", "nanos")).inline())
