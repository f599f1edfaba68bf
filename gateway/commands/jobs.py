"""`podium generate` and `podium route`: a job or a decision asked of a running gateway, over its public API."""

from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from gateway.commands import drawing, requests
from gateway.commands.customer import Customer, connected
from gateway.commands.requests import Wanted
from gateway.commands.terminal import Refused, aside, show
from gateway.settings import settings

OUT = Path("out")
"""Where outputs go that nobody named a place for."""


def route(wanted: Wanted, as_json: bool) -> None:
    """The decision that a job would get; it is kept, and nothing is spent."""
    with connected(settings()) as customer:
        decision = customer.post("/v1/route", body_of(customer, wanted))["decision"]
    show({"decision": decision}, as_json, lambda console: console.print(drawing.decided(decision)))


def generate(wanted: Wanted, output: Path | None, as_json: bool) -> None:
    """Run a job to its end and bring its outputs home."""
    with connected(settings()) as customer:
        job = customer.submit(body_of(customer, wanted))
        is_read = wanted.task == "text" and output is None
        if is_read and not as_json:
            say(customer, job)
        job = followed(customer, job)
        files = [] if is_read else fetch(customer, job, wanted.prompt, output, OUT)
        balance_usd = balance(customer)

    def draw(console: Console) -> None:
        console.print(f"[bold]{job['offer']}[/] [dim]{job['id']}, decision {job['decision']}[/]")
        console.print(drawing.receipt(job, balance_usd))
        if files:
            console.print(drawing.made(job, files))

    show(job | {"files": [str(path) for path in files]}, as_json, draw)


def body_of(customer: Customer, wanted: Wanted) -> dict[str, Any]:
    inputs = [customer.upload(requests.given(each, wanted.task)) for each in wanted.inputs]
    return requests.body(wanted, inputs)


def followed(customer: Customer, job: dict[str, Any]) -> dict[str, Any]:
    """The succeeded job; a bar on standard error while it runs. Raises Refused for any other end."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    console = aside()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("queued", total=1.0)

        def saw(seen: dict[str, Any]) -> None:
            progress.update(bar, completed=seen["progress"] or 0.0, description=f"{seen['status']} {seen['offer']}")

        job = customer.follow(job, saw)
    if job["status"] != "succeeded":
        raise Refused(f"{job['id']} {job['status']}: {_reason(job)}")
    return job


def _reason(job: dict[str, Any]) -> str:
    error = job["error"] or {}
    return str(error.get("detail") or error.get("message") or "no reason was given")


def say(customer: Customer, job: dict[str, Any]) -> None:
    """A text on standard output, word by word as it comes; whole at the end if it came before we listened."""
    said = ""
    for words in customer.words(job):
        typer.echo(words, nl=False)
        said += words
    text = "\n\n".join(output["text"] or "" for output in followed(customer, job)["outputs"])
    missing = text.removeprefix(said) if text.startswith(said) else f"\n\n{text}"
    typer.echo(missing + "\n")


def fetch(customer: Customer, job: dict[str, Any], prompt: str, named: Path | None, folder: Path) -> list[Path]:
    """Download every output; where each lies now."""
    files = requests.paths(job, prompt, named, folder)
    for output, path in zip(job["outputs"], files, strict=True):
        customer.download(output, path)
    return files


def balance(customer: Customer) -> str | None:
    """What the key has left; None for an admin who sees the accounts of several keys."""
    rows = customer.get("/v1/ledger/balances")["data"]
    left = [row["usd"] for row in rows if row["account"].endswith(":available")]
    return left[0] if len(left) == 1 else None
