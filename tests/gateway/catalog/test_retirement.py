"""A model's end, through the API: announced, marked, come, replaced; and told once in the feed of changes."""

import asyncio
import contextlib
from datetime import timedelta
from xml.etree import ElementTree

import httpx
import pytest

from gateway import assembly, clock, migrations
from gateway.catalog import recording
from gateway.main import create_app
from gateway.settings import Settings
from gateway.snapshots import store as snapshots
from router.feeds.readings import ListingReading, ListingRow, Notice, NoticeReading, payload_of, subject_of
from router.quality import Reading
from tests.supplies import forget_environment

ADMIN = "pk_of_the_admin_of_these_tests_0123456789"
BEARER = {"authorization": f"Bearer {ADMIN}"}
PICTURE = {"task": "text-to-image", "prompt": "a red fox"}

MODELS = """
models:
  - {id: acme/one, name: Acme One, maker: Acme, tasks: [text-to-image], family: acme/one, released: 2025-01-01,
     aliases: [the-first-acme]}
  - {id: acme/two, name: Acme Two, maker: Acme, tasks: [text-to-image], family: acme/one, released: 2026-01-01}
"""
CARD = """
name: {name}
title: {name}
dialect: openai_images
base_url: http://127.0.0.1:9
offers:
  - model: acme/one
    wire_id: acme-one
    tasks: [text-to-image]
    prices: [{{since: 2026-01-01, checked: 2026-01-01, source: a page, rates: [{{unit: output_image, usd: "{usd}"}}]}}]
  - model: acme/two
    wire_id: acme-two
    tasks: [text-to-image]
    prices: [{{since: 2026-01-01, checked: 2026-01-01, source: a page, rates: [{{unit: output_image, usd: "0.02"}}]}}]
"""


@pytest.fixture
async def house(database_url, tmp_path, monkeypatch):
    """A gateway without a worker, with two providers of our own: bcme is the dearer one."""
    forget_environment(monkeypatch, tmp_path)
    await asyncio.to_thread(migrations.upgrade, database_url)
    cards = tmp_path / "cards"
    (cards / "providers").mkdir(parents=True)
    (cards / "models.yaml").write_text(MODELS)
    for name, usd in (("acme", "0.01"), ("bcme", "0.03")):
        (cards / "providers" / f"{name}.yaml").write_text(CARD.format(name=name, usd=usd))
    settings = Settings(
        database_url=database_url, store_url=f"file://{tmp_path}/assets", admin_key=ADMIN, log_level="error",
        catalog_dir=cards,
    )  # fmt: skip
    parts = []
    app = create_app(settings, with_worker=False, on_start=parts.append)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app)
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://test", headers=BEARER)
        )
        client.parts = parts[0]
        caller = await parts[0].keyring.authenticate(ADMIN)
        paid = await client.post(
            "/v1/ledger/fund", json={"key": caller.id, "usd": "5"}, headers=BEARER | {"idempotency-key": "pay"}
        )
        assert paid.status_code == 200
        yield client


async def feed(house, *readings):
    """Readings come in, and are believed."""
    parts, now = house.parts, clock.now()
    for reading in readings:
        written = (reading.source, subject_of(reading), reading.taken_at, payload_of(reading), now)
        await parts.db.together(lambda connection, written=written: snapshots.add(connection, *written))
    await assembly.believe(parts)
    return await recording.record(parts.db, parts.watch, clock.now())


def notice(ends_in, channel="acme", source="deprecations-rss", minutes=0, label="acme-one", replacement=("Acme Two",)):
    now = clock.now()
    row = Notice(
        label=label, channel=channel, stage="shutdown", announced=now.date() - timedelta(days=3),
        ends=now.date() + timedelta(days=ends_in), replacement=replacement,
    )  # fmt: skip
    return NoticeReading(source=source, taken_at=now + timedelta(minutes=minutes), rows=(row,))


def listing(days_ago, *wire_ids, source="acme"):
    rows = tuple(ListingRow(label=wire_id, provider=source) for wire_id in wire_ids)
    return ListingReading(source=source, taken_at=clock.now() - timedelta(days=days_ago), rows=rows)


async def shown(house, path):
    answer = await house.get(path)
    assert answer.status_code == 200, answer.text
    return answer


async def kinds(house, subject):
    data = (await shown(house, "/v1/changes?limit=500")).json()["data"]
    return [each["kind"] for each in reversed(data) if each["subject"] == subject]


