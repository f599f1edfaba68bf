"""The ledger over HTTP: funding once, and whose money anyone may see."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from gateway import problems
from gateway.keys import service as keys
from gateway.keys.rules import Caller, Role
from gateway.ledger import book, routes, rules

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
async def people(database):
    """An admin and two callers."""
    made = {}
    for name, role in (("root", Role.ADMIN), ("ann", Role.CALLER), ("bob", Role.CALLER)):
        view, _ = await database.together(lambda c, name=name, role=role: keys.create(c, name, role, NOW))
        made[name] = Caller(view.id, name, role)
    return made


@pytest.fixture
async def client(database, people):
    """The routes behind the smallest API; the header `as` says who calls."""
    app = FastAPI()
    app.include_router(routes.routes(database))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(problems.RequestValidationError, problems.on_validation)

    async def api(scope, receive, send):
        if scope["type"] == "http":
            scope["podium.caller"] = people[dict(scope["headers"])[b"as"].decode()]
        await app(scope, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(api), base_url="http://test", headers={"as": "root"}
    ) as opened:
        yield opened


async def fund(client, key, usd="5.00", once="pay-1", **headers):
    sent = {"idempotency-key": once} if once is not None else {}
    return await client.post("/v1/ledger/fund", json={"key": key, "usd": usd}, headers=sent | headers)


async def get(client, path, who="root", **query):
    answer = await client.get(f"/v1/ledger/{path}", params=query, headers={"as": who})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.anyio
async def test_money_arrives_once_however_often_the_payment_is_repeated(client, people):
    ann = people["ann"].id
    answers = await asyncio.gather(*[fund(client, ann) for _ in range(5)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json() == {"entry": "1", "key": ann, "usd": "5.00"}
    balances = (await get(client, "balances"))["data"]
    assert balances == [
        {"account": f"key:{ann}:available", "usd": "5.00"},
        {"account": "world", "usd": "-5.00"},
    ]


@pytest.mark.anyio
async def test_a_used_idempotency_key_with_another_body_is_a_conflict(client, people):
    await fund(client, people["ann"].id)
    for answer in (await fund(client, people["ann"].id, "6"), await fund(client, people["bob"].id)):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await fund(client, people["ann"].id, "5")).status_code == 200, "5 and 5.00 are the same amount"
    assert len((await get(client, "entries"))["data"]) == 1


@pytest.mark.anyio
async def test_a_payment_without_an_idempotency_key_is_refused_with_a_hint(client, people):
    for once in (None, "", "x" * 201):
        answer = await fund(client, people["ann"].id, once=once)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert "Idempotency-Key" in answer.json()["detail"]
    assert (await get(client, "entries"))["data"] == []


@pytest.mark.anyio
async def test_a_key_that_does_not_exist_cannot_be_funded(client):
    answer = await fund(client, "key_nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await get(client, "balances"))["data"] == []


@pytest.mark.anyio
@pytest.mark.parametrize("usd", ["0", "-1", "NaN", "Infinity", "1e999999999", "0.0000000001", "1000000000", "a", None])
async def test_an_amount_that_makes_no_sense_is_refused(client, people, usd):
    answer = await fund(client, people["ann"].id, usd)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.anyio
async def test_a_caller_sees_its_own_accounts_and_postings_only(client, database, people):
    ann, bob = people["ann"].id, people["bob"].id
    await fund(client, ann, once="a")
    await fund(client, bob, once="b")
    for entry in (rules.hold(ann, "job_1", 60), rules.settle(ann, "job_1", 60, [("fal", 100)])):
        await database.together(lambda c, entry=entry: book.post(c, entry, NOW))
    assert (await get(client, "balances", "ann"))["data"] == [
        {"account": f"key:{ann}:available", "usd": "4.99999994"},
        {"account": f"key:{ann}:held", "usd": "0.00"},
    ]
    entries = (await get(client, "entries", "ann"))["data"]
    assert [each["key"] for each in entries] == ["settle:job_1", "hold:job_1", "fund:a"]
    assert entries[0]["postings"] == [
        {"source": f"key:{ann}:held", "destination": "provider:fal:payable", "usd": "0.00000006"}
    ], "what the gateway pays from its own pocket is its own affair"
    assert bob not in str(entries)
    everything = (await get(client, "entries"))["data"]
    assert len(everything) == 4 and len(everything[0]["postings"]) == 2
    assert entries[0]["posted_at"] == "2026-09-01T00:00:00Z"


@pytest.mark.anyio
async def test_entries_are_paged(client, people):
    for number in range(5):
        await fund(client, people["ann"].id, once=f"p{number}")
    seen, after = [], {}
    while True:
        answer = await get(client, "entries", limit=2, **after)
        seen += [each["key"] for each in answer["data"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert seen == [f"fund:p{number}" for number in (4, 3, 2, 1, 0)]
    balances = await get(client, "balances", limit=1)
    assert (await get(client, "balances", limit=1, after=balances["next"]))["data"][0]["account"] == "world"


@pytest.mark.anyio
@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "²"])
async def test_a_page_that_never_was_is_refused(client, after):
    answer = await client.get("/v1/ledger/entries", params={"after": after})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.anyio
async def test_only_an_admin_funds_and_verifies(client, people):
    assert (await fund(client, people["ann"].id, **{"as": "ann"})).status_code == 403
    assert (await client.get("/v1/ledger/verify", headers={"as": "ann"})).status_code == 403
    await fund(client, people["ann"].id)
    assert await get(client, "verify") == {"ok": True, "entries": 1, "accounts": 2, "open_holds": 0, "findings": []}


@pytest.mark.anyio
async def test_credit_can_be_spent_and_is_owed_until_it_is_paid_back(client, people):
    caller = people["ann"].id

    async def booked(path, usd, key):
        body = {"key": caller, "usd": usd}
        return await client.post(f"/v1/ledger/{path}", json=body, headers={"idempotency-key": key})

    for _ in range(2):
        assert (await booked("credit", "5", "first")).status_code == 200
    assert await usd_of(client, f"key:{caller}:available") == await usd_of(client, f"key:{caller}:owed") == "5.00"
    assert (await booked("payments", "2", "paid")).status_code == 200
    assert await usd_of(client, f"key:{caller}:owed") == "3.00"
    too_much = await booked("payments", "3.01", "too much")
    assert (too_much.status_code, too_much.json()["code"]) == (409, "conflict") and "0.01" in too_much.json()["detail"]
    assert (await client.get("/v1/ledger/verify")).json()["ok"] is True


async def usd_of(client, account):
    found = {each["account"]: each["usd"] for each in (await client.get("/v1/ledger/balances")).json()["data"]}
    return found[account]
