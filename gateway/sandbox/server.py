"""fal's queue protocol over HTTP, spoken by the sandbox. Validates, remembers and answers; painting is elsewhere."""

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from gateway.sandbox.book import Book, Record, known_files, parsed, seed_of
from gateway.sandbox.inputs import ENDPOINTS, Behaviour, app_of, detail_of, model_error
from gateway.sandbox.kitchen import Kitchen, platform_refusal, told_refusal, words_result
from gateway.sandbox.mishaps import Dropped, endless, nonsense
from gateway.sandbox.words import tokens

BODY_BYTES = 64 * 2**20
"""The largest input: two pictures as data URIs, with room."""

OPEN_MAX = 1_000
"""Requests that may wait at once."""

PRUNE_EVERY_S = 600
STREAM_TICK_S = 0.1
STREAM_TICKS = 36_000
"""An hour of status stream: longer than any request takes that does not hang."""

WORD_PAUSE_S = 0.008
"""Between two words of a stream, so that it is one."""

FILE_NAME = re.compile(r"[0-9a-f-]{36}-\d\.(png|jpeg|webp|mp4)")
TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "mp4": "video/mp4"}


class House:
    """What the routes share: the book, the kitchen, the counters of mishaps, the clock and the maker of ids."""

    def __init__(self, data_dir: Path, now_s: Callable[[], float], new_request_id: Callable[[], str]) -> None:
        self.book = Book(data_dir)
        self.kitchen = Kitchen(self.book, now_s)
        self.now_s, self.new_request_id = now_s, new_request_id
        self.mishaps: Counter[tuple[str, str]] = Counter()

    def is_due(self, name: str, stage: str, times: int) -> bool:
        """Whether a mishap that happens `times` times has to happen once more."""
        self.mishaps[name, stage] += 1
        return self.mishaps[name, stage] <= times

    def mishap(self, record: Record, stage: str) -> Response | None:
        """What the request's behaviour puts in the place of the answer at this stage."""
        told = record.behaviour
        if told.drop == stage and self.is_due(record.request_id, stage, told.times):
            return Dropped()
        if told.nonsense == stage:
            return nonsense()
        return endless() if told.huge and stage == "result" else None