@pytest.mark.anyio
async def test_a_pinned_model_with_an_announced_end_says_so_in_every_answer(house):
    assert "deprecation" not in (await house.post("/v1/jobs", json=PICTURE | {"model": "acme/one"})).headers
    await feed(house, notice(30), notice(30, "bcme", "deprecations-rss", 1))
    ends = clock.now().date() + timedelta(days=30)
    for path in ("/v1/jobs", "/v1/route", "/v1/quotes"):
        answer = await house.post(path, json=PICTURE | {"model": "acme/one"})
        assert answer.status_code in (200, 201, 202), answer.text
        assert answer.headers["deprecation"].startswith("@") and answer.headers["deprecation"][1:].isdigit()
        assert answer.headers["sunset"] == f"{ends:%a, %d %b %Y} 00:00:00 GMT"
        assert answer.headers["link"] == '</v1/models/acme/two>; rel="successor-version"'
    auto = await house.post("/v1/route", json=PICTURE)
    assert "sunset" not in auto.headers, "who did not pin it need not care"
    model = await shown(house, "/v1/models/acme/one")
    told = model.json()
    assert (told["stage"], told["ends"], told["successor"]) == ("deprecated", ends.isoformat(), "acme/two")
    assert "deprecations-rss" in told["stage_evidence"] and model.headers["sunset"]


@pytest.mark.anyio
async def test_a_pinned_model_with_an_announced_end_says_so_at_every_door(house):
    await feed(house, notice(30), notice(30, "bcme", "deprecations-rss", 1))
    asked = {
        "/fal/acme/one": {"prompt": "a red fox"},
        "/replicate/v1/models/acme/one/predictions": {"input": {"prompt": "a red fox"}},
    }
    for path, body in asked.items():
        answer = await house.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        assert answer.headers["deprecation"].startswith("@") and answer.headers["sunset"].endswith("GMT")
        assert answer.headers["link"] == '</v1/models/acme/two>; rel="successor-version"'
    job = answer.headers["x-podium-job"]
    assert "sunset" in (await shown(house, f"/replicate/v1/predictions/{job}")).headers
    other = await house.post("/fal/acme/two", json={"prompt": "a red fox"})
    assert other.status_code == 200 and "sunset" not in other.headers


@pytest.mark.anyio
async def test_on_its_date_a_pinned_model_is_gone_and_others_move_to_its_successor(house):
    await feed(house, notice(0), notice(0, "bcme", minutes=1))
    refused = await house.post("/v1/jobs", json=PICTURE | {"model": "acme/one"})
    assert (refused.status_code, refused.json()["code"], refused.json()["successor"]) == (
        410,
        "model_retired",
        "acme/two",
    )
    allowed = PICTURE | {"model": "acme/one", "routing": {"replace": True}}
    for body in (allowed, PICTURE | {"model": "the-first-acme"}):
        made = await house.post("/v1/jobs", json=body)
        assert made.status_code == 202, made.text
        job = made.json()
        assert job["model"] == "acme/two"
        assert job["adjustments"] == [{"parameter": "model", "asked": body["model"], "sent": "acme/two"}]
    decision = (await shown(house, f"/v1/decisions/{job['decision']}")).json()
    assert decision["adjustments"] == job["adjustments"]
    rejected = (await house.post("/v1/route", json=PICTURE)).json()["decision"]["rejected"]
    reasons = {each["offer"]: each["reason"] for each in rejected}
    assert reasons["acme/acme/one"].startswith("has ended on") and "deprecations-rss" in reasons["acme/acme/one"]


@pytest.mark.anyio
async def test_a_model_that_ended_at_one_provider_is_served_by_another(house):
    await feed(house, notice(0))
    assert (await house.post("/v1/jobs", json=PICTURE | {"model": "acme/one"})).json()["offer"] == "bcme/acme/one"
    pinned = await house.post("/v1/jobs", json=PICTURE | {"model": "acme/acme/one"})
    assert (pinned.status_code, pinned.json()["successor"]) == (410, "acme/one")
    replaced = PICTURE | {"model": "acme/acme/one", "routing": {"replace": True}}
    assert (await house.post("/v1/jobs", json=replaced)).json()["offer"] == "bcme/acme/one"


@pytest.mark.anyio
async def test_what_a_price_list_heard_retires_nothing(house):
    await feed(house, notice(0, source="litellm"))
    offer = next(
        each for each in (await shown(house, "/v1/offers?limit=500")).json()["data"] if each["id"] == "acme/acme/one"
    )
    assert (offer["stage"], offer["available"]) == ("deprecated", True)


@pytest.mark.anyio
async def test_a_preview_that_ends_ends_nothing_but_the_preview(house):
    await feed(house, notice(0, label="acme-one-preview"))
    model = (await shown(house, "/v1/models/acme/one")).json()
    assert model["stage"] == "active"
    assert [(each["at"], each["stage"]) for each in model["elsewhere"]] == [("acme-one-preview@acme", "retired")]


