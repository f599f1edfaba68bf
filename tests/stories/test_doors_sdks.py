"""OpenAI's own library at our door, and the page about doors: each runnable piece of it does what it says."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import migrations
from tests.stories.house import Gateway
from tests.stories.libraries import LIMIT_S, PYTHON, ROOT, capped, run_python, slow


def test_openais_own_client_takes_the_gateway_for_openai(house: Gateway, tmp_path: Path) -> None:
    judged_by("openai.py", house, tmp_path)


def judged_by(script: str, house: Gateway, folder: Path) -> None:
    """One of the vendors' Python clients, with a key of each kind that it is written for."""
    keys = [house.customer(), house.customer(usd=None), capped(house)]
    keys += [slow(house)] if script == "openai.py" else []
    run_python(script, folder, house.url, *[key.secret for key in keys])


@pytest.fixture(scope="module")
def postgres_house(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], postgres_server: Any
) -> Iterator[Gateway]:
    postgres_server.psql("CREATE DATABASE doors")
    url = postgres_server.get_uri("doors", driver="asyncpg")
    migrations.upgrade(url)
    gateway = new_gateway(url).start()
    yield gateway
    close_gateway(gateway)
    postgres_server.psql("DROP DATABASE doors WITH (FORCE)")


@pytest.mark.parametrize("script", ["openai.py", "fal.py", "replicate.py"])
def test_every_vendors_client_is_satisfied_on_postgres_too(
    postgres_house: Gateway, tmp_path: Path, script: str
) -> None:
    judged_by(script, postgres_house, tmp_path)


def test_the_pages_example_for_openais_client_runs(house: Gateway, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "doors.md").read_text("utf-8").partition("\n## OpenAI\n")[2]
    found = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert found is not None
    at = {"OPENAI_BASE_URL": f"{house.url}/openai/v1", "OPENAI_API_KEY": house.customer().secret}
    bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NO_PROXY": "*"} | at
    done = subprocess.run(
        [PYTHON, "-c", found[1]], cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stderr[-6_000:]
    assert (tmp_path / "fox.png").read_bytes()[:4] == b"\x89PNG" and b"ftyp" in (tmp_path / "fox.mp4").read_bytes()[:16]
    assert len(done.stdout.split()) > 3


def test_the_page_has_no_code_but_what_is_run() -> None:
    """Here, in the stories of fal's door and Replicate's, and in those of their webhooks; the JSON shows a body."""
    page = (ROOT / "docs" / "doors.md").read_text("utf-8")
    assert re.findall(r"^```(\w+)$", page, re.MULTILINE) == [
        "python", "python", "javascript", "json", "python", "python",
    ]  # fmt: skip
