"""A catalog as large as one wishes: made-up models, each with an offer of a made-up provider that nobody can reach."""

import json
from pathlib import Path

from adapters.registry import load_catalog

PROVIDER = "made-up"
TASKS = ("text-to-image", "text")
SINCE = "2026-01-01"
UNITS = {"text-to-image": "output_image", "text": "output_token"}


def write_models(folder: Path, count: int) -> Path:
    """A folder for PODIUM_CATALOG_DIR with which the catalog has so many models. Its files are JSON, which is YAML."""
    missing = max(1, count - len(load_catalog().models))
    names = [f"{PROVIDER}/model-{number:04}" for number in range(missing)]
    models = [
        {"id": name, "name": f"Made up {number}", "maker": "Nobody", "tasks": [_task(number)]}
        for number, name in enumerate(names)
    ]
    (folder / "models").mkdir(parents=True)
    (folder / "providers").mkdir()
    (folder / "models" / f"{PROVIDER}.yaml").write_text(json.dumps({"models": models}))
    card = {
        "name": PROVIDER, "title": "Made up", "dialect": "openai_images", "base_url": "http://127.0.0.1:9/v1",
        "offers": [_offer(number, name) for number, name in enumerate(names)],
    }  # fmt: skip
    (folder / "providers" / f"{PROVIDER}.yaml").write_text(json.dumps(card))
    return folder


def _task(number: int) -> str:
    return TASKS[number % len(TASKS)]


def _offer(number: int, name: str) -> dict[str, object]:
    task = _task(number)
    rate = {"unit": UNITS[task], "usd": f"0.00{number % 90 + 10}"}
    size = {"range": [64, 4096], "step": 1, "default": 1024}
    is_text = task == "text"
    accepts = {"max_tokens": {"range": [1, 8192], "default": 512}} if is_text else {"width": size, "height": size}
    price = {"since": SINCE, "checked": SINCE, "source": "made up", "rates": [rate]}
    dialect = "openai_chat" if is_text else "openai_images"
    return {"model": name, "wire_id": name, "tasks": [task], "dialect": dialect, "accepts": accepts, "prices": [price]}
