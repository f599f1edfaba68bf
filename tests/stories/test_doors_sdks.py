"""The vendors' own libraries at our doors: a real gateway, the sandbox behind it, and clients that know neither."""

import subprocess
from pathlib import Path

import pytest

from tests.stories.house import NUMBERS, Customer, Gateway

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-sdks" / "bin" / "python"
LIMIT_S = 120
"""Importing a library takes seconds on a busy machine, and each script makes a few clips."""


@pytest.fixture
def capped(house: Gateway) -> Customer:
    """A key with money, and a budget in which none of it may be spent."""
    customer = house.customer()
    subject = {"scope": "key", "subject": customer.id}
    limit = {"name": f"none {next(NUMBERS)}", "limit_usd": "0.0001", "window": "day"} | subject
    answer = house.admin.post("/v1/budgets", limit)
    assert answer.status_code == 201, answer.text
    return customer


def run(script: str, tmp_path: Path, *arguments: str) -> None:
    """Run one of tests/sdks_doors in the interpreter that has the libraries, and nothing of ours."""
    assert PYTHON.exists(), "the vendors' libraries are not installed: make install"
    command = [PYTHON, "-P", ROOT / "tests" / "sdks_doors" / script, *arguments]
    bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-6_000:]


def test_openais_own_client_takes_the_gateway_for_openai(house: Gateway, capped: Customer, tmp_path: Path) -> None:
    rich, poor = house.customer(), house.customer(usd=None)
    run("openai.py", tmp_path, house.url, rich.secret, poor.secret, capped.secret)
