"""Keys: hashed at rest, shown once, revoked for good; and who may do what over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import SQLModel

from gateway import clock, problems
from gateway.db import connect
from gateway.keys import routes, rules, service
from gateway.keys.rules import Role
from gateway.problems import Unauthorized

NOW = datetime(2026, 9, 1, tzinfo=UTC)


async def create(database, name="ann", role=Role.CALLER, secret=None):
    return await database.together(lambda c: service.create(c, name, role, NOW, secret))


async def revoke(database, key_id):
    return await database.together(lambda c: service.revoke(c, key_id, NOW))


@pytest.mark.anyio
async def test_a_secret_is_told_once_and_then_tells_who_calls(database):
    view, secret = await create(database)
    assert secret.startswith("pk_") and len(secret) > 40 and view.hint == secret[:7]
    assert await service.Keyring(database).authenticate(secret) == rules.Caller(view.id, "ann", Role.CALLER)


@pytest.mark.anyio
async def test_the_secret_is_nowhere_in_the_database_file(sqlite_url, tmp_path):
    database = connect(sqlite_url)
    await database.together(SQLModel.metadata.create_all)
    _, secret = await create(database)
    await service.Keyring(database).authenticate(secret)
    await database.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert rules.hash_secret(secret).encode() in stored
    assert secret.encode() not in stored and secret[7:20].encode() not in stored


@pytest.mark.anyio
@pytest.mark.parametrize("secret", [None, "", "pk_wrong", "pk_\x00", "\udcff", "x" * 10_000])
async def test_a_wrong_secret_is_refused_with_what_to_do(database, secret):
    with pytest.raises(Unauthorized) as refusal:
        await service.Keyring(database).authenticate(secret)
    assert "key" in refusal.value.detail and refusal.value.headers == {"www-authenticate": "Bearer"}


@pytest.mark.anyio
async def test_a_revoked_key_stops_at_once_here_and_soon_elsewhere(database, monkeypatch):
    view, secret = await create(database)
    here, elsewhere = service.Keyring(database), service.Keyring(database)
    now = datetime(2026, 9, 1, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    await here.authenticate(secret)
    await elsewhere.authenticate(secret)
    await revoke(database, view.id)
    here.forget(view.id)
    with pytest.raises(Unauthorized):
        await here.authenticate(secret)
    now += timedelta(seconds=service.REMEMBERED_S - 1)
    assert (await elsewhere.authenticate(secret)).id == view.id
    now += timedelta(seconds=1)
    with pytest.raises(Unauthorized):
        await elsewhere.authenticate(secret)


@pytest.mark.anyio
async def test_a_look_up_that_a_revocation_overtakes_is_not_remembered(database):
    view, secret = await create(database)
    keyring, glance = service.Keyring(database), database.glance

    async def overtaken(unit):
        found = await glance(unit)
        await revoke(database, view.id)
        keyring.forget(view.id)
        return found

    database.glance = overtaken
    await keyring.authenticate(secret)
    database.glance = glance
    with pytest.raises(Unauthorized):
        await keyring.authenticate(secret)


@pytest.mark.anyio
async def test_a_good_key_is_looked_up_once_and_a_wrong_one_each_time(database):
    _, secret = await create(database)
    keyring, glance, looks = service.Keyring(database), database.glance, []

    async def counted(unit):
        looks.append(unit)
        return await glance(unit)

    database.glance = counted
    for _ in range(5):
        await keyring.authenticate(secret)
    assert len(looks) == 1
    for _ in range(5):
        with pytest.raises(Unauthorized):
            await keyring.authenticate("pk_wrong")
    assert len(looks) == 6 and len(keyring.known) == 1


@pytest.mark.anyio
async def test_what_a_keyring_remembers_is_bounded(database, monkeypatch):
    monkeypatch.setattr(service, "REMEMBERED_KEYS", 3)
    keyring = service.Keyring(database)
    for number in range(5):
        _, secret = await create(database, f"key {number}")
        await keyring.authenticate(secret)
    assert [each.caller.name for each in keyring.known.values()] == ["key 2", "key 3", "key 4"]


@pytest.mark.anyio
async def test_the_first_start_makes_one_admin_and_tells_its_secret_once(database):
    secret = await database.together(lambda c: service.ensure_admin(c, None, NOW))
    assert (await service.Keyring(database).authenticate(secret)).role is Role.ADMIN
    assert await database.together(lambda c: service.ensure_admin(c, None, NOW)) is None
    assert len(await database.read(lambda c: service.listing(c, 10))) == 1


@pytest.mark.anyio
async def test_the_operators_secret_becomes_an_admin_and_so_does_a_later_one(database):
    for secret in ("chosen-by-the-operator-1", "chosen-by-the-operator-1", "chosen-by-the-operator-2"):
        assert await database.together(lambda c, secret=secret: service.ensure_admin(c, secret, NOW)) is None
        assert (await service.Keyring(database).authenticate(secret)).role is Role.ADMIN
    views = await database.read(lambda c: service.listing(c, 10))
    assert [view.hint for view in views] == ["", ""], "a short secret is not shown in part"


@pytest.mark.anyio
async def test_an_operators_secret_that_was_revoked_stays_revoked(database):
    for secret in ("first", "second"):
        await database.together(lambda c, secret=secret: service.ensure_admin(c, secret, NOW))
    second, _ = await database.read(lambda c: service.listing(c, 10))
    await revoke(database, second.id)
    await database.together(lambda c: service.ensure_admin(c, "second", NOW))
    with pytest.raises(Unauthorized):
        await service.Keyring(database).authenticate("second")


@pytest.mark.anyio
async def test_two_admins_that_revoke_each_other_at_once_leave_one(database, other_database):
    ids = [(await create(database, name, Role.ADMIN))[0].id for name in ("ann", "bob")]
    answers = await asyncio.gather(revoke(database, ids[0]), revoke(other_database, ids[1]))
    assert sorted(type(answer).__name__ for answer in answers) == ["KeyView", "LastAdmin"]


@pytest.fixture
async def client(database):
    """The routes behind the smallest API: it finds the caller as the real one does."""
    keyring = service.Keyring(database)
    app = FastAPI()
    app.include_router(routes.routes(keyring))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(problems.RequestValidationError, problems.on_validation)

    async def api(scope, receive, send):
        if scope["type"] == "http" and (secret := dict(scope["headers"]).get(b"x-api-key")):
            scope["podium.caller"] = await keyring.authenticate(secret.decode())
        await app(scope, receive, send)

    _, secret = await create(database, "root", Role.ADMIN)
    headers = {"x-api-key": secret}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test", headers=headers) as opened:
        yield opened


@pytest.mark.anyio
async def test_an_admin_makes_renames_lists_and_revokes_keys(client):
    made = await client.post("/v1/keys", json={"name": " ann ", "role": "caller"})
    assert made.status_code == 201
    body = made.json()
    assert set(body) == {"id", "name", "role", "hint", "project", "plan", "created_at", "revoked_at", "secret"}
    assert body["name"] == "ann" and body["role"] == "caller" and body["created_at"].endswith("Z")
    renamed = await client.patch(f"/v1/keys/{body['id']}", json={"name": "anna"})
    assert renamed.json() == {**{k: v for k, v in body.items() if k != "secret"}, "name": "anna"}
    first = (await client.get("/v1/keys", params={"limit": 1})).json()
    assert [each["name"] for each in first["data"]] == ["anna"] and first["next"] == body["id"]
    second = (await client.get("/v1/keys", params={"limit": 1, "after": first["next"]})).json()
    assert [each["name"] for each in second["data"]] == ["root"] and second["next"] is None
    assert body["secret"] not in (await client.get("/v1/keys")).text
    gone = await client.delete(f"/v1/keys/{body['id']}")
    assert gone.status_code == 200 and gone.json()["revoked_at"]
    again = await client.delete(f"/v1/keys/{body['id']}")
    assert again.json() == gone.json(), "revoking twice keeps the first time"


@pytest.mark.anyio
async def test_a_key_that_is_revoked_over_http_stops_at_once(client):
    body = (await client.post("/v1/keys", json={"name": "bob", "role": "admin"})).json()
    theirs = {"x-api-key": body["secret"]}
    assert (await client.get("/v1/keys", headers=theirs)).status_code == 200
    await client.delete(f"/v1/keys/{body['id']}")
    with pytest.raises(Unauthorized):
        await client.get("/v1/keys", headers=theirs)


@pytest.mark.anyio
async def test_the_last_admin_key_is_not_revoked(client):
    (root,) = (await client.get("/v1/keys")).json()["data"]
    answer = await client.delete(f"/v1/keys/{root['id']}")
    assert answer.status_code == 409 and answer.json()["code"] == "conflict"
    await client.post("/v1/keys", json={"name": "second", "role": "admin"})
    assert (await client.delete(f"/v1/keys/{root['id']}")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/keys", None),
        ("POST", "/v1/keys", {"name": "x"}),
        ("PATCH", "/v1/keys/key_1", {"name": "x"}),
        ("DELETE", "/v1/keys/key_1", None),
    ],
)
async def test_a_caller_may_not_manage_keys_and_a_stranger_even_less(client, method, path, body):
    made = (await client.post("/v1/keys", json={"name": "ann"})).json()
    answer = await client.request(method, path, json=body, headers={"x-api-key": made["secret"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    del client.headers["x-api-key"]
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/keys", {"name": ""}, 422),
        ("POST", "/v1/keys", {"name": "x", "role": "god"}, 422),
        ("POST", "/v1/keys", {"name": "x", "secret": "mine"}, 422),
        ("POST", "/v1/keys", {"name": "a\x00b"}, 422),
        ("POST", "/v1/keys", {"name": "x" * 101}, 422),
        ("PATCH", "/v1/keys/key_1", {"name": "x"}, 404),
        ("DELETE", "/v1/keys/key_1", None, 404),
        ("DELETE", "/v1/keys/key_%00", None, 422),
    ],
)
async def test_bad_input_is_a_clear_problem(client, method, path, body, status):
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status and answer.json()["detail"]
