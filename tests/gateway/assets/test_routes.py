import io
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from gateway import clock, problems
from gateway.assets import routes as module, uploads
from gateway.assets.rules import signed_path
from gateway.keys.rules import Caller, Role

pytestmark = pytest.mark.anyio

CALLERS = {
    "one": Caller("key_1", "one", Role.CALLER),
    "two": Caller("key_2", "two", Role.CALLER),
    "admin": Caller("key_0", "admin", Role.ADMIN),
}


@pytest.fixture
async def client(assets):
    """The routes under a tiny app: the header `x-caller` says who calls."""
    app = FastAPI()
    app.include_router(module.routes(assets))
    app.add_exception_handler(problems.Problem, problems.on_problem)

    async def door(scope, receive, send):
        if scope["type"] == "http":
            scope["podium.caller"] = CALLERS.get(dict(scope["headers"]).get(b"x-caller", b"").decode())
        await app(scope, receive, send)

    headers = {"x-caller": "one"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://gateway", headers=headers) as it:
        yield it


NOBODY = {"x-caller": "nobody"}


async def uploaded(client, data, mime="application/octet-stream", **headers):
    answer = await client.post("/v1/assets", content=data, headers={"content-type": mime} | headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_raw_upload_is_answered_with_its_facts(client, make):
    data = make.clip(sound=True)
    answer = await client.post("/v1/assets", content=data, headers={"content-type": "video/mp4"})
    asset = answer.json()
    assert answer.status_code == 201 and answer.headers["location"] == f"/v1/assets/{asset['id']}"
    expected = {"mime": "video/mp4", "width": 160, "height": 96, "frames": 36, "fps": 24.0, "size_bytes": len(data)}
    assert expected.items() <= asset.items()
    assert asset["asset"] == asset["id"] and asset["source"] == "upload" and asset["text"] is None
    assert (await client.get(f"/v1/assets/{asset['id']}")).json()["sha256"] == asset["sha256"]


async def test_an_upload_may_have_an_end_after_which_it_is_not_found(client, assets, make, monkeypatch):
    answer = await client.post("/v1/assets?expires_in_s=60", content=make.picture())
    asset, now = answer.json(), clock.now()
    assert answer.status_code == 201 and asset["expires_at"] is not None
    at = f"/v1/assets/{asset['id']}"
    assert (await client.get(at)).status_code == 200 and len((await client.get("/v1/assets")).json()["data"]) == 1
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=61))
    assert [(await client.get(path)).status_code for path in (at, f"{at}/content")] == [404, 404]
    assert (await client.get("/v1/assets")).json()["data"] == []
    assert (await assets.open(asset["id"])).mime == asset["mime"], "a job that has it keeps it"
    for wrong in ("59", "31536001", "soon"):
        refused = await client.post(f"/v1/assets?expires_in_s={wrong}", content=make.picture())
        assert refused.status_code == 422


async def test_a_form_upload_is_the_field_file_whatever_else_is_in_the_form(client, make):
    data = make.picture(size=(300, 200))
    form = {"purpose": "vision"}
    answer = await client.post("/v1/assets", data=form, files={"file": ("a.png", io.BytesIO(data), "image/png")})
    assert answer.status_code == 201 and answer.json()["size_bytes"] == len(data)


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_a_form_may_come_in_pieces_of_any_size(client, make, size):
    data = make.picture()
    form = httpx.Request("POST", "http://x", files={"other": (None, "1"), "file": ("ä.png", data, "image/png")})
    body = form.read()

    async def pieces():
        for start in range(0, len(body), size):
            yield body[start : start + size]

    answer = await client.post("/v1/assets", content=pieces(), headers={"content-type": form.headers["content-type"]})
    assert answer.status_code == 201 and answer.json()["size_bytes"] == len(data)