@pytest.mark.anyio
async def test_an_offer_that_its_list_no_longer_shows_is_tried_last_and_then_not_at_all(house):
    cheap = PICTURE | {"model": "acme/one", "routing": {"policy": "cheapest"}}
    assert (await house.post("/v1/jobs", json=cheap)).json()["offer"] == "acme/acme/one"
    await feed(house, listing(10, "acme-one", "acme-two"), listing(2, "acme-two"), listing(1, "acme-two"))
    ranked = (await house.post("/v1/route", json=cheap)).json()["decision"]["ranked"]
    assert [(each["offer"], each["stage"]) for each in ranked] == [
        ("bcme/acme/one", "active"),
        ("acme/acme/one", "stale"),
    ]
    gone = listing(45, "acme-one", "acme-two"), *(listing(day, "acme-two") for day in (40, 35, 3))
    assert await kinds(house, "acme/acme/one") == ["stale"]
    await feed(house, *gone, listing(0, "acme-one", "acme-two"))
    assert await kinds(house, "acme/acme/one") == ["stale", "revived"]


@pytest.mark.anyio
async def test_what_nothing_has_confirmed_for_thirty_days_is_retired_and_silence_of_ours_retires_nothing(house):
    await feed(house, listing(45, "acme-one", "acme-two", source="bcme"))
    await feed(house, listing(45, "acme-one", "acme-two"), *(listing(day, "acme-two") for day in (40, 35, 3)))
    offers = {each["id"]: each for each in (await shown(house, "/v1/offers?limit=500")).json()["data"]}
    assert (offers["acme/acme/one"]["stage"], offers["acme/acme/one"]["available"]) == ("retired", False)
    assert "acme did not show it on 3 later days" in offers["acme/acme/one"]["stage_evidence"]
    assert offers["bcme/acme/one"]["stage"] == offers["acme/acme/two"]["stage"] == "active"


@pytest.mark.anyio
async def test_each_change_is_told_once_in_json_and_in_atom(house):
    await feed(house)
    before = (await shown(house, "/v1/changes?limit=500")).json()["data"]
    assert all(each["kind"] != "appeared" for each in before), "what was there before us does not appear"
    await feed(house, notice(30))
    await feed(house, notice(30, minutes=1))
    assert await kinds(house, "acme/acme/one") == ["deprecated", "successor"]
    await feed(house, notice(60, minutes=2))
    await feed(house, notice(0, minutes=3))
    assert await kinds(house, "acme/acme/one") == ["deprecated", "successor", "deprecated", "retired"]
    first = (await shown(house, "/v1/changes?limit=1")).json()
    assert first["next"] == first["data"][0]["id"]
    assert len((await shown(house, "/v1/changes?limit=500&since=2999-01-01")).json()["data"]) == 0
    atom = await house.get("/v1/changes?limit=2", headers=BEARER | {"accept": "application/atom+xml"})
    assert atom.headers["content-type"].startswith("application/atom+xml")
    entries = ElementTree.fromstring(atom.text).findall("{http://www.w3.org/2005/Atom}entry")
    assert len(entries) == 2 and "acme/acme/one: retired" in atom.text


@pytest.mark.anyio
async def test_a_name_that_is_new_on_a_board_appears_once(house):
    def reading(days_ago, *labels):
        rows = [{"label": label, "rating": 1_000, "low": 990, "high": 1_010, "votes": 9} for label in labels]
        document = {
            "source": "arena", "board": "arena/of-these-tests", "task": "text-to-image", "url": "http://test",
            "taken_at": clock.now() - timedelta(days=days_ago), "attribution": "these tests", "licence": "none",
            "rows": rows,
        }  # fmt: skip
        return Reading.model_validate(document)

    await feed(house, reading(3, "Acme One", "unheard-of"))
    await feed(house, reading(2, "Acme One", "Acme Two", "unheard-of"), reading(1, "acme-one", "Acme Two"))
    data = (await shown(house, "/v1/changes?limit=500")).json()["data"]
    assert [each["subject"] for each in data if each["source"] == "arena/of-these-tests"] == ["acme/two"]


@pytest.mark.anyio
async def test_a_familys_pointer_moves_back_to_the_newest_member_that_has_not_retired(house):
    latest = PICTURE | {"model": "acme/one-latest"}
    assert (await house.post("/v1/jobs", json=latest)).json()["model"] == "acme/two"
    ended = [notice(0, channel, label="acme-two", replacement=()).rows[0] for channel in ("acme", "bcme")]
    await feed(house, notice(0).model_copy(update={"rows": tuple(ended)}))
    made = (await house.post("/v1/jobs", json=latest)).json()
    assert made["model"] == "acme/one"
    assert made["adjustments"] == [{"parameter": "model", "asked": "acme/one-latest", "sent": "acme/one"}]
    gone = (await house.post("/v1/jobs", json=PICTURE | {"model": "acme/two"})).json()
    assert (gone["code"], gone["successor"]) == ("model_retired", None)
