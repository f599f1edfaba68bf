"""`podium keys`: make, list and revoke keys in the database itself, for the operator at the machine."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from gateway import clock
from gateway.commands.database import on_database
from gateway.commands.terminal import Refused, show, table
from gateway.keys import service
from gateway.keys.rules import Role
from gateway.keys.service import KeyView, LastAdmin

LISTED = 500
"""Keys that one listing shows, the newest; more than a screen holds."""
NAME_CHARS = 100


def create(name: str, role: str, as_json: bool) -> None:
    wanted, label = _role(role), name.strip()
    if not 1 <= len(label) <= NAME_CHARS or "\0" in label:
        raise Refused(f"a key's name has from 1 to {NAME_CHARS} characters")
    now = clock.now()
    view, secret = on_database(
        lambda db: db.together(lambda connection: service.create(connection, label, wanted, now))
    )

    def draw(console: Console) -> None:
        console.print(f"[bold]{view.id}[/]  {escape(view.name)}, {view.role}")
        console.print(f"{secret}   [dim]shown this once[/]", soft_wrap=True)

    show(_key(view) | {"secret": secret}, as_json, draw)


def list_all(as_json: bool) -> None:
    views = on_database(lambda db: db.read(lambda connection: service.listing(connection, LISTED)))

    def draw(console: Console) -> None:
        rows = table("key", "name", "role", "begins", "created", "revoked", keep="key")
        for view in views:
            when = (_day(view.created_at), _day(view.revoked_at) if view.revoked_at else "")
            rows.add_row(view.id, escape(view.name), view.role, view.hint, *when)
        console.print(rows)

    show({"data": [_key(view) for view in views]}, as_json, draw)


def revoke(key_id: str, as_json: bool) -> None:
    now = clock.now()
    match on_database(lambda db: db.together(lambda connection: service.revoke(connection, key_id, now))):
        case None:
            raise Refused(f"there is no key {key_id}: `podium keys list` shows them")
        case LastAdmin():
            raise Refused("this is the last admin key in force: make another before you revoke it")
        case KeyView() as view:
            show(_key(view), as_json, lambda console: console.print(f"{view.id} is revoked; its money and past stay"))


def _role(role: str) -> Role:
    if role not in set(Role):
        raise Refused(f"there is no role {role}: choose {' or '.join(Role)}")
    return Role(role)


def _key(view: KeyView) -> dict[str, Any]:
    return {name: _plain(value) for name, value in view._asdict().items()}


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
