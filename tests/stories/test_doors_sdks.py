"""OpenAI's own library at our door, and the page about doors: each runnable piece of it does what it says."""

import re
import subprocess
from pathlib import Path

from tests.stories.house import Gateway
from tests.stories.libraries import LIMIT_S, PYTHON, ROOT, capped, run_python


def test_openais_own_client_takes_the_gateway_for_openai(house: Gateway, tmp_path: Path) -> None:
    rich, poor = house.customer(), house.customer(usd=None)
    run_python("openai.py", tmp_path, house.url, rich.secret, poor.secret, capped(house).secret)


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
