"""`podium discover`: looks for engines at named hosts and proposes cards; no server needed, and nothing is enabled."""

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console

from adapters.http import close_clients, open_clients
from gateway.catalog.supply import Supply, read_supply
from gateway.commands.listings import NoShelf
from gateway.commands.terminal import Refused, show, table
from gateway.engines.discovery import BadHost, Found, Searcher
from gateway.settings import settings


def discover(hosts: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """What answers there. With a folder, each proposal is written into it; a file that is there stays as it is."""
    try:
        found = asyncio.run(_looked(hosts, read_supply(settings())))
    except BadHost as error:
        raise Refused(str(error)) from error
    files = written(found, folder) if folder is not None else []
    document = {"data": [each.document() for each in found], "files": files}
    show(document, as_json, lambda console: _draw(console, found, files))


async def _looked(hosts: tuple[str, ...], supply: Supply) -> tuple[Found, ...]:
    clients = open_clients()
    try:
        return await Searcher(supply, clients, NoShelf()).look(hosts)
    finally:
        await close_clients(clients)


def written(found: tuple[Found, ...], folder: Path) -> list[dict[str, Any]]:
    """Each card in a file of its own, named as the card; what was not written, and why, is told too."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for each in found:
        if each.card is None:
            continue
        path = folder / f"{each.name}.yaml"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(each.card)
        except FileExistsError:
            files.append({"file": str(path), "written": False, "why": "it is there already"})
        else:
            files.append({"file": str(path), "written": True, "why": None})
    return files


def _draw(console: Console, found: tuple[Found, ...], files: list[dict[str, Any]]) -> None:
    if not found:
        console.print("No engine answers there.")
        return
    drawn = table("address", "engine", "models", "LoRAs", "offers", "used as", keep="address")
    for each in found:
        name = f"{each.title} {each.version or ''}".strip() if each.engine else "[dim]unknown[/]"
        known = sum(model["model"] is not None for model in each.models)
        models = f"{known} known, {len(each.models) - known} not" if each.models else ""
        drawn.add_row(
            each.address, name, models, str(len(each.loras) or ""), str(len(each.offers) or ""), each.enabled_as or "",
        )  # fmt: skip
    console.print(drawn)
    for each in found:
        if each.card and not each.enabled_as and not files:
            console.print(f"\n[dim]{each.name}.yaml, for a folder of PODIUM_CATALOG_DIR (--write DIR):[/]")
            console.print(each.card, markup=False, soft_wrap=True)
    for file in files:
        console.print(f"{'written' if file['written'] else 'left as it is'}: {file['file']}", soft_wrap=True)
    if any(file["written"] for file in files):
        console.print("Nothing is used yet: each file says which variables to set.")
