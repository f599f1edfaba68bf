"""`podium demo`: a gateway of its own, in a fresh folder and without any provider's key, shown at work and stopped.

It goes over real HTTP as any customer does, and it can spend no money: what it starts sees no key of a provider.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule

from adapters.registry import load_catalog
from gateway import clock
from gateway.commands import drawing
from gateway.commands.customer import Customer, customer
from gateway.commands.jobs import OUT, balance, fetch, followed
from gateway.commands.terminal import Refused, as_document, aside, screen
from gateway.settings import keyless_environment

DATA = Path(".podium/demo")
ROOT = Path(__file__).resolve().parents[1]
FUNDS_USD = "1.00"
STOP_S = 20
"""Longer than a gateway takes to finish what it has in hand."""


class Scene(NamedTuple):
    """One thing that the demo makes."""

    title: str
    file: str
    body: dict[str, Any]


SCENES = (
    Scene("An image", "fox.png", {
        "task": "text-to-image", "prompt": "a red fox in fresh snow at sunrise", "width": 1024, "height": 768,
        "seed": 7,
    }),
    Scene("A clip", "lighthouse.mp4", {
        "task": "text-to-video", "prompt": "a lighthouse at night while waves roll in", "duration_s": 3, "seed": 7,
    }),
    Scene("A text", "autumn.txt", {"task": "text", "prompt": "Why do leaves turn red in autumn?", "max_tokens": 200}),
)  # fmt: skip


def perform(as_json: bool) -> None:
    """Everything, from a first start to a check of the books. Raises Refused if any part fails."""
    console = aside() if as_json else screen()
    data = DATA.resolve()
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    with _gateway(data) as started, customer(started["url"], started["admin"]["secret"]) as admin:
        _introduce(console, started)
        shown = _as_caller(console, admin)
        books = admin.get("/v1/ledger/verify")
    _conclude(console, books)
    if as_json:
        console = screen()
        console.print(as_document({"jobs": shown, "books": books}), soft_wrap=True, markup=False)


@contextmanager
def _gateway(data: Path) -> Iterator[dict[str, Any]]:
    """`podium up` as a child process with an empty past; it and its sandbox are gone at the end."""
    log = data / "gateway.log"
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "up", "--json", "--no-dashboard"],
            cwd=data, env=_environment(data), stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
        )  # fmt: skip
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
        if not line.startswith("{"):
            raise Refused(f"the gateway did not start: {_last_line(log)}")
        yield json.loads(line)
    finally:
        code = _stop(child)
    if code:
        raise Refused(f"the gateway ended with {code}: {_last_line(log)}")


def _environment(data: Path) -> dict[str, str]:
    """No provider's key, no setting of the operator's, and no `.env`, for the child runs in its own folder."""
    key_names = [card.key_env for card in load_catalog().cards.values() if card.key_env]
    return keyless_environment(
        key_names,
        PODIUM_DATABASE_URL=f"sqlite+aiosqlite:///{data}/podium.db",
        PODIUM_STORE_URL=f"file://{data}/assets",
        PODIUM_PORT="0",
        PODIUM_SANDBOX="on",
        PODIUM_SANDBOX_PORT=str(_free_port()),
        PODIUM_SANDBOX_DIR=str(data / "sandbox"),
        PYTHONPATH=str(ROOT),
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _stop(child: subprocess.Popen[str]) -> int:
    child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
    return child.returncode


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{lines[-1]} (more in {log})" if lines else "it said nothing"


def _introduce(console: Console, started: dict[str, Any]) -> None:
    console.print(f"\n[bold]Podium[/] answers at {started['url']}: SQLite, a folder for assets, and the sandbox,")
    console.print("a provider of our own that draws by rules on this machine. No provider's key is in reach, so")
    console.print("no money can be spent; the sandbox declares prices, so that every dollar can be followed.")


def _as_caller(console: Console, admin: Customer) -> list[dict[str, Any]]:
    """A new key, funded; then each scene as its owner."""
    key = admin.post("/v1/keys", {"name": "demo", "role": "caller"})
    fund = {"key": key["id"], "usd": FUNDS_USD}
    admin.post("/v1/ledger/fund", fund, **{"idempotency-key": clock.new_id("demo")})
    console.print(f"A new key, {key['id']}, is funded with {FUNDS_USD} USD.\n")
    with customer(admin.url, key["secret"]) as caller:
        return [_play(console, caller, scene) for scene in SCENES]


def _play(console: Console, caller: Customer, scene: Scene) -> dict[str, Any]:
    """One job through auto: the decision, the receipt, the file."""
    console.print(Rule(f"[bold]{scene.title}[/]: {scene.body['prompt']}", align="left", style="dim"))
    job = followed(caller, caller.submit(scene.body | {"model": "auto"}))
    decision = caller.get(f"/v1/decisions/{job['decision']}")
    files = fetch(caller, job, scene.body["prompt"], OUT / scene.file, OUT)
    _section(console, "The decision", Group(drawing.why(decision), drawing.decided(decision)))
    _section(console, "The receipt", drawing.receipt(job, balance(caller)))
    _section(console, "The file", drawing.made(job, files))
    return job | {"files": [str(path) for path in files]}


def _section(console: Console, heading: str, part: RenderableType) -> None:
    console.print(f"[bold cyan]{heading}[/]")
    console.print(Padding(part, (0, 0, 1, 2), expand=False))


def _conclude(console: Console, books: dict[str, Any]) -> None:
    if not books["ok"]:
        raise Refused(f"the books do not balance: {'; '.join(books['findings'])}")
    console.print(Rule(style="dim"))
    console.print(f"[green]The books balance[/]: {books['entries']} entries on {books['accounts']} accounts, "
                  f"{books['open_holds']} open holds. The gateway has stopped.")  # fmt: skip
    console.print(f"[dim]The files are in {OUT}/. `podium up` starts a gateway of your own.[/]\n")
