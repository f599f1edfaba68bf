"""The providers that stories fall back between: cards as an operator would lay them over the catalog."""

import socket
from pathlib import Path
from typing import Any

import yaml

MODELS = {
    "story/picture": "text-to-image", "story/words": "text", "story/gift": "text-to-image",
    "story/clip": "text-to-video",
}  # fmt: skip
CHEAP, DEAR, DEAREST = "0.01", "0.02", "0.50"
BRIEF_S, HASTY_S = 2.5, 8.0
"""How long two providers have: long enough to be looked at in between, and to be killed and started again."""

_REFUSING: list[socket.socket] = []
"""A port that is taken and refuses: bound, never listening."""


def refusing_port() -> int:
    if not _REFUSING:
        _REFUSING.append(socket.socket())
        _REFUSING[0].bind(("127.0.0.1", 0))
    port: int = _REFUSING[0].getsockname()[1]
    return port


def priced(usd: str, unit: str = "output_image", **when: str) -> list[dict[str, Any]]:
    rates = [{"unit": unit, "usd": usd, "when": when}]
    return [{"since": "2026-01-01", "checked": "2026-01-01", "source": "the story's own", "rates": rates}]


def offer(model: str, prices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    quality = {"enum": ["low", "high"], "default": "low"}
    accepts = {"count": {"range": [1, 4], "step": 1}, "seed": {}, "quality": quality}
    return {
        "model": model, "wire_id": model, "tasks": [MODELS[model]], "accepts": accepts, "prices": prices,
    } | more  # fmt: skip


def card(name: str, base_url: str, usd: str = CHEAP, dialect: str = "openai_images", **more: Any) -> dict[str, Any]:
    """A provider of the one picture that all have."""
    offers = [offer("story/picture", priced(usd))]
    return {"name": name, "title": name, "dialect": dialect, "base_url": base_url, "offers": offers} | more


def tokens(input_usd: str, output_usd: str) -> list[dict[str, Any]]:
    [price] = priced(input_usd, "input_token")
    return [price | {"rates": [*price["rates"], {"unit": "output_token", "usd": output_usd}]}]


def all_cards(base: str) -> list[dict[str, Any]]:
    chat = {"max_tokens": {"range": [1, 1000], "step": 1, "default": 100}}
    words = offer("story/words", tokens("0.00001", "0.0001"), accepts=chat)
    lengths = {"duration_s": {"enum": [4, 8], "default": 4}}
    clip = offer("story/clip", priced("0.10", "output_video_second"), accepts=lengths)
    gift, tiered = offer("story/gift", []), offer("story/picture", priced("0.01", quality="low"))
    return [
        card("north", f"{base}/north"),
        card("south", f"{base}/south", DEAR),
        card("east", f"{base}/east", DEAREST),
        card("gone", f"http://127.0.0.1:{refusing_port()}"),
        card("brief", f"{base}/brief", timeout_s=0.5, deadline_s=BRIEF_S),
        card("queue", f"{base}/queue", dialect="fal"),
        card("hasty", f"{base}/hasty", dialect="fal", deadline_s=HASTY_S),
        card("weary", f"{base}/weary", dialect="fal", deadline_s=1.5),
        card("keyed", f"{base}/keyed", dialect="fal", idempotency_header="idempotency-key"),
        card("generous", f"{base}/generous", offers=[gift]),
        card("tiered", f"{base}/tiered", offers=[tiered]),
        card("reel", f"{base}/reel", dialect="fal", offers=[clip]),
        card("talker", f"{base}/talker", dialect="openai_chat", offers=[words]),
    ]  # fmt: skip


def write_cards(folder: Path, base: str) -> Path:
    models = [{"id": id, "name": id, "maker": "story", "tasks": [task]} for id, task in MODELS.items()]
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    for each in all_cards(base):
        (folder / f"{each['name']}.yaml").write_text(yaml.safe_dump(each))
    return folder


def asked(*providers: str, **routing: Any) -> dict[str, Any]:
    """A body that is to be tried at these providers, in this order."""
    wishes = {"only": list(providers), "order": list(providers)} | routing
    return {"task": "text-to-image", "prompt": "a lighthouse at dusk", "routing": wishes}
