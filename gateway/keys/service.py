"""Make, find, rename and revoke keys, and tell who calls. A secret is returned when it is made, and never again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway import clock
from gateway.db import Database
from gateway.keys import plans
from gateway.keys.rules import SECRET_PREFIX, Caller, Plan, Role, hash_secret, hint
from gateway.keys.tables import KEY, PLAN
from gateway.problems import Unauthorized

REMEMBERED_S = 5
"""How long a key is taken as good without looking again: a revoked key stops within that time on other replicas."""
REMEMBERED_KEYS = 10_000
"""Callers at the same moment on one replica, with room to spare; the oldest is forgotten first."""


class KeyView(NamedTuple):
    """A key as anyone may see it."""

    id: str
    name: str
    role: Role
    hint: str
    project: str | None
    plan: str | None
    created_at: datetime
    revoked_at: datetime | None


_VIEW = sa.select(*[KEY.c[name] for name in KeyView._fields])
_CALLER = (
    sa.select(
        KEY.c.id, KEY.c.name, KEY.c.role, KEY.c.project, *[PLAN.c[name].label(f"plan_{name}") for name in Plan._fields]
    )
    .select_from(KEY.outerjoin(PLAN, PLAN.c.id == KEY.c.plan))
    .where(KEY.c.secret_hash == sa.bindparam("secret_hash"), KEY.c.revoked_at.is_(None))
)


def _view(row: Mapping[Any, Any]) -> KeyView:
    return KeyView(**{**row, "role": Role(row["role"])})


def create(
    connection: Connection, name: str, role: Role, now: datetime, secret: str | None = None,
    project: str | None = None, plan: str | None = None,
) -> tuple[KeyView, str]:  # fmt: skip
    """A new key and its secret, which is made here unless given."""
    made = secret or SECRET_PREFIX + clock.new_secret()
    view = KeyView(clock.new_id("key"), name, role, hint(made), project, plan, now, None)
    connection.execute(sa.insert(KEY), {**view._asdict(), "role": role.value, "secret_hash": hash_secret(made)})
    return view, made


def find(connection: Connection, key_id: str) -> KeyView | None:
    row = connection.execute(_VIEW.where(KEY.c.id == key_id)).mappings().one_or_none()
    return _view(row) if row else None


def listing(connection: Connection, limit: int, after: str | None = None) -> list[KeyView]:
    """Newest first, those older than `after`; revoked ones too."""
    wanted = _VIEW if after is None else _VIEW.where(KEY.c.id < after)
    return [_view(row) for row in connection.execute(wanted.order_by(KEY.c.id.desc()).limit(limit)).mappings()]


def change(connection: Connection, key_id: str, values: Mapping[str, str | None]) -> KeyView | None:
    """Another name, project or plan."""
    if values:
        connection.execute(sa.update(KEY).where(KEY.c.id == key_id).values(**values))
    return find(connection, key_id)


class LastAdmin(NamedTuple):
    """Refused: without this key nobody could make another."""

    key_id: str


def revoke(connection: Connection, key_id: str, now: datetime) -> KeyView | LastAdmin | None:
    """The revoked key, as it was revoked the first time; None if there is none. The row stays: entries name it."""
    in_force = KEY.c.revoked_at.is_(None)
    admins = sa.select(KEY.c.id).where(KEY.c.role == Role.ADMIN.value, in_force).order_by(KEY.c.id)
    if connection.execute(admins.with_for_update()).scalars().all() == [key_id]:  # locked: two cannot both be the last
        return LastAdmin(key_id)
    connection.execute(sa.update(KEY).where(KEY.c.id == key_id, in_force).values(revoked_at=now))
    return find(connection, key_id)


def ensure_admin(connection: Connection, secret: str | None, now: datetime) -> str | None:
    """See to it that somebody can administer; returns the admin's secret if it was made now, for showing it once.

    A secret that the operator set becomes one more admin key when it is not known yet, and is not returned. One that
    was revoked stays revoked.
    """
    if secret:
        known = connection.execute(sa.select(KEY.c.id).where(KEY.c.secret_hash == hash_secret(secret))).scalar()
        if known is None:
            create(connection, "admin", Role.ADMIN, now, secret)
        return None
    admins = sa.select(KEY.c.id).where(KEY.c.role == Role.ADMIN.value, KEY.c.revoked_at.is_(None)).limit(1)
    if connection.execute(admins).scalar():
        return None
    return create(connection, "admin", Role.ADMIN, now)[1]


class Remembered(NamedTuple):
    caller: Caller
    until: datetime


@dataclass
class Keyring:
    """Tells who calls, and remembers it for REMEMBERED_S. Only hashes are remembered, and only those of good keys."""

    db: Database
    known: dict[str, Remembered] = field(default_factory=dict)
    forgotten: int = 0

    async def authenticate(self, secret: str | None) -> Caller:
        """Whose secret it is; Unauthorized if nobody's."""
        if not secret:
            raise _unauthorized("send your key as Authorization: Bearer pk_… (or x-api-key: pk_…)")
        hashed, now = hash_secret(secret), clock.now()
        remembered = self.known.get(hashed)
        if remembered and now < remembered.until:
            return remembered.caller
        forgotten = self.forgotten
        caller = await self.db.glance(lambda connection: _caller(connection, hashed))
        if caller is None:
            self.known.pop(hashed, None)
            raise _unauthorized("this key is unknown or revoked; ask an admin for a new one")
        if forgotten == self.forgotten:  # else a revocation may have overtaken the look-up
            self._remember(hashed, Remembered(caller, now + timedelta(seconds=REMEMBERED_S)))
        return caller

    def forget(self, key_id: str) -> None:
        """Look again at once: the key was renamed or revoked here."""
        self.forgotten += 1
        self.known = {hashed: each for hashed, each in self.known.items() if each.caller.id != key_id}

    def forget_all(self) -> None:
        """Look again at once: a plan was changed here."""
        self.forgotten += 1
        self.known = {}

    def _remember(self, hashed: str, remembered: Remembered) -> None:
        self.known.pop(hashed, None)
        if len(self.known) >= REMEMBERED_KEYS:
            del self.known[next(iter(self.known))]
        self.known[hashed] = remembered


def _caller(connection: Connection, secret_hash: str) -> Caller | None:
    row = connection.execute(_CALLER, {"secret_hash": secret_hash}).mappings().one_or_none()
    if row is None:
        return None
    plan = plans.plan_of({name: row[f"plan_{name}"] for name in Plan._fields}) if row["plan_id"] else None
    return Caller(row["id"], row["name"], Role(row["role"]), row["project"], plan)


def _unauthorized(detail: str) -> Unauthorized:
    return Unauthorized(detail, headers={"www-authenticate": "Bearer"})