@pytest.mark.parametrize(
    ("mime", "body", "says"),
    [
        ("image/png", b"", "empty"),
        ("image/png", b"<html>", "sent as image/png"),
        ("text/html", b"\x89PNG\r\n\x1a\n", "sent as text/html"),
        ("image/png", b"\x89PNG\r\n\x1a\nno", "does not decode"),
        ("multipart/form-data", b"x", "boundary"),
        ("multipart/form-data; boundary=" + "b" * 500, b"x", "boundary"),
        ("multipart/form-data; boundary=b", b"nonsense", "form"),
        ("multipart/form-data; boundary=b", b"", "form"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n1\r\n--b--',
            "form",
        ),
        ("multipart/form-data; boundary=b", b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nGIF', "form"),
    ],
)
async def test_an_upload_that_is_no_media_is_refused_with_the_reason(client, mime, body, says):
    answer = await client.post("/v1/assets", content=body, headers={"content-type": mime})
    assert answer.status_code == 422 and says in answer.json()["detail"], answer.text
    assert (await client.get("/v1/assets")).json()["data"] == []


async def test_an_upload_that_is_too_large_is_refused_announced_or_not(client, assets, monkeypatch):
    monkeypatch.setattr(module, "UPLOAD_BYTES", 1_000)
    monkeypatch.setattr(uploads, "FORM_BYTES", 500)

    async def unannounced():
        for _ in range(30):
            yield b"x" * 100

    for body in (b"x" * 3_000, unannounced()):
        assert (await client.post("/v1/assets", content=body)).status_code == 413
    answer = await client.post("/v1/assets", files={"file": ("a", b"x" * 1_200, "image/png")})
    assert answer.status_code == 413 and answer.json()["code"] == "too_large"
    assert list(assets.blobs.temporary.iterdir()) == []


async def test_another_keys_asset_is_not_found_and_an_admin_sees_all(client, make):
    asset = (await uploaded(client, make.picture()))["id"]
    for path in (f"/v1/assets/{asset}", f"/v1/assets/{asset}/content"):
        assert (await client.get(path)).status_code == 200
        assert (await client.get(path, headers={"x-caller": "two"})).status_code == 404
        assert (await client.get(path, headers={"x-caller": "admin"})).status_code == 200
        assert (await client.get(path, headers=NOBODY)).status_code == 401
    assert (await client.get("/v1/assets/ast_none")).status_code == 404


async def test_lists_are_the_callers_own_and_paged(client, make):
    ids = [(await uploaded(client, make.picture(size=(9 + index, 9))))["id"] for index in range(5)]
    await uploaded(client, make.picture(), **{"x-caller": "two"})
    first = (await client.get("/v1/assets?limit=3")).json()
    rest = (await client.get(f"/v1/assets?limit=3&after={first['next']}")).json()
    assert [row["id"] for row in first["data"] + rest["data"]] == ids[::-1] and rest["next"] is None
    assert (await client.get("/v1/assets?limit=0")).status_code == 422


async def test_bytes_come_back_as_they_are_with_headers_that_keep_them_inert(client, make):
    data = make.picture()
    asset = await uploaded(client, data)
    answer = await client.get(f"/v1/assets/{asset['id']}/content")
    assert answer.content == data
    expected = {
        "content-type": "image/png",
        "content-length": str(len(data)),
        "etag": f'"{asset["sha256"]}"',
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "content-disposition": f'inline; filename="{asset["id"]}.png"',
        "cache-control": "private, max-age=31536000, immutable",
    }
    assert expected.items() <= dict(answer.headers).items()
    head = await client.head(f"/v1/assets/{asset['id']}/content")
    assert head.content == b"" and expected.items() <= dict(head.headers).items()


@pytest.mark.parametrize("data", [b"<svg onload='alert(1)'></svg>", b"<html><script>alert(1)</script>"])
async def test_nothing_uploaded_runs_as_a_page(client, data):
    asset = await uploaded(client, data)
    headers = (await client.get(f"/v1/assets/{asset['id']}/content")).headers
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["content-type"] in ("image/svg+xml", "application/octet-stream")
    assert headers["content-disposition"].startswith("attachment") == data.startswith(b"<html")


async def test_ranges_are_served(client, make):
    data = make.clip(frames=72, sound=True)
    path = f"/v1/assets/{(await uploaded(client, data))['id']}/content"
    whole = len(data)
    for header, start, end in (("bytes=0-99", 0, 100), ("bytes=100-", 100, whole), ("bytes=-10", whole - 10, whole)):
        answer = await client.get(path, headers={"range": header})
        assert answer.status_code == 206 and answer.content == data[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{whole}"
        assert answer.headers["content-length"] == str(end - start)
    answer = await client.get(path, headers={"range": f"bytes={whole}-"})
    assert answer.status_code == 416 and answer.headers["content-range"] == f"bytes */{whole}"
    assert (await client.get(path, headers={"range": "bytes=0-1,4-5"})).content == data
    assert (await client.get(path, headers={"range": "bytes=0-1", "if-range": '"other"'})).content == data


async def test_a_copy_that_is_already_there_is_not_sent_again(client, make):
    asset = await uploaded(client, make.picture())
    path, tag = f"/v1/assets/{asset['id']}/content", f'"{asset["sha256"]}"'
    for header in (tag, f'"x", W/{tag}'):
        answer = await client.get(path, headers={"if-none-match": header})
        assert answer.status_code == 304 and answer.content == b""
    assert (await client.get(path, headers={"if-none-match": '"x"'})).status_code == 200


async def test_a_signed_link_needs_no_key_and_opens_nothing_else(client, assets, make):
    one, other = [await uploaded(client, make.picture(size=(9, size))) for size in (9, 10)]
    assert one["url"].startswith(f"http://gateway/v1/assets/{one['id']}/content?")
    assert (await client.get(one["url"], headers=NOBODY)).content == make.picture(size=(9, 9))
    assert (await client.get(one["url"].replace(one["id"], other["id"]), headers=NOBODY)).status_code == 403
    late = signed_path(one["id"], assets.secret, clock.now() - timedelta(hours=25))
    answer = await client.get(late, headers=NOBODY)
    assert answer.status_code == 403 and "expired" in answer.json()["detail"]
    assert (await client.get(late)).status_code == 200  # its owner's key is enough
    assert (await client.get(late, headers={"x-caller": "two"})).status_code == 404
    nothing = signed_path("ast_none", assets.secret, clock.now())
    assert (await client.get(nothing, headers=NOBODY)).status_code == 404


async def test_the_paths_are_described(client, assets):
    app = FastAPI()
    app.include_router(module.routes(assets))
    paths = app.openapi()["paths"]
    assert set(paths) == {"/v1/assets", "/v1/assets/{asset}", "/v1/assets/{asset}/content"}
    assert "requestBody" in paths["/v1/assets"]["post"]
