"""The vendors' own libraries against the simulated providers, so that dialect and simulator cannot share a mistake.

Each script in tests/sdks is run by an interpreter that has those libraries and nothing of ours. A literal line
`SIMULATORS = ("fal",)` in it names the modules of tests/simulators that it needs; they share one address.
"""

import ast
import importlib
import subprocess
from pathlib import Path

import pytest

from adapters.registry import DIALECTS
from tests.simulators.server import Server, Simulated

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-sdks" / "bin" / "python"
SCRIPTS = sorted((ROOT / "tests" / "sdks").glob("*.py"))
LIMIT_S = 60
"""Importing the largest of the libraries takes several seconds on a busy machine."""

UNJUDGED = {
    "a1111": "the web user interface has no library of its own",
    "bfl": "the vendor has no library for Python",
    "comfyui": "the server has no library of its own",
    "fal_stream": "as recorded of its library; the words as they come are an addition of our sandbox",
    "fireworks": "its library has the address of pictures built in",
    "huggingface": "its library has the addresses of other vendors built in",
    "ideogram": "the vendor has no library for Python",
    "invokeai": "the server has no library of its own",
    "kling": "the vendor has no library for Python",
    "minimax": "the vendor has no library for Python",
    "minimax_h3": "the vendor has no library for Python",
    "open_inference": "which tensors there are is each predictor's own",
    "openai_speech": "as vLLM-Omni's page has it: its own fields are in no library",
    "openai_videos": "as SGLang and vLLM-Omni have it, by a form: neither has a library of its own",
    "podium_worker": "our own worker: its own tests speak with it",
    "recraft": "the vendor has no library for Python",
    "runware": "its library speaks over a websocket only",
    "stability": "its library speaks gRPC, to an older service",
    "synthesia": "the vendor has no library for Python",
    "tenstorrent": "the server has no library of its own",
    "veo": "its library has given this path up for interactions (google-genai 3)",
    "xai_images": "its library speaks gRPC",
    "xai_video": "its library speaks gRPC",
}
"""Dialects that no library can be asked about, and why."""


def simulated_for(script: Path) -> list[Simulated]:
    [names] = [
        ast.literal_eval(statement.value)
        for statement in ast.parse(script.read_text("utf-8")).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SIMULATORS"
    ]
    found = [importlib.import_module(f"tests.simulators.{name}").SIMULATED for name in names]
    return [one for each in found for one in (each if isinstance(each, tuple) else (each,))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_vendors_library_takes_the_simulator_for_the_vendor(script: Path, tmp_path: Path) -> None:
    assert PYTHON.exists(), "the vendors' libraries are not installed: make install"
    with Server(*simulated_for(script)) as server:
        # -P: several scripts have the name of the library that they import.
        command = [PYTHON, "-P", script, server.url]
        bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
        done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-6_000:]


def test_every_dialect_is_judged_or_it_is_said_why_not() -> None:
    judged = {each.dialect for script in SCRIPTS for each in simulated_for(script)}
    assert DIALECTS.keys() - judged == UNJUDGED.keys()
