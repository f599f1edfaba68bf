"""`podium demo` as a newcomer runs it: a process of its own in an empty folder, over real HTTP, from first to last."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120
"""Twice what is promised, for a machine that runs other tests too."""

KEYS = {"FAL_KEY": "not-a-real-key", "OPENAI_API_KEY": "not-a-real-key", "PODIUM_SANDBOX": "off", "PODIUM_KEY": "pk_no"}
"""What must not reach the demo's gateway: with a key in sight it would try to spend money."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """One run for all that is asked of it."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / ".env").write_text("REPLICATE_API_TOKEN=not-a-real-key\n")
    ended = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "demo", "--json"], cwd=folder, capture_output=True, text=True,
        timeout=LIMIT_S, env=os.environ | KEYS | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder, json.loads(ended.stdout), ended.stderr


def test_it_makes_a_picture_a_clip_and_a_text_that_open(demo):
    folder, shown, _ = demo
    picture, clip, text = (folder / job["files"][0] for job in shown["jobs"])
    with Image.open(picture) as opened:
        opened.load()
        assert (opened.format, opened.size) == ("PNG", (1024, 768))
    with av.open(str(clip)) as opened:
        assert "mp4" in opened.format.name
        assert opened.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in opened.decode(video=0)) > 24
    assert len(text.read_text().split()) > 10


def test_every_job_went_through_auto_and_was_paid_for_to_the_last_nano_dollar(demo):
    _, shown, _ = demo
    assert [job["task"] for job in shown["jobs"]] == ["text-to-image", "text-to-video", "text"]
    for job in shown["jobs"]:
        assert job["status"] == "succeeded" and job["offer"].startswith("sandbox/") and job["decision"]
        assert float(job["cost"]["cost_usd"]) == pytest.approx(sum(float(line["usd"]) for line in job["cost"]["lines"]))


def test_its_books_balance_with_nothing_held(demo):
    _, shown, _ = demo
    assert shown["books"] == shown["books"] | {"ok": True, "open_holds": 0, "findings": []}


def test_it_explains_each_choice_and_shows_each_receipt(demo):
    _, shown, said = demo
    assert said.count("The decision") == said.count("The receipt") == said.count("The file") == 3
    for job in shown["jobs"]:
        assert job["offer"] in said and job["files"][0] in said
    assert "cheaper (0.0005 USD against 0.002 USD)" in said
    assert "has no key: set FAL_KEY" in said


def test_its_gateway_and_its_sandbox_are_gone(demo):
    folder, _, _ = demo
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)]
    assert not [command for command in commands if str(folder).encode() in command]


def _readable(path):
    try:
        return bool(path.read_bytes())
    except OSError:
        return False
