"""The vendors' own libraries, each run by an interpreter of its own, at the doors of a gateway."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.stories.house import NUMBERS, Customer, Gateway

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "sdks_doors"
MODULES = ROOT / ".venv-js" / "node_modules"
PYTHON = ROOT / ".venv-sdks" / "bin" / "python"
LIMIT_S = 120
"""Importing a library takes seconds on a busy machine, and each script makes a few clips."""


def run_python(script: str, folder: Path, *arguments: str) -> None:
    """Run one of tests/sdks_doors in the interpreter that has the libraries, and nothing of ours."""
    assert PYTHON.exists(), "the vendors' libraries are not installed: make install"
    _run([PYTHON, "-P", SCRIPTS / script, *arguments], folder)


def node() -> str | None:
    """Node, if it is here and `make install` could fetch fal's client for it."""
    return shutil.which("node") if (MODULES / "@fal-ai" / "client").is_dir() else None


def run_node(script: str, folder: Path, *arguments: str) -> None:
    """Run one of tests/sdks_doors by Node, which looks for modules beside the script and nowhere else."""
    (folder / "node_modules").symlink_to(MODULES)
    beside = folder / Path(script).name
    if not beside.exists():
        shutil.copy(SCRIPTS / script, beside)
    _run([node() or "node", beside, *arguments], folder)


def _run(command: list[Path | str], folder: Path) -> None:
    bare = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-6_000:]


def example(section: str, language: str = "python") -> str:
    """The first piece of code under a heading of the page about doors."""
    page = (ROOT / "docs" / "doors.md").read_text("utf-8").partition(f"\n## {section}\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None, f"{section} has no {language}"
    return found[1]


def run_example(code: str, folder: Path, **variables: str) -> str:
    """Run a piece of Python as a reader of the page would; what it prints."""
    bare = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "NO_PROXY": "*"} | variables
    done = subprocess.run([PYTHON, "-c", code], cwd=folder, env=bare, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr[-6_000:]
    return done.stdout


def capped(house: Gateway) -> Customer:
    """A key with money, and a budget in which none of it may be spent."""
    customer = house.customer()
    subject = {"scope": "key", "subject": customer.id}
    limit = {"name": f"none {next(NUMBERS)}", "limit_usd": "0.0001", "window": "day"} | subject
    answer = house.admin.post("/v1/budgets", limit)
    assert answer.status_code == 201, answer.text
    return customer


def slow(house: Gateway) -> Customer:
    """A key with money, whose plan allows one job a minute."""
    customer = house.customer()
    plan = house.admin.post("/v1/plans", {"name": f"slow {next(NUMBERS)}", "jobs_per_minute": 1}).json()
    assert house.admin.send("PATCH", f"/v1/keys/{customer.id}", json={"plan": plan["id"]}).status_code == 200
    return customer
