"""The list of `podium names` commands; what each does is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.terminal import OneLine

names_app = typer.Typer(no_args_is_help=True, help="Which model a label of a board, feed or provider means.")


@names_app.callback()
def _group() -> None:
    """Without this, a single command would take the group's own name."""


Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


@names_app.command("unresolved")
def unresolved(
    everything: Annotated[bool, typer.Option("--all", help="Also labels of price lists and listings.")] = False,
    as_json: Json = False,
) -> None:
    """Labels of the kept readings that mean no model of ours, for you to settle."""
    with OneLine():
        from gateway.commands import names_settling

        names_settling.unresolved(everything, as_json)


@names_app.command("settle")
def settle(
    label: Annotated[str, typer.Argument(help="The label, as the source writes it.")],
    model: Annotated[str, typer.Argument(help="A model's id or alias; none: it is none of ours; undo: forget it.")],
    as_json: Json = False,
) -> None:
    """Say which model a label means; used when evidence is gathered next, within half a minute."""
    with OneLine():
        from gateway.commands import names_settling

        names_settling.settle(label, model, as_json)


@names_app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="CSV with canonical_id, modality, alias and namespace.", exists=True)],
    as_json: Json = False,
) -> None:
    """Precision and recall of the names on a table of labels, with one label in three held out from them."""
    with OneLine():
        from gateway.commands import names

        names.check(file, as_json)
