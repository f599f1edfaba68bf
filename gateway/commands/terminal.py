"""How every command speaks: one JSON document or a drawing on standard output, one line on standard error for a fault.

It decides nothing and opens nothing.
"""

import json
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

PIPE_COLUMNS = 120
"""How wide to draw where there is no terminal to ask: most logs show that much."""


def screen() -> Console:
    """Standard output, for people."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def aside() -> Console:
    """Standard error: progress, which must not get into a pipe."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPE_COLUMNS)


def table(*columns: str, keep: str) -> Table:
    """A plain table. The column `keep` is never cut: what stands in it is to be copied."""
    drawn = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        drawn.add_column(column, no_wrap=column == keep, overflow="fold")
    return drawn


def show(document: Any, as_json: bool, draw: Callable[[Console], None]) -> None:
    """The document for scripts, or a drawing of it for people."""
    if as_json:
        typer.echo(as_document(document))
    else:
        draw(screen())


def as_document(document: Any) -> str:
    """JSON on one line; indented when a person looks at it."""
    return json.dumps(document, default=str, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)


class Refused(Exception):
    """A command cannot do what it was asked; the message is one line that says what to do."""


class OneLine:
    """Around a command's work: a fault that somebody can mend becomes one line and exit code 1; a bug stays loud."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        from gateway.commands import faults  # here, for it imports every library whose errors it knows

        if sentence := faults.sentence(error):
            typer.echo(f"podium: {' '.join(sentence.split())}", err=True)
            raise typer.Exit(1) from error
