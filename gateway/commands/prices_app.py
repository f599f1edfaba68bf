"""The list of `podium prices` commands; what each does is imported when it runs."""

from typing import Annotated

import typer

from gateway.commands.terminal import OneLine

prices_app = typer.Typer(help="Prices that sources say and the cards do not.")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, and nothing else.")]
Id = Annotated[str, typer.Argument(help="The proposal's id, prc_….")]
All = Annotated[bool, typer.Option("--all", help="Also those that are decided.")]


@prices_app.callback(invoke_without_command=True)
def proposals(context: typer.Context, everything: All = False, as_json: Json = False) -> None:
    """Open proposals, newest first."""
    if context.invoked_subcommand is None:
        list_proposals(everything, as_json)


@prices_app.command("list")
def list_proposals(everything: All = False, as_json: Json = False) -> None:
    """Open proposals, newest first."""
    with OneLine():
        from gateway.commands import changes

        changes.proposals(everything, as_json)


@prices_app.command("accept")
def accept(proposal: Id, as_json: Json = False) -> None:
    """The proposed price, for every quote from now on."""
    with OneLine():
        from gateway.commands import changes

        changes.accept(proposal, as_json)


@prices_app.command("refuse")
def refuse(proposal: Id, as_json: Json = False) -> None:
    """Leave the price as it is; the same change is not proposed again."""
    with OneLine():
        from gateway.commands import changes

        changes.refuse(proposal, as_json)
