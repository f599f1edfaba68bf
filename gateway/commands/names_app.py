"""The list of `podium names` commands; what each does is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.terminal import OneLine

names_app = typer.Typer(no_args_is_help=True, help="Which model a label of a board, feed or provider means.")


@names_app.callback()
def _group() -> None:
    """Without this, a single command would take the group's own name."""


@names_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="CSV with canonical_id, modality, alias and namespace.", exists=True)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Precision and recall of the names on a table of labels, with one label in three held out from them."""
    with OneLine():
        from gateway.commands import names

        names.check(file, as_json)
