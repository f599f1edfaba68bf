"""MiniMax as its pages tell of it, first version: three calls to a clip, all else at once, errors inside a 200."""

from typing import Any
from urllib.parse import parse_qs

from tests.simulators import media
from tests.simulators.checks import (
    Check,
    data_uri,
    either,
    faults,
    flag,
    link,
    listed,
    number,
    shaped,
    text,
    whole,
    words,
)
from tests.simulators.server import HTML, Answer, Ask, Simulated, World

KEY = "minimax-key-0123456789"

PICTURE = either(link, data_uri)
CLIP: dict[str, Check] = {
    "model": words("MiniMax-Hailuo-2.3", "MiniMax-Hailuo-2.3-Fast", "MiniMax-Hailuo-02"), "prompt": text(2_000),
    "first_frame_image": PICTURE, "last_frame_image": PICTURE, "duration": words(6, 10), "callback_url": link,
    "resolution": words("512P", "720P", "768P", "1080P"), "prompt_optimizer": flag, "fast_pretreatment": flag,
    "aigc_watermark": flag,
}  # fmt: skip
FACE = shaped({"type": words("character"), "image_file": PICTURE}, ("type", "image_file"))
SIDE = whole(512, 2048, 8)
IMAGE: dict[str, Check] = {
    "model": words("image-01", "image-01-live"), "prompt": text(1_500), "width": SIDE, "height": SIDE,
    "aspect_ratio": words("1:1", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "21:9"), "n": whole(1, 9),
    "response_format": words("url", "base64"), "seed": whole(0, 2**63 - 1), "prompt_optimizer": flag,
    "subject_reference": listed(FACE, 1, 1),
}  # fmt: skip
SPOKEN = words("mp3", "wav", "flac", "pcm")
SPEECH: dict[str, Check] = {
    "model": words("speech-2.6-hd", "speech-2.6-turbo", "speech-02-hd", "speech-02-turbo"), "text": text(10_000),
    "stream": flag, "output_format": words("url", "hex"), "audio_setting": shaped({"format": SPOKEN}),
    "voice_setting": shaped(
        {"voice_id": text(256), "speed": number(0.5, 2), "vol": number(0, 10), "pitch": whole(-12, 12)}, ("voice_id",)
    ),
}  # fmt: skip


def respond(ask: Ask, world: World) -> Answer:
    if ask.path.startswith("/files/"):
        return _file(ask, world)
    taken = (ask.method, ask.path)
    known = {
        ("POST", "/v1/video_generation"): _clip, ("POST", "/v1/image_generation"): _pictures,
        ("POST", "/v1/t2a_v2"): _speech, ("GET", "/v1/query/video_generation"): _query,
        ("GET", "/v1/files/retrieve"): _retrieve,
    }  # fmt: skip
    if taken not in known:
        return Answer(404, b"404 page not found", {"content-type": "text/plain"})
    if ask.headers.get("authorization") != f"Bearer {KEY}":
        return _based(1004, "login fail: Please carry the API secret key in the 'Authorization' field")
    return known[taken](ask, world)


def _based(code: int = 0, message: str = "success", **more: Any) -> Answer:
    return Answer(200, more | {"base_resp": {"status_code": code, "status_msg": message}})


def _ill(ask: Ask, fields: dict[str, Check], needed: tuple[str, ...]) -> Answer | None:
    """Why a submit is not taken."""
    body = ask.json
    if wrong := faults(body, fields, needed):
        return _based(2013, f"invalid params, {', '.join(wrong)}")
    said = body.get("prompt", body.get("text", ""))
    if "[nonsense]" in said:
        return Answer(200, HTML, {"content-type": "text/html"})
    return _based(1026, "input new_sensitive") if "[refuse]" in said else None


def _clip(ask: Ask, world: World) -> Answer:
    body = ask.json
    needed = ("model",) if "first_frame_image" in body else ("model", "prompt")
    if refused := _ill(ask, CLIP, needed):
        return refused
    is_long = body.get("duration", 6) == 10 and body.get("resolution") == "1080P"
    has_end = "last_frame_image" in body and body["model"] != "MiniMax-Hailuo-02"
    if is_long or has_end:
        return _based(2013, "invalid params, this model does not support it")
    return _based(task_id=world.begin(body.get("prompt", ""), body).id)


def _query(ask: Ask, world: World) -> Answer:
    run = world.find(parse_qs(ask.query)["task_id"][0])
    if run.turns < 2 or run.wants("slow"):
        return _based(task_id=run.id, status="Processing", file_id="")
    if run.wants("fail"):
        return _based(1000, "unknown error", task_id=run.id, status="Fail", file_id="")
    return _based(task_id=run.id, status="Success", file_id=f"f{run.id}", video_width=1366, video_height=768)


def _retrieve(ask: Ask, world: World) -> Answer:
    run = world.find(parse_qs(ask.query)["file_id"][0].removeprefix("f"))
    url = f"{ask.base}/files/{run.id}.mp4"
    return _based(file={"file_id": f"f{run.id}", "bytes": 0, "purpose": "video_generation", "download_url": url})


def _pictures(ask: Ask, world: World) -> Answer:
    body = ask.json
    if refused := _ill(ask, IMAGE, ("model", "prompt")):
        return refused
    if ("width" in body) != ("height" in body) or ("width" in body and "aspect_ratio" in body):
        return _based(2013, "invalid params, width and height")
    run = world.begin(body["prompt"], body)
    urls = [f"{ask.base}/files/{run.id}.jpeg?n={n}" for n in range(body.get("n", 1))]
    counts = {"success_count": str(len(urls)), "failed_count": "0"}
    return _based(id=run.id, data={"image_urls": urls}, metadata=counts)


def _speech(ask: Ask, world: World) -> Answer:
    body = ask.json
    if refused := _ill(ask, SPEECH, ("model", "text", "voice_setting")):
        return refused
    kind = body.get("audio_setting", {}).get("format", "mp3")
    run = world.begin(body["text"], body)
    told = {"audio_length": 1000, "audio_format": kind, "usage_characters": len(body["text"])}
    return _based(data={"audio": f"{ask.base}/files/{run.id}.mp3", "status": 2}, extra_info=told, trace_id="t1")


def _file(ask: Ask, world: World) -> Answer:
    id, _, ending = ask.path.removeprefix("/files/").partition(".")
    asked = world.runs[id].asked
    if ending == "mp4":
        return Answer(200, media.clip(asked.get("duration", 6)), {"content-type": "video/mp4"})
    if ending == "mp3":
        return Answer(200, media.sound(), {"content-type": "audio/mpeg"})
    picture = media.picture(asked.get("width", 1024), asked.get("height", 1024), kind="JPEG")
    return Answer(200, picture, {"content-type": "image/jpeg"})


SIMULATED = Simulated(
    dialect="minimax",
    provider="minimax",
    key=KEY,
    job={"task": "text-to-video", "model": "minimax/hailuo-2.3", "duration_s": 6},
    respond=respond,
    turns=4,
    cost_usd="0.28",
    throttled=_based(1002, "rate limit exceeded"),
    broken=_based(1013, "unknown error, internal"),
)
