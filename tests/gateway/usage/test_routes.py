"""Usage and statements over HTTP: whose, by what, averaged how, as JSON and CSV."""

import csv
import io
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from gateway import problems
from gateway.keys import service as keys
from gateway.keys.rules import Caller, Role
from gateway.ledger import book, rules as ledger
from gateway.usage import routes, rules, store
from gateway.usage.rules import Row

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = rules.day_of(NOW.date())
WHEN = {"from": "2026-11-01", "to": "2026-11-30"}


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

    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"as": "root"}) as opened:
        yield opened


def clip(key, day=DAY, seconds=5, nanos=2_000_000_000, provider="fal"):
    return Row(
        day, key, "prj_1", provider, "google/veo", "text-to-video", "output_video_second", micros=seconds * 10**6,
        cost_nanos=nanos, margin_nanos=nanos // 10, compute_millis=11_059_200, video_ms=seconds * 1_000, outputs=1,
        jobs=1, succeeded=1,
    )  # fmt: skip


def words(key, day=DAY):
    read = Row(day, key, "", "groq", "m/chat", "text", "input_token", micros=10**9, cost_nanos=10**6, jobs=1)
    return [read, read._replace(unit="output_token", micros=2 * 10**8, cost_nanos=10**6, jobs=0)]


@pytest.fixture
async def spent(database, people):
    """Ann makes two clips on two days and asks once, Bob makes one clip."""
    ann, bob = people["ann"].id, people["bob"].id
    rows = [clip(ann), clip(ann, DAY - 1), *words(ann), clip(bob, seconds=10, nanos=4_000_000_000, provider="runway")]
    await database.together(lambda connection: store.add(connection, rows))


async def get(client, path="usage", who="root", **query):
    answer = await client.get(f"/v1/{path}", params=query, headers={"as": who})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.anyio
async def test_an_admin_sees_all_and_a_caller_its_own(client, people, spent):
    everything = await get(client, **WHEN)
    assert (everything["total"]["spend_usd"], everything["total"]["jobs"]) == ("8.802", 4)
    assert (everything["total"]["keys"], everything["total"]["video_seconds"]) == (2, "20")
    own = await get(client, who="ann", by="key", **WHEN)
    assert [row["key"] for row in own["data"]] == [people["ann"].id]
    assert own["total"]["spend_usd"] == own["data"][0]["spend_usd"] == "4.402"
    other = await client.get("/v1/usage", params={"key": people["bob"].id}, headers={"as": "ann"})
    assert other.status_code == 404


@pytest.mark.anyio
async def test_averages_are_for_a_user_a_unit_and_a_finished_minute(client, spent):
    (row,) = (await get(client, by="unit", unit="output_video_second", **WHEN))["data"]
    assert (row["quantity"], row["jobs"]) == ("20", 3)
    assert row["averages"]["per_unit_usd"] == "0.44"
    assert row["averages"]["per_video_minute_usd"] == "26.40"
    assert row["averages"]["per_key_usd"] == "4.40"
    total = (await get(client, **WHEN))["total"]
    assert total["averages"]["per_video_minute_usd"] == "26.40", "words are not in a minute of video"
    assert total["quantity"] is None and total["averages"]["per_unit_usd"] is None
    assert total["averages"]["per_job_usd"] == "2.2005"


@pytest.mark.anyio
async def test_any_dimensions_in_any_order(client, spent):
    found = await get(client, by="day,provider", **WHEN)
    assert [(row["day"], row["provider"]) for row in found["data"]] == [
        ("2026-11-20", "fal"), ("2026-11-21", "fal"), ("2026-11-21", "groq"), ("2026-11-21", "runway"),
    ]  # fmt: skip
    for name in routes.DIMENSIONS:
        groups = (await get(client, by=name, **WHEN))["data"]
        assert sum(row["jobs"] for row in groups) == (5 if name == "unit" else 4), name
    (row,) = (await get(client, by="offer", offer="runway/google/veo", **WHEN))["data"]
    assert (row["offer"], row["margin_usd"]) == ("runway/google/veo", "0.40")
    assert (await get(client, by="project", **WHEN))["data"][0]["project"] is None


@pytest.mark.anyio
async def test_groups_are_paged_until_there_are_none(client, spent):
    seen, after = [], {}
    while True:
        answer = await get(client, by="day,unit,key", limit=2, **WHEN, **after)
        seen += answer["data"]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
    assert len(seen) == 5 and len({(row["day"], row["unit"], row["key"]) for row in seen}) == 5


