"""Starts the parties of a benchmark as processes of their own, and reads what they take from /proc; so Linux only."""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
START_S = 60
"""A party that is not ready by then is broken, not slow."""
STOP_S = 15
LOOK_S = 0.005
TOLD = re.compile(r"^(\d+)$|http://127\.0\.0\.1:(\d+)")
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "VIRTUAL_ENV")
"""Nothing else of the environment reaches a party: no provider's key of the machine, no setting of the operator."""


class Party(NamedTuple):
    """A running process. `start_s` is from before it was started until it could serve."""

    process: "subprocess.Popen[str]"
    port: int
    start_s: float

    @property
    def pid(self) -> int:
        return self.process.pid


@contextmanager
def party(folder: Path, module: str, *words: str, probe: str = "", **variables: str) -> Iterator[Party]:
    """Run `python -m module` in a folder until the block ends. `probe` is a path that answers 200 when it can serve."""
    began = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=folder, env=environment(variables), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        port = _port(process)
        if probe:
            _wait_until_ready(process, port, probe)
        yield Party(process, port, perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT)} | variables


def _port(process: "subprocess.Popen[str]") -> int:
    """The port that a party tells in its first lines: alone on a line, or in a URL."""
    assert process.stdout is not None
    found = (TOLD.search(line) for line in process.stdout)
    told = next((match for match in found if match), None)
    if told is None:
        raise RuntimeError(f"{process.args!r} ended before it had a port")
    return int(told[1] or told[2])


def _wait_until_ready(process: "subprocess.Popen[str]", port: int, probe: str) -> None:
    ends = perf_counter() + START_S
    while perf_counter() < ends:
        if process.poll() is not None:
            break
        if _answers(port, probe):
            return
        sleep(LOOK_S)
    raise RuntimeError(f"{process.args!r} ended, or was not ready within {START_S} s")


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def cpu_s(pid: int) -> float:
    """What all threads of a process have computed so far, in the program and in the kernel for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory that a process really occupies, in millions of bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kibibytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kibibytes) * 1024 / 1e6
