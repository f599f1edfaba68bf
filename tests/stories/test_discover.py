"""An engine is found, its proposed card is written, priced, addressed and used; nothing happens before that."""

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.simulators import comfyui
from tests.simulators.server import Server
from tests.stories.house import Gateway, child_environment, eventually

MODEL = "stability-ai/sdxl-1.0"
BODY = {"task": "text-to-image", "model": MODEL, "prompt": "a red fox", "width": 512, "height": 512, "steps": 8}
HOUR_USD, RUN_USD = "3.60", "0.0025"


def podium(folder: Path, *words: str) -> Any:
    """The command as an operator gives it, in a folder of its own."""
    command = [sys.executable, "-c", "from gateway.cli import app; app()", *words, "--json"]
    environment = child_environment()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_engine_is_found_written_down_priced_and_used(
    tmp_path: Path, new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None]
) -> None:
    with Server(*comfyui.SIMULATED) as engine:
        host, cards = engine.url.removeprefix("http://"), tmp_path / "cards"
        found = podium(tmp_path, "discover", "--host", host, "--write", str(cards))
        [first], [file] = found["data"], found["files"]
        assert (first["engine"], first["version"], first["enabled_as"]) == ("comfyui", "0.3.64", None)
        assert [each["name"] for each in first["loras"]] == ["lora_a.safetensors", "lora_b.safetensors"]
        assert file["written"] and (cards / "comfyui.yaml").read_text() == first["card"]
        assert not podium(tmp_path, "discover", "--host", host, "--write", str(cards))["files"][0]["written"]
        assert not engine.world.runs

        address, usd_per_hour = first["variables"]
        asked = {"PODIUM_CATALOG_DIR": str(cards), "PODIUM_DISCOVER": host, "PODIUM_SANDBOX": "off"}
        gateway = new_gateway(**asked).start()
        try:
            customer = gateway.customer()
            assert customer.post("/v1/jobs", BODY).status_code in (402, 422, 503), "found is not enabled"
            listed = eventually(lambda: gateway.admin.get("/v1/engines").json()["data"], "the tick has looked")
            assert [(each["engine"], each["enabled_as"]) for each in listed] == [("comfyui", None)]
            assert customer.get("/v1/engines").status_code == 403
        finally:
            close_gateway(gateway)

        gateway = new_gateway(**asked, **{address: engine.url, usd_per_hour: HOUR_USD}).start()
        try:
            job = gateway.customer().done(BODY)
            assert job["offer"] == f"comfyui/{MODEL}" and Decimal(job["cost"]["cost_usd"]) == Decimal(RUN_USD)
            listed = eventually(lambda: gateway.admin.get("/v1/engines").json()["data"], "the tick has looked")
            assert [each["enabled_as"] for each in listed] == ["comfyui"]
        finally:
            close_gateway(gateway)