def create_app(data_dir: Path, now_s: Callable[[], float], new_request_id: Callable[[], str]) -> FastAPI:
    """The application; `now_s` gives seconds since 1970, `new_request_id` a fresh UUID as text."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.house = House(data_dir, now_s, new_request_id)
        app.state.house.kitchen.resume()
        pruning = asyncio.get_running_loop().create_task(_prune_forever(app.state.house))
        yield
        pruning.cancel()
        app.state.house.kitchen.close()

    app = FastAPI(title="Podium sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/sandbox/requests", list_requests, methods=["GET"])
    app.add_api_route("/files/{name}", send_file, methods=["GET", "HEAD"])
    asked_at = "/{owner}/{app}/requests/{request_id}"
    app.add_api_route(f"{asked_at}/status", status, methods=["GET"])
    app.add_api_route(f"{asked_at}/status/stream", stream_status, methods=["GET"])
    app.add_api_route(f"{asked_at}/cancel", cancel, methods=["PUT"])
    app.add_api_route(f"{asked_at}/response", result, methods=["GET"])
    app.add_api_route(asked_at, result, methods=["GET"])
    app.add_api_route("/sandbox/words/stream", stream_words, methods=["POST"])
    app.add_api_route("/{endpoint:path}", submit, methods=["POST"])
    app.add_api_route("/{rest:path}", nothing_here, methods=["GET", "HEAD", "PUT"])
    return app


async def _prune_forever(house: House) -> None:
    while True:
        house.book.prune(house.now_s())
        await asyncio.sleep(PRUNE_EVERY_S)


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


async def submit(request: Request) -> Response:
    """Accept an input; the same `Idempotency-Key` gets the same request, however often it comes."""
    endpoint = request.path_params["endpoint"].strip("/")
    if endpoint not in ENDPOINTS:
        return _platform(404, "not_found", f"Application '{endpoint}' not found")
    taken = await _take(request, endpoint)
    if isinstance(taken, Response):
        return taken
    house, record = _house(request), taken
    if record.submits == 1:
        house.kitchen.begin(record)
    links = _links(request, record)
    body: dict[str, Any] = {"status": "IN_QUEUE", "request_id": record.request_id, **links, "logs": None, "metrics": {}}
    body |= {"gateway_request_id": record.request_id, "queue_position": house.kitchen.queue_position(record)}
    return house.mishap(record, "submit") or _json(body, record)


async def _take(request: Request, endpoint: str) -> Record | Response:
    """The record of a submit, new or known; or the answer that turns it away."""
    house, key = _house(request), request.headers.get("idempotency-key")
    body = await _body(request)
    if body is None:
        return _platform(413, "bad_request", f"The body may not exceed {BODY_BYTES} bytes")
    try:
        document = json.loads(body)
    except ValueError:
        return JSONResponse(model_error("json_invalid", "The body is not valid JSON", "body"), 422)
    if not isinstance(document, dict):
        return JSONResponse(model_error("model_type", "The body is not an object", "body"), 422)
    try:
        told = Behaviour.model_validate(document.get("sandbox", {}))
    except ValidationError as error:
        return JSONResponse(detail_of(error), 422)
    if turned_away := _turned_away(house, told, key or f"{endpoint}|{document.get('prompt')}"):
        return turned_away
    if known := house.book.with_key(key):
        return house.book.save(known.model_copy(update={"submits": known.submits + 1}))
    if len(house.book.open_records()) >= OPEN_MAX:
        return _platform(429, "queue_full", f"{OPEN_MAX} requests are waiting", {"retry-after": "5"})
    return _new_record(house, endpoint, key, document.get("seed"), told, body)


def _new_record(house: House, endpoint: str, key: str | None, seed: Any, told: Behaviour, body: bytes) -> Record:
    request_id = house.new_request_id()
    chosen = seed if isinstance(seed, int) and seed >= 0 else seed_of(request_id)
    record = Record(request_id=request_id, endpoint=endpoint, key=key, seed=chosen, behaviour=told,
                    received_s=house.now_s())  # fmt: skip
    house.book.add(record, body)
    return record


async def _body(request: Request) -> bytes | None:
    """The body, or None as soon as it is larger than BODY_BYTES."""
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > BODY_BYTES:
            return None
    return bytes(taken)


def _turned_away(house: House, told: Behaviour, name: str) -> Response | None:
    if told.rate_limit and house.is_due(name, "rate_limit", told.rate_limit):
        return _platform(429, "rate_limited", "Too many requests", {"retry-after": "1"})
    match told.fail:
        case "500":
            return _platform(500, "internal_error", "Internal server error")
        case "503":
            return _platform(503, "runner_scheduling_failure", "No runner available")
        case "422":
            return JSONResponse(model_error("value_error", "The sandbox was told to find this invalid"), 422)
    return None


def _found(request: Request) -> Record | Response:
    """The record that a path names, if it belongs to the app in the path and was not told to vanish."""
    record = _house(request).book.records.get(request.path_params["request_id"])
    app = f"{request.path_params['owner']}/{request.path_params['app']}"
    if record is None or app_of(record.endpoint) != app or record.behaviour.vanish:
        return _platform(404, "not_found", "Request not found")
    return record


async def status(request: Request) -> Response:
    record = _found(request)
    if isinstance(record, Response):
        return record
    wants_logs = request.query_params.get("logs", "0").lower() in ("1", "true")
    body = _status_body(request, record, wants_logs)
    return _house(request).mishap(record, "status") or _json(body, record, 202 if record.is_open else 200)


def _status_body(request: Request, record: Record, wants_logs: bool) -> dict[str, Any]:
    """A status object; failure has no word of its own: COMPLETED carries `error` and `error_type`."""
    house, common = _house(request), {"request_id": record.request_id, **_links(request, record)}
    logs = _logs(record) if wants_logs else None
    match record.state:
        case "IN_QUEUE":
            return {"status": "IN_QUEUE", "queue_position": house.kitchen.queue_position(record), **common}
        case "IN_PROGRESS":
            return {"status": "IN_PROGRESS", "logs": logs, "progress": _progress(house, record), **common}
        case _:
            time_s = round((record.ended_s or 0) - (record.begun_s or record.ended_s or 0), 3)
            done = {"status": "COMPLETED", "logs": logs, "metrics": {"inference_time": time_s}, **common}
            failure = record.refusal
            return done | ({"error": failure.message, "error_type": failure.kind} if failure else {})


def _progress(house: House, record: Record) -> float:
    """What the render process says, or the part of a told delay that has passed; never 1 before the end."""
    if record.behaviour.hang:
        return 0.5
    delay_s = record.behaviour.delay_s
    waited = (house.now_s() - record.received_s) / delay_s if delay_s else 0.0
    share = 0.9 * min(1.0, waited) if delay_s else house.book.fraction(record)
    return round(min(0.99, share), 3)


def _logs(record: Record) -> list[dict[str, str]]:
    lines = [(record.begun_s, f"{record.endpoint}: begun with seed {record.seed}"), (record.ended_s, "done")]
    return [{"message": message, "level": "INFO", "source": "USER", "timestamp": _rfc3339(at_s)}
            for at_s, message in lines if at_s is not None]  # fmt: skip


def _rfc3339(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


async def stream_status(request: Request) -> Response:
    record = _found(request)
    if isinstance(record, Response):
        return record
    wants_logs = request.query_params.get("logs", "0").lower() in ("1", "true")
    return _events(_status_events(request, record.request_id, wants_logs))


async def _status_events(request: Request, request_id: str, wants_logs: bool) -> AsyncIterator[dict[str, Any]]:
    """Every change of the status, until it is COMPLETED."""
    last: dict[str, Any] = {}
    for _ in range(STREAM_TICKS):
        record = _house(request).book.records[request_id]
        if (body := _status_body(request, record, wants_logs)) != last:
            yield (last := body)
        if not record.is_open:
            return
        await asyncio.sleep(STREAM_TICK_S)


async def result(request: Request) -> Response:
    """The model's json with links, or the status and body of its error; 400 while it runs."""
    record = _found(request)
    if isinstance(record, Response):
        return record
    if record.is_open:
        return _platform(400, "bad_request", "Request is still in progress")
    if (failure := record.refusal) is not None:
        headers = {"x-fal-error-type": failure.kind, "x-fal-retryable": "true" if failure.status >= 500 else "false"}
        return _json(failure.body, record, failure.status, headers)
    base = str(request.base_url)
    entries = {
        entry["file_name"]: {"url": f"{base}files/{entry['file_name']}", **entry} for entry in known_files(record)
    }
    body = dict(record.result or {})
    if "images" in body:
        body["images"] = [entries[entry["file_name"]] for entry in body["images"]]
    if "video" in body:
        body["video"] = entries[body["video"]["file_name"]]
    return _house(request).mishap(record, "result") or _json(body, record, 200, {"x-fal-billable-units": record.units})


