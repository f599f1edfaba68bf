"""A body that stops coming is ended, wherever bodies are read: over a real socket, with the limit made short."""

import asyncio
import contextlib
import json
from typing import NamedTuple

import pytest
import uvicorn

from gateway import api, migrations
from gateway.main import create_app
from gateway.settings import Settings
from tests.supplies import forget_environment

ADMIN = "pk_of_the_admin_of_these_tests_0123456789"
IDLE_S = 0.4
FORM = b'--cut\r\ncontent-disposition: form-data; name="%s"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n\x89PNG'


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    said: dict


@pytest.fixture
async def server(tmp_path, monkeypatch):
    """A gateway without a worker behind uvicorn, as it is run."""
    forget_environment(monkeypatch, tmp_path)
    monkeypatch.setattr(api, "IDLE_S", IDLE_S)
    url = f"sqlite+aiosqlite:///{tmp_path}/podium.db"
    await asyncio.to_thread(migrations.upgrade, url)
    settings = Settings(database_url=url, store_url=f"file://{tmp_path}/assets", admin_key=ADMIN, log_level="error")
    app = create_app(settings, with_worker=False)
    running = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="on"))
    serving = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    running.store = tmp_path / "assets"
    yield running
    running.should_exit = True
    await serving


@contextlib.asynccontextmanager
async def connected(server):
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


def head(method, path, length, kind="application/json", key=ADMIN, **headers):
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-type: {kind}"]
    lines += [f"authorization: Bearer {key}"] if key else []
    lines += ["transfer-encoding: chunked" if length is None else f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def answer_of(reader):
    async with asyncio.timeout(20):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        said = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(status.split()[1]), headers, json.loads(said or b"{}"))


async def stalled(server, start, beginning):
    """What is answered to a body of which only the beginning comes, once its connection is closed too."""
    async with connected(server) as (reader, writer):
        writer.write(start + beginning)
        answer = await answer_of(reader)
        async with asyncio.timeout(10):
            assert await reader.read() == b"", "the connection is closed"
    return answer


CUT = 'multipart/form-data; boundary="cut"'
ENTRANCES = {
    "a job": (head("POST", "/v1/jobs", 500), b'{"task": '),
    "a route": (head("POST", "/v1/route", 500), b'{"task": '),
    "a body that FastAPI reads": (head("POST", "/v1/keys", 500), b'{"name": '),
    "a body that has not begun": (head("POST", "/v1/keys", 500), b""),
    "a body of unknown length": (head("POST", "/v1/jobs", None), b"9\r\n" + b'{"task": ' + b"\r\n"),
    "an upload": (head("POST", "/v1/assets", 5_000, "image/png"), b"\x89PNG"),
    "an upload in a form": (head("POST", "/v1/assets", 5_000, CUT), FORM % b"file"),
    "a picture at the OpenAI door": (head("POST", "/openai/v1/images/generations", 500), b'{"model": '),
    "a form at the OpenAI door": (head("POST", "/openai/v1/images/edits", 5_000, CUT), FORM % b"image"),
    "a request at the fal door": (head("POST", "/fal/podium/auto", 500), b'{"prompt": '),
    "a file at the fal door": (head("POST", "/fal/files/upload", 5_000, "image/png"), b"\x89PNG"),
    "a prediction": (head("POST", "/replicate/v1/models/podium/auto/predictions", 500), b'{"input": '),
    "a file at the Replicate door": (head("POST", "/replicate/v1/files", 5_000, CUT), FORM % b"content"),
}


def files_of(server):
    return [path for path in server.store.rglob("*") if path.is_file()]


@pytest.mark.anyio
async def test_a_body_that_stops_coming_is_ended_at_every_entrance_and_leaves_nothing(server):
    answers = await asyncio.gather(*[stalled(server, *entrance) for entrance in ENTRANCES.values()])
    for name, answer in zip(ENTRANCES, answers, strict=True):
        assert (answer.status, answer.headers["connection"]) == (408, "close"), (name, answer)
    said = {name: answer.said for name, answer in zip(ENTRANCES, answers, strict=True)}
    for name in list(ENTRANCES)[:7]:
        assert (said[name]["code"], said[name]["status"]) == ("too_slow", 408), (name, said[name])
    assert said["a picture at the OpenAI door"]["error"]["code"] == "too_slow"
    assert said["a request at the fal door"]["error_type"] == "too_slow"
    assert said["a prediction"]["podium"]["code"] == "too_slow" and said["a prediction"]["status"] == 408
    assert files_of(server) == []


@pytest.mark.anyio
async def test_a_promised_upload_that_stops_coming_is_not_there(server):
    async with connected(server) as (reader, writer):
        body = b'{"content_type": "image/png", "file_name": "a.png"}'
        writer.write(head("POST", "/fal/storage/upload/initiate", len(body)) + body)
        promised = (await answer_of(reader)).said
        path = "/fal/" + promised["upload_url"].partition("/fal/")[2]
        answer = await stalled(server, head("PUT", path, 9_000_000, "image/png", key=None), b"\x89PNG" * 800_000)
        assert answer.status == 408 and files_of(server) == []
        file = "/v1/" + promised["file_url"].partition("/v1/")[2]
        writer.write(head("GET", file, 0))
        assert (await answer_of(reader)).status == 404


@pytest.mark.anyio
async def test_a_slow_body_that_keeps_coming_is_taken(server):
    body = b'{"name": "slow"}'
    async with connected(server) as (reader, writer):
        writer.write(head("POST", "/v1/keys", len(body)))
        for place in range(0, len(body), 4):
            await asyncio.sleep(IDLE_S / 2)
            writer.write(body[place : place + 4])
        answer = await answer_of(reader)
        assert answer.status in (200, 201) and answer.said["name"] == "slow"
        await asyncio.sleep(IDLE_S * 2)
        writer.write(head("GET", "/v1/keys", 0))
        assert (await answer_of(reader)).status == 200, "between requests nobody is hurried"


@pytest.mark.anyio
async def test_an_answer_may_take_longer_than_a_body(server):
    body = json.dumps({"task": "text-to-image", "prompt": "a fox", "model": "podium/sandbox-pictures"}).encode()
    async with connected(server) as (reader, writer):
        made = b'{"name": "rich"}'
        writer.write(head("POST", "/v1/keys", len(made)) + made)
        key = (await answer_of(reader)).said
        fund = json.dumps({"key": key["id"], "usd": "1"}).encode()
        writer.write(head("POST", "/v1/ledger/fund", len(fund), **{"idempotency-key": "more"}) + fund)
        assert (await answer_of(reader)).status == 200
        writer.write(head("POST", "/v1/jobs", len(body), key=key["secret"], prefer="wait=1") + body)
        answer = await answer_of(reader)
        assert (answer.status, answer.said["status"]) == (202, "queued"), answer


@pytest.mark.anyio
async def test_requests_without_a_body_are_passed_on_as_they_are():
    async def receive():
        raise AssertionError("nobody asked")

    assert all(api._patient(method, receive) is receive for method in ("GET", "HEAD", "OPTIONS"))
    assert api._patient("POST", receive) is not receive
