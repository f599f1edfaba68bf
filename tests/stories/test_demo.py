"""`podium demo` as a newcomer runs it: a process of its own in an empty folder, over real HTTP, from first to last."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import av
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120
"""Twice what is promised, for a machine that runs other tests too."""

KEYS = {"FAL_KEY": "not-a-real-key", "OPENAI_API_KEY": "not-a-real-key", "PODIUM_SANDBOX": "off", "PODIUM_KEY": "pk_no"}
"""What must not reach the demo's gateway: with a key in sight it would try to spend money."""


def test_the_demo_makes_three_things_explains_each_and_leaves_balanced_books(tmp_path):
    """One run for all that is asked of it, for it takes its time."""
    (tmp_path / ".env").write_text("REPLICATE_API_TOKEN=not-a-real-key\n")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "demo", "--json"], cwd=tmp_path, capture_output=True, text=True,
        timeout=LIMIT_S, env=os.environ | KEYS | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    files_open(*(tmp_path / job["files"][0] for job in shown["jobs"]))
    all_is_paid_for(shown)
    each_is_explained(shown["jobs"], ended.stderr)
    nothing_runs_on(tmp_path)


def files_open(picture, clip, text):
    with Image.open(picture) as opened:
        opened.load()
        assert (opened.format, opened.size) == ("PNG", (1024, 768))
    with av.open(str(clip)) as opened:
        assert "mp4" in opened.format.name
        assert opened.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in opened.decode(video=0)) > 24
    assert len(text.read_text().split()) > 10


def all_is_paid_for(shown):
    assert [job["task"] for job in shown["jobs"]] == ["text-to-image", "text-to-video", "text"]
    for job in shown["jobs"]:
        assert job["status"] == "succeeded" and job["offer"].startswith("sandbox/") and job["decision"]
        assert Decimal(job["cost"]["cost_usd"]) == sum(Decimal(line["usd"]) for line in job["cost"]["lines"]) > 0
    assert shown["books"] == shown["books"] | {"ok": True, "open_holds": 0, "findings": []}


def each_is_explained(jobs, said):
    assert [said.count(f"{heading}\n") for heading in ("The decision", "The receipt", "The file")] == [3, 3, 3]
    assert all(job["offer"] in said and job["files"][0] in said for job in jobs)
    assert "cheaper (0.0005 USD against 0.002 USD)" in " ".join(said.split())
    assert "has no key here" in said


def nothing_runs_on(folder):
    """Neither the gateway nor its sandbox: both have the folder among their arguments or as their place."""
    running = [path for path in Path("/proc").glob("[0-9]*") if str(folder) in place_and_arguments(path)]
    assert running == []


def place_and_arguments(process):
    try:
        return f"{os.readlink(process / 'cwd')} {(process / 'cmdline').read_text()}"
    except OSError:  # it ended meanwhile
        return ""
