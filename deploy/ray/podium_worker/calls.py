"""What a call must be before anybody is asked: its token, its body, its key. And how a refusal is answered."""

import hmac
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from podium_worker.settings import ModelSettings
from podium_worker.wire import BODY_BYTES_MOST, Code, Problem, RunBody

KEY_CHARS = 200
RETRY_AFTER_S = 5
"""How soon it is worth to ask again where too many wait."""

STATUS_OF: dict[Code, int] = {
    "unauthorized": 401, "model_missing": 404, "lora_missing": 404, "run_missing": 404, "output_missing": 404,
    "conflict": 409, "too_large": 413, "invalid_request": 422, "queue_full": 429,
}  # fmt: skip
"""Codes that are answers to a call; the others are only ever a run's own."""


class Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def refused(code: Code, message: str) -> Refused:
    return Refused(Problem(code=code, message=message))


async def answer_refusal(request: Request, error: Refused) -> Response:
    problem = error.problem
    headers = {"retry-after": str(RETRY_AFTER_S)} if problem.code == "queue_full" else None
    return JSONResponse({"error": problem.model_dump()}, STATUS_OF[problem.code], headers)


def check_token(request: Request, secret: str | None) -> None:
    shown = request.headers.get("authorization", "")
    if secret and not hmac.compare_digest(shown.encode(), f"Bearer {secret}".encode()):
        raise refused("unauthorized", "this worker wants its bearer token")


def key_of(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= KEY_CHARS:
        raise refused("invalid_request", f"an idempotency key has 1 to {KEY_CHARS} characters")
    return key


async def body_of(request: Request) -> RunBody:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > BODY_BYTES_MOST:
            raise refused("too_large", f"a body has {BODY_BYTES_MOST // 2**20} MiB at most")
    try:
        return RunBody.model_validate_json(bytes(held))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise refused("invalid_request", f"{place}: {first['msg']}") from error


def listed(model: ModelSettings, held: list[tuple[str, ...]]) -> dict[str, Any]:
    loaded = {id for each in held for id in each}
    return {
        "name": model.name, "tasks": list(model.tasks), "loaded": bool(held), "defaults": model.defaults.model_dump(),
        "loras": [{"id": lora.id, "loaded": lora.id in loaded} for lora in model.loras],
    }  # fmt: skip