async def cancel(request: Request) -> Response:
    record = _found(request)
    if isinstance(record, Response):
        return JSONResponse({"status": "NOT_FOUND"}, 404)
    if not record.is_open:
        return _json({"status": "ALREADY_COMPLETED"}, record, 400)
    was_waiting = record.state == "IN_QUEUE"
    await _house(request).kitchen.cancel(record)
    return _json({"status": "OK"}, record) if was_waiting else _json({"status": "CANCELLATION_REQUESTED"}, record, 202)


async def stream_words(request: Request) -> Response:
    """fal's `/stream`: the text so far in each event (`delta` is what is new), the counts in the last."""
    house = _house(request)
    taken = await _take(request, "sandbox/words")
    if isinstance(taken, Response):
        return taken
    try:
        asked = parsed(house.book.input_path(taken).read_bytes(), "sandbox/words") if taken.is_open else None
    except ValidationError as error:
        return _closed(house, taken, JSONResponse(detail_of(error), 422))
    if told := told_refusal(taken):
        return _closed(house, taken, _json(told.body, taken, told.status))
    if asked is not None:
        body, units = words_result(asked, taken.seed)
        done = {
            "state": "COMPLETED",
            "begun_s": house.now_s(),
            "ended_s": house.now_s(),
            "result": body,
            "units": units,
        }
        taken = house.book.save(taken.model_copy(update=done))
    return house.mishap(taken, "submit") or _events(_word_events(taken), taken)


def _closed(house: House, record: Record, answer: Response) -> Response:
    refusal = platform_refusal(answer.status_code, "value_error", "Refused")
    done = {"state": "COMPLETED", "ended_s": house.now_s(), "refusal": refusal}
    house.book.save(record.model_copy(update=done))
    return answer


async def _word_events(record: Record) -> AsyncIterator[dict[str, Any]]:
    await asyncio.sleep(record.behaviour.delay_s)
    body, said = record.result or {}, ""
    for chunk in tokens(body.get("output", "")):
        said += chunk
        yield {"output": said, "delta": chunk, "partial": True}
        await asyncio.sleep(WORD_PAUSE_S)
    yield body | {"delta": ""}


def _events(documents: AsyncIterator[dict[str, Any]], record: Record | None = None) -> Response:
    async def lines() -> AsyncIterator[str]:
        async for document in documents:
            yield f"data: {json.dumps(document)}\n\n"

    headers = {"cache-control": "no-store"} | ({"x-fal-request-id": record.request_id} if record else {})
    return StreamingResponse(lines(), media_type="text/event-stream", headers=headers)


async def send_file(request: Request) -> Response:
    """A rendered file, streamed from the disk."""
    name = request.path_params["name"]
    path = _house(request).book.files_dir / name
    if not FILE_NAME.fullmatch(name) or not path.is_file():
        return _platform(404, "not_found", "File not found")
    return FileResponse(path, media_type=TYPES[path.suffix[1:]])


async def nothing_here(request: Request) -> Response:
    """Every other path: the submit's route takes any path, so without this one they would answer 405."""
    return _platform(404, "not_found", "Not found")


async def list_requests(request: Request) -> Response:
    """What the provider saw, for tests: every request, and how often it was submitted."""
    data = [{"request_id": record.request_id, "endpoint": record.endpoint, "submits": record.submits,
             "status": record.state} for record in _house(request).book.records.values()]  # fmt: skip
    return JSONResponse({"data": data})


def _links(request: Request, record: Record) -> dict[str, str]:
    """Built from the Host that the caller used, so that they are right on any port and behind any name."""
    here = f"{str(request.base_url).rstrip('/')}/{app_of(record.endpoint)}/requests/{record.request_id}"
    return {"response_url": here, "status_url": f"{here}/status", "cancel_url": f"{here}/cancel"}


def _json(body: dict[str, Any], record: Record, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(body, status, {"x-fal-request-id": record.request_id} | (headers or {}))


def _platform(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = platform_refusal(status, kind, message).body
    return JSONResponse(body, status, {"x-fal-error-type": kind} | (headers or {}))
