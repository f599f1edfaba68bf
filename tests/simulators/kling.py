"""Kling as its pages tell of it: a path for each kind of run, errors by code, a key or a signed token."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from tests.simulators import media
from tests.simulators.checks import Check, bare_base64, either, faults, flag, link, listed, shaped, text, whole, words
from tests.simulators.server import HTML, Answer, Ask, Run, Simulated, World

ACCESS, SECRET = "kling-access-0123456789", "kling-secret-0123456789"
API_KEY = "kling-api-key-0123456789"

PICTURE = either(link, bare_base64)
RATIO = words("16:9", "9:16", "1:1")
COMMON: dict[str, Check] = {
    "model_name": text(64), "prompt": text(2_500), "callback_url": link, "external_task_id": text(64),
    "watermark_info": shaped({"enabled": flag}),
}  # fmt: skip
CLIP: dict[str, Check] = COMMON | {
    "negative_prompt": text(2_500), "mode": words("std", "pro", "4k"), "sound": words("on", "off"),
    "duration": words(*map(str, range(3, 16))), "multi_shot": flag,
}  # fmt: skip
TYPED = shaped({"image_url": PICTURE, "type": words("first_frame", "end_frame")}, ("image_url",))
PATHS: dict[str, dict[str, Check]] = {
    "/v1/videos/text2video": CLIP | {"aspect_ratio": RATIO},
    "/v1/videos/image2video": CLIP | {"image": PICTURE, "image_tail": PICTURE},
    "/v1/videos/omni-video": CLIP | {"aspect_ratio": RATIO, "image_list": listed(TYPED, 1, 7)},
    "/v1/images/generations": COMMON
    | {
        "negative_prompt": text(2_500), "image": PICTURE, "n": whole(1, 9), "resolution": words("1k", "2k", "4k"),
        "aspect_ratio": words("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"),
    },
}  # fmt: skip
NEEDED = {"/v1/videos/image2video": ("model_name", "image")}
SHORT = frozenset({"kling-v2-5-turbo", "kling-v2-6"})
"""These take "5" and "10" only."""
SILENT = frozenset({"kling-v2-5-turbo", "kling-video-o1"})
MODELS = {
    "/v1/videos/text2video": {"kling-v2-5-turbo", "kling-v2-6", "kling-v3", "kling-3.0-turbo"},
    "/v1/videos/image2video": {"kling-v2-5-turbo", "kling-v2-6", "kling-v3", "kling-3.0-turbo"},
    "/v1/videos/omni-video": {"kling-video-o1", "kling-v3-omni"},
    "/v1/images/generations": {"kling-v3"},
}
SQUARES = {"1k": 1024, "2k": 2048, "4k": 4096}


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(ask, world)
    if refused := _unproven(ask):
        return refused
    path, _, id = ask.path.rpartition("/")
    if ask.method == "POST" and ask.path in PATHS:
        return _submitted(ask, world)
    if ask.method == "GET" and path in PATHS:
        run = world.find(id)
        if run.asked["path"] != path:
            return _error(404, 1203, "The requested resource does not exist")
        return _told(run, ask)
    return _error(404, 1202, "The requested method is invalid")


def _unproven(ask: Ask) -> Answer | None:
    """A key as it is, or a token under HS256 that is of now."""
    word = ask.headers.get("authorization", "")
    if not word:
        return _error(401, 1001, "Authorization is empty")
    token = word.removeprefix("Bearer ")
    if token == API_KEY:
        return None
    try:
        head, claims, signature = token.split(".")
        told, kind = json.loads(_unbased(claims)), json.loads(_unbased(head))
    except ValueError:
        return _error(401, 1002, "Authorization is invalid")
    wanted = hmac.new(SECRET.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    if kind.get("alg") != "HS256" or _unbased(signature) != wanted or told.get("iss") != ACCESS:
        return _error(401, 1002, "Authorization is invalid")
    if told["nbf"] > time.time():
        return _error(401, 1003, "Authorization is not yet valid")
    return _error(401, 1004, "Authorization has expired") if told["exp"] < time.time() else None


def _unbased(word: str) -> bytes:
    return base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))


def _error(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "request_id": "req-1"})


def _submitted(ask: Ask, world: World) -> Answer:
    body = ask.json
    wrong = faults(body, PATHS[ask.path], NEEDED.get(ask.path, ("model_name", "prompt")))
    model = body.get("model_name")
    if model not in MODELS[ask.path]:
        return _error(404, 1203, f"The model {model} does not exist")
    if model in SHORT and body.get("duration", "5") not in ("5", "10"):
        wrong.append("duration")
    if model in SILENT and "sound" in body:
        wrong.append("sound")
    if "image_tail" in body and body.get("sound") == "on":
        wrong.append("sound")
    if wrong:
        return _error(400, 1201, f"Invalid parameters: {', '.join(wrong)}")
    prompt = body.get("prompt", "")
    if "[nonsense]" in prompt:
        return Answer(200, HTML, {"content-type": "text/html"})
    if "[refuse]" in prompt:
        return _error(400, 1301, "Content contains sensitive information")
    run = world.begin(prompt, {"path": ask.path, "body": body})
    return _enveloped(_data(run, "submitted"))


def _told(run: Run, ask: Ask) -> Answer:
    if run.turns < 2 or run.wants("slow"):
        return _enveloped(_data(run, "processing"))
    if run.wants("fail"):
        return _enveloped(_data(run, "failed", task_status_msg="internal generation error"))
    if run.wants("risk"):
        return _enveloped(_data(run, "failed", task_status_msg="Failure to pass the risk control system"))
    return _enveloped(_data(run, "succeed", task_result=_result(run, ask.base), final_unit_deduction="3.5"))


def _result(run: Run, base: str) -> dict[str, Any]:
    body = run.asked["body"]
    if "/images/" in run.asked["path"]:
        urls = [f"{base}/files/{run.id}/{n}.png" for n in range(body.get("n", 1))]
        return {"images": [{"index": n, "url": url} for n, url in enumerate(urls)]}
    length = f"{body.get('duration', '5')}.1"
    return {"videos": [{"id": "v1", "url": f"{base}/files/{run.id}/v1.mp4", "duration": length}]}


def _data(run: Run, status: str, **more: Any) -> dict[str, Any]:
    told = {"task_id": run.id, "task_status": status, "task_info": {}, "created_at": 1_795_000_000_000}
    return told | {"updated_at": 1_795_000_001_000} | more


def _enveloped(data: dict[str, Any]) -> Answer:
    return Answer(200, {"code": 0, "message": "SUCCEED", "request_id": "req-1", "data": data})


def _file(ask: Ask, world: World) -> Answer:
    body = world.runs[ask.path.split("/")[2]].asked["body"]
    if ask.path.endswith(".mp4"):
        return Answer(200, media.clip(float(body.get("duration", "5")) + 0.1), {"content-type": "video/mp4"})
    side = SQUARES[body.get("resolution", "1k")]
    return Answer(200, media.picture(side, side), {"content-type": "image/png"})


SIMULATED = Simulated(
    dialect="kling",
    provider="kling",
    key=f"{ACCESS}:{SECRET}",
    job={"task": "text-to-video", "model": "kuaishou/kling-3.0", "duration_s": 5},
    respond=respond,
    turns=3,
    cost_usd="0.42",
    throttled=Answer(
        429, {"code": 1303, "message": "parallel task over resource pack limit", "request_id": "req-1"},
        {"retry-after": "1"},
    ),
    broken=Answer(500, {"code": 5000, "message": "Internal server error", "request_id": "req-1"}),
)  # fmt: skip
