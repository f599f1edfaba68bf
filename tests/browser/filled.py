"""A gateway's database with a past, filled once and copied for each run: filling takes half a minute, copying none."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NamedTuple

from tests.stories.house import ROOT, child_environment

JOBS = 20_000
WITHIN_S = 240
MADE_OF = ("alembic/versions", "benchmarks/seed")
"""What a filled database depends on: when a file of these changes, it is filled anew."""


class Filled(NamedTuple):
    """A folder with the database and its store, and what the seeding told, with keys."""

    folder: Path
    told: dict[str, Any]

    def copy(self, folder: Path) -> dict[str, str]:
        """A copy to run a gateway on: the settings that name it."""
        shutil.copy(self.folder / "podium.db", folder / "filled.db")
        shutil.copytree(self.folder / "assets", folder / "filled-assets")
        database = f"sqlite+aiosqlite:///{folder}/filled.db"
        return {"PODIUM_DATABASE_URL": database, "PODIUM_STORE_URL": f"file://{folder}/filled-assets"}


def fill(jobs: int = JOBS) -> Filled:
    """Today's, from the cache or made now. Several runs may make it at once: the first that is ready is kept."""
    folder = Path(gettempdir()) / f"podium-filled-{os.getuid()}" / f"{_fingerprint()}-{jobs}"
    if not (folder / "told.json").exists():
        _make(folder, jobs)
    return Filled(folder, json.loads((folder / "told.json").read_text()))


def _make(folder: Path, jobs: int) -> None:
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir(parents=True, mode=0o700)
    environment = child_environment(
        PODIUM_DATABASE_URL=f"sqlite+aiosqlite:///{making}/podium.db", PODIUM_STORE_URL=f"file://{making}/assets"
    )
    command = [sys.executable, "-m", "benchmarks.seed", "--jobs", str(jobs), "--json"]
    done = subprocess.run(
        command, cwd=making, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    (making / "told.json").write_text(done.stdout)
    try:
        making.rename(folder)
    except OSError:  # another run was quicker
        shutil.rmtree(making)
    for old in folder.parent.iterdir():
        if old.name.partition(".")[0] == old.name and old != folder and old.suffix == "":
            shutil.rmtree(old, ignore_errors=True)


def _fingerprint() -> str:
    hashed = hashlib.sha256(f"{datetime.now(UTC):%Y-%m-%d}".encode())
    for top in MADE_OF:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".py", ".yaml", ".json"):
                hashed.update(f"{path.relative_to(ROOT)}{path.stat().st_mtime_ns}".encode())
    return hashed.hexdigest()[:16]
