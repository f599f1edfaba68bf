"""The gateway beside a bare pass-through, in turns, in one run; it makes no comparison with figures of another run.

Each round measures both at each number of connections, one after the other, and the next round begins with the other.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import NamedTuple

from benchmarks import admin
from benchmarks.admin import Books
from benchmarks.load import Measured, Work
from benchmarks.processes import ROOT, Party, cpu_s, environment, party, resident_mb
from gateway import migrations

CONNECTIONS = (1, 16, 64)
SETTLE_S = 1.0
"""Between start and the reading of idle memory, and between two measurements."""
STARTS = 3
GATEWAY, PASS_THROUGH = "gateway", "pass-through"
PROBE = "/readyz"
JOB = '{"task":"text-to-image","prompt":"%s"}'
PICTURE = '{"model":"gpt-image-2","size":"1024x1024","quality":"medium","n":1,"prompt":"%s"}'


class Plan(NamedTuple):
    """How long to measure. `seconds` is for each target, round and number of connections."""

    rounds: int
    seconds: float
    profile: Path | None = None


class Point(NamedTuple):
    """One target at one number of connections in one round."""

    target: str
    round: int
    connections: int
    measured: Measured
    cpu_ms: float

    @property
    def per_s(self) -> float:
        return self.measured.answered / self.measured.elapsed_s


class Memory(NamedTuple):
    """Resident, in MB: before the first request, and after the last."""

    idle_mb: float
    loaded_mb: float


class Comparison(NamedTuple):
    """`answered` counts every job the gateway answered, warm-up included; the books must have settled as many."""

    points: tuple[Point, ...]
    memory: dict[str, Memory]
    starts_s: tuple[float, ...]
    answered: int
    books: Books


class Target(NamedTuple):
    """A party under load, and what to send it."""

    party: Party
    work: Work


def compare(plan: Plan) -> Comparison:
    with TemporaryDirectory(prefix="podium-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = stack.enter_context(party(folder, "benchmarks.upstream"))
        address = f"http://127.0.0.1:{upstream.port}"
        starts_s = tuple(_starts(folder / "starts", address))
        serving = stack.enter_context(_gateway(folder / "gateway", address, plan.profile))
        passing = stack.enter_context(party(folder, "benchmarks.pass_through", address, probe=PROBE))
        sleep(SETTLE_S)
        idle = {GATEWAY: resident_mb(serving.pid), PASS_THROUGH: resident_mb(passing.pid)}
        targets = {GATEWAY: _jobs(serving), PASS_THROUGH: _pictures(passing)}
        points = tuple(_measure(plan, targets))
        memory = {name: Memory(idle[name], resident_mb(target.party.pid)) for name, target in targets.items()}
        answered = sum(point.measured.answered for point in points if point.target == GATEWAY)
        return Comparison(tuple(point for point in points if point.round), memory, starts_s, answered, _books(serving))


@contextmanager
def _gateway(folder: Path, upstream_url: str, profile: Path | None = None) -> Iterator[Party]:
    """`podium up` on a fresh database that is already migrated, its only provider the fast upstream."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite+aiosqlite:///{folder}/podium.db"
    migrations.upgrade(url)
    words = ["benchmarks.profiled_gateway", str(profile.absolute())] if profile else ["gateway.cli", "up", "--json"]
    with party(
        folder, *words, probe=PROBE, PODIUM_PORT="0", PODIUM_SANDBOX="off", PODIUM_FEEDS="off",
        PODIUM_DATABASE_URL=url, PODIUM_STORE_URL=f"file://{folder}/assets", PODIUM_ADMIN_KEY=admin.ADMIN_KEY,
        PODIUM_PROVIDER_OPENAI_BASE_URL=upstream_url, OPENAI_API_KEY="benchmark", PODIUM_LOG_LEVEL="warning",
    ) as gateway:  # fmt: skip
        yield gateway


def _starts(folder: Path, upstream_url: str) -> Iterator[float]:
    """From the start of the process to its first 200 on /readyz."""
    for number in range(STARTS):
        with _gateway(folder / str(number), upstream_url) as gateway:
            yield gateway.start_s


def _jobs(gateway: Party) -> Target:
    headers = {"authorization": f"Bearer {admin.make_key(gateway.port)}", "prefer": "wait=30"}
    proof = '"status": ?"succeeded", ?"task"'
    return Target(gateway, Work(gateway.port, "/v1/jobs", headers, JOB, 201, proof, 0, 0, 0))


def _pictures(passing: Party) -> Target:
    return Target(passing, Work(passing.port, "/v1/images/generations", {}, PICTURE, 200, "b64_json", 0, 0, 0))


def _measure(plan: Plan, targets: dict[str, Target]) -> Iterator[Point]:
    """Round 0 is the warm-up, at most connections."""
    first_number = 0
    for number in range(plan.rounds + 1):
        order = list(targets) if number % 2 else list(reversed(targets))
        for connections in CONNECTIONS if number else CONNECTIONS[-1:]:
            for name in order:
                first_number += 1_000_000  # no prompt is sent twice
                point = _point(plan, name, targets[name], number, connections, first_number)
                _show(point)
                yield point
                sleep(SETTLE_S / 4)


def _point(plan: Plan, name: str, target: Target, number: int, connections: int, first_number: int) -> Point:
    work = target.work._replace(connections=connections, seconds=plan.seconds, first_number=first_number)
    before_s = cpu_s(target.party.pid)
    measured = _loaded(work)
    cpu_ms = (cpu_s(target.party.pid) - before_s) * 1_000 / max(1, measured.answered)
    if measured.wrong:
        raise RuntimeError(f"{name}: {measured.wrong} wrong answers at {connections}; first: {measured.complaint}")
    return Point(name, number, connections, measured, cpu_ms)


def _loaded(work: Work) -> Measured:
    """One round from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=json.dumps(work._asdict()), env=environment({}), cwd=ROOT,
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return Measured(**json.loads(done.stdout))


def _show(point: Point) -> None:
    """Progress, for whoever waits."""
    label = f"round {point.round}" if point.round else "warm-up"
    line = f"{label}  {point.target:<12} {point.connections:>3} connections  {point.per_s:8.0f}/s"
    print(line, file=sys.stderr, flush=True)


def _books(gateway: Party) -> Books:
    return admin.books(gateway.port)