@pytest.mark.anyio
@pytest.mark.parametrize(
    "query",
    [
        {"by": "colour"}, {"by": "day,day"}, {"from": "2026-11-02", "to": "2026-11-01"}, {"from": "2001-01-01"},
        {"by": "day", "after": "x"}, {"by": "day", "after": "WyJhIl0"}, {"by": "key", "after": "WzFd"},
        {"from": "soon"},
    ],
)  # fmt: skip
async def test_what_cannot_be_understood_is_refused(client, query):
    answer = await client.get("/v1/usage", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.anyio
async def test_csv_is_asked_for_by_word_or_by_header(client, spent, monkeypatch):
    monkeypatch.setattr(routes, "CSV_PAGE", 2)
    asked = {"by": "day,unit,key"} | WHEN
    by_word = await client.get("/v1/usage", params=asked | {"format": "csv"})
    by_header = await client.get("/v1/usage", params=asked, headers={"accept": "text/csv"})
    assert by_word.text == by_header.text and by_word.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(by_word.text)))
    assert len(rows) == 5 and rows[0]["unit"] == "output_video_second" and rows[0]["spend_usd"] == "2.20"


@pytest.fixture
async def a_month(database, people):
    """October: 5.00 come in. November: 3.00 more, a clip for 2.20, and a hold that is open."""
    ann = people["ann"].id
    october, november = datetime(2026, 10, 9, tzinfo=UTC), NOW

    def unit(connection):
        book.post(connection, ledger.fund(ann, 5 * 10**9, "october"), october)
        book.post(connection, ledger.credit(ann, 3 * 10**9, "november"), november)
        book.post(connection, ledger.hold(ann, "job_1", 3 * 10**9), november)
        entry = ledger.settle(ann, "job_1", 3 * 10**9, [("fal", 2 * 10**9)], 2 * 10**8)
        book.post(connection, entry, november)
        book.post(connection, ledger.hold(ann, "job_2", 10**9), november)
        store.add(connection, [clip(ann)])

    await database.together(unit)


@pytest.mark.anyio
async def test_a_statement_ties_to_the_ledger(client, people, a_month):
    made = await get(client, f"statements/{people['ann'].id}/2026-11", who="ann")
    amounts = {name: made[name] for name in made if name.endswith("_usd")}
    assert amounts == {
        "opening_usd": "5.00", "funded_usd": "3.00", "spend_usd": "2.20", "closing_usd": "5.80", "owed_usd": "3.00",
    }  # fmt: skip
    assert made["ties"] is True
    assert [(each["kind"], each["reference"], each["usd"]) for each in made["funds"]] == [
        ("credit", "november", "3.00")
    ]
    (line,) = made["lines"]
    assert (line["model"], line["unit"], line["quantity"]) == ("google/veo", "output_video_second", "5")
    before = await get(client, f"statements/{people['ann'].id}/2026-10")
    assert (before["opening_usd"], before["closing_usd"], before["lines"]) == ("0.00", "5.00", [])


@pytest.mark.anyio
async def test_a_statement_as_csv_adds_up_to_its_last_line(client, people, a_month):
    path = f"/v1/statements/{people['ann'].id}/2026-11"
    answer = await client.get(path, headers={"accept": "text/csv"})
    *rows, closing = csv.DictReader(io.StringIO(answer.text))
    assert sum(round(float(row["usd"]) * 10**9) for row in rows) == round(float(closing["usd"]) * 10**9)
    assert [row["kind"] for row in rows] == ["opening", "credit", "cost"]


@pytest.mark.anyio
async def test_a_statement_that_the_rollups_do_not_bear_out_says_so(database, client, people, a_month):
    await database.together(lambda connection: store.add(connection, [clip(people["ann"].id)]))
    assert (await get(client, f"statements/{people['ann'].id}/2026-11"))["ties"] is False


@pytest.mark.anyio
async def test_another_keys_statement_is_not_found(client, people, a_month):
    for who, path in (("bob", people["ann"].id), ("root", "key_nobody")):
        answer = await client.get(f"/v1/statements/{path}/2026-11", headers={"as": who})
        assert answer.status_code == 404
    assert (await client.get(f"/v1/statements/{people['ann'].id}/0000-01")).status_code == 422
    assert (await client.get(f"/v1/statements/{people['ann'].id}/2026-13")).status_code == 422
