"""`podium models` and `podium offers`: what can be had here, read from the catalog and the logs; no server needed."""

from typing import Any

from rich.console import Console

from adapters.schema import Task
from gateway import clock
from gateway.catalog import evidence, prices
from gateway.catalog.evidence import Belief
from gateway.catalog.lives import Limits, Lives, Watch, fold
from gateway.catalog.routes import model_view, offer_view
from gateway.catalog.supply import Supply, read_supply
from gateway.commands.database import exists, on_database
from gateway.commands.terminal import Refused, show, table
from gateway.db import Database
from gateway.settings import settings
from gateway.snapshots import starter


def models(task: str | None, everything: bool, as_json: bool) -> None:
    """Those that some offer here can run, or all."""
    wanted, (supply, belief, lives) = task_of(task), believed()
    today = clock.now().date()
    rows = [
        model_view(model, supply, belief, lives, today)
        for model in sorted(supply.models.values(), key=lambda model: model.id)
        if wanted is None or wanted in model.tasks
    ]
    shown = [row for row in rows if everything or row["available"]]
    show({"data": shown}, as_json, lambda console: _draw_models(console, shown, wanted, len(rows)))


def offers(task: str | None, as_json: bool) -> None:
    """All, whether they can be used here or not; the obstacle says why not."""
    wanted, (supply, belief, lives) = task_of(task), believed()
    today = clock.now().date()
    shown = [
        offer_view(offer, supply, belief, lives, today)
        for offer in sorted(supply.catalog.offers(), key=lambda offer: offer.id)
        if wanted is None or wanted in offer.tasks
    ]
    show({"data": shown}, as_json, lambda console: _draw_offers(console, shown))


def task_of(task: str | None) -> Task | None:
    if task is not None and task not in set(Task):
        raise Refused(f"there is no task {task}: choose one of {', '.join(Task)}")
    return Task(task) if task else None


def believed() -> tuple[Supply, Belief, Lives]:
    """What there is and what is known of it: before the first start, only the standings that Podium brings along."""
    chosen = settings()
    supply, now = read_supply(chosen), clock.now()
    limits = Limits(chosen.stale_days, chosen.retired_days)

    async def gathered(db: Database) -> tuple[Belief, Lives]:
        await db.together(lambda connection: starter.load_starter(connection, now))
        await prices.reprice(db, supply)
        lives = await Watch(db, supply, limits).refreshed(now)
        return await evidence.gather(db, supply, now, None, lives.board_hazards), lives

    if not exists(chosen.database_url):
        belief = evidence.believe(supply, [reading.payload for reading in starter.readings()], (), now)
        return supply, belief, fold(supply, (), (), {}, now.date(), limits)
    return supply, *on_database(gathered)


def _draw_models(console: Console, rows: list[dict[str, Any]], task: Task | None, of: int) -> None:
    drawn = table("model", "name", "tasks", "quality", "stage", "released", "offers", keep="model")
    for row in rows:
        qualities = [row["quality"][task]] if task else list(row["quality"].values())
        measured = [each["value"] for each in qualities if each["boards"]]
        tasks, quality = ", ".join(row["tasks"]), f"{max(measured):.2f}" if measured else "[dim]–[/]"
        drawn.add_row(
            row["id"], row["name"], tasks, quality, _stage(row), row["released"] or "", _providers(row["offers"])
        )
    console.print(drawn)
    if len(rows) < of:
        console.print(f"[dim]{len(rows)} of {of}: the others need a provider's key; --all shows them[/]")


def _stage(row: dict[str, Any]) -> str:
    """Nothing for what is active; else the stage, and until when."""
    if row["stage"] == "active":
        return ""
    return f"{row['stage']}, ends {row['ends']}" if row["ends"] else str(row["stage"])


def _providers(offers: list[str]) -> str:
    return ", ".join(offer.partition("/")[0] for offer in offers)


def _draw_offers(console: Console, rows: list[dict[str, Any]]) -> None:
    drawn = table("offer", "tasks", "price in USD", "stage", "here", keep="offer")
    for row in rows:
        here = "[green]ready[/]" if row["available"] else f"[dim]{row['obstacle']}[/]"
        drawn.add_row(row["id"], ", ".join(row["tasks"]), _price(row["prices"]), _stage(row), here)
    console.print(drawn)


def _price(prices: list[dict[str, Any]]) -> str:
    """The newest price's rates; what they depend on is in the JSON."""
    if not prices:
        return "[dim]none[/]"
    rates = max(prices, key=lambda price: str(price["since"]))["rates"]
    first = rates[0]
    per = "" if first["per"] == "1" else f"{first['per']} "
    more = f" and {len(rates) - 1} more" if len(rates) > 1 else ""
    return f"{first['usd']} for {per}{first['unit']}{more}"
