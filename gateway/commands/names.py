"""`podium names`: how well labels are resolved, measured on a table of labels whose models are known."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from adapters.schema import Task
from gateway.catalog.supply import read_supply
from gateway.commands.terminal import Refused, show, table
from gateway.settings import settings
from router import identity
from router.identity import Alias, Check, Score

COLUMNS = ("canonical_id", "modality", "alias", "namespace")

_TASKS = {
    "t2i": {Task.TEXT_TO_IMAGE},
    "edit": {Task.IMAGE_EDIT},
    "t2v": {Task.TEXT_TO_VIDEO},
    "i2v": {Task.IMAGE_TO_VIDEO},
    "video-edit": {Task.VIDEO_TO_VIDEO},
    "image-upscale": {Task.UPSCALE_IMAGE},
    "video-upscale": {Task.UPSCALE_VIDEO},
    "avatar": {Task.AVATAR_VIDEO},
    "lipsync": {Task.AVATAR_VIDEO},
    "llm": {Task.TEXT},
}
"""Words of the table's column `modality`, which are joined by "+"."""

SHOWN_MOST = 20
"""Wrong answers that are drawn; all are in the JSON."""


def check(file: Path, as_json: bool) -> None:
    """Precision and recall on the part that is held out, on models that are not there, and against the catalog."""
    aliases = _read(file)
    if not aliases:
        raise Refused(f"{file} names no label: it needs rows under {', '.join(COLUMNS)}")
    measured = identity.check(aliases)
    catalog = identity.against(aliases, read_supply(settings()).names.resolve_label)
    show(_document(aliases, measured, catalog), as_json, lambda console: _draw(console, aliases, measured, catalog))


def _read(file: Path) -> list[Alias]:
    with file.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if missing := set(COLUMNS) - set(rows.fieldnames or ()):
            raise Refused(f"{file} lacks the columns {', '.join(sorted(missing))}")
        return [_alias(row) for row in rows]


def _alias(row: dict[str, Any]) -> Alias:
    tasks = frozenset(task for word in row["modality"].split("+") for task in _TASKS.get(word.strip(), ()))
    return Alias(row["canonical_id"], row["alias"], tasks or frozenset(Task), row["namespace"])


def _document(aliases: list[Alias], measured: Check, catalog: Score) -> dict[str, Any]:
    return {
        "labels": len(aliases),
        "models": len({alias.model for alias in aliases}),
        "held_out": _figures(measured.held_out),
        "by_namespace": {name: _figures(each) for name, each in measured.by_namespace.items()},
        "strangers": {"unresolved": measured.strangers.right, "taken_for_another": measured.strangers.wrong},
        "clusters": _figures(measured.clusters),
        "catalog": _figures(catalog),
        "wrong": [dict(zip(("label", "model", "answer"), each, strict=True)) for each in measured.wrong],
    }


def _figures(score: Score) -> dict[str, Any]:
    return score._asdict() | {"precision": round(score.precision, 4), "recall": round(score.recall, 4)}


def _draw(console: Console, aliases: list[Alias], measured: Check, catalog: Score) -> None:
    models = len({alias.model for alias in aliases})
    console.print(f"{len(aliases)} labels of {models} models; one label in {identity.HELD_OUT} is held out\n")
    drawn = table("measured on", "right", "wrong", "unresolved", "precision", "recall", keep="measured on")
    for name, score in _rows(measured, catalog):
        share = (f"{score.precision:.1%}", f"{score.recall:.1%}")
        drawn.add_row(name, str(score.right), str(score.wrong), str(score.unresolved), *share)
    console.print(drawn)
    absent, taken = measured.strangers.right, measured.strangers.wrong
    console.print(f"\nOf {absent + taken} labels of models that are not there, {taken} are taken for another.")
    for label, model, answer in measured.wrong[:SHOWN_MOST]:
        console.print(f"[red]wrong[/]: {label} is {model}, not {answer}", markup=True)


def _rows(measured: Check, catalog: Score) -> Iterable[tuple[str, Score]]:
    yield "held-out labels", measured.held_out
    yield from ((f"  of them {name}", score) for name, score in measured.by_namespace.items())
    yield "pairs of labels, rules alone", measured.clusters
    yield "the catalog (its aliases included)", catalog
