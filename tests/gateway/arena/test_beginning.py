"""How a battle begins: in an order that tells nothing, and without a word of what was not stored."""

import asyncio

import pytest
import sqlalchemy as sa
import yaml
from structlog.testing import capture_logs

from gateway.arena.body import BattleBody
from gateway.arena.service import Arena
from gateway.jobs.store import JOB
from gateway.ledger.tables import ENTRY
from gateway.routing.service import RECORD
from tests.gateway.jobs.accounts import House
from tests.stories.cards import card, offer, priced, write_cards
from tests.supplies import make_supply

MODELS = ("story/picture", "story/words", "story/gift")


@pytest.fixture
def supply(monkeypatch, tmp_path):
    """Three models for pictures, at one provider."""
    write_cards(tmp_path, "http://127.0.0.1:9")
    models = yaml.safe_load((tmp_path / "models.yaml").read_text())["models"]
    for each in models:
        each["tasks"] = sorted({"text-to-image", *each["tasks"]}) if each["id"] in MODELS else each["tasks"]
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": models}))
    offers = [offer(model, priced("0.01")) | {"tasks": ["text-to-image"]} for model in MODELS]
    (tmp_path / "many.yaml").write_text(yaml.safe_dump(card("many", "http://127.0.0.1:9/many", offers=offers)))
    return make_supply(monkeypatch, tmp_path, catalog_dir=tmp_path)


@pytest.fixture
async def house(database, supply):
    return await House(database, supply).open("5")


def body(**routing):
    wishes = {"only": ["many"]} | routing
    return BattleBody.model_validate({"task": "text-to-image", "prompt": "a fox", "routing": wishes})


async def column(database, column, by=None):
    query = sa.select(column).order_by(column if by is None else by)
    return list(await database.read(lambda c: c.execute(query).scalars().all()))


@pytest.mark.anyio
async def test_the_order_of_the_jobs_and_of_their_holds_tells_no_side(house):
    arena, first_made = Arena(house.jobs, 50), set()
    for _ in range(30):
        battle = await arena.begin(house.caller, body(), None)
        jobs = sorted([battle["left_job"], battle["right_job"]])
        entries = await column(house.database, ENTRY.c.key, ENTRY.c.id)
        assert entries[-2:] == [f"hold:{job}" for job in jobs], "the ledger has the order of the jobs, and no other"
        first_made.add("left" if battle["left_job"] == jobs[0] else "right")
    assert first_made == {"left", "right"}


@pytest.mark.anyio
async def test_a_battle_that_was_begun_before_leaves_no_record_that_is_only_thought_to_be_kept(house):
    arena = Arena(house.jobs, 50)
    for number in range(8):  # of two draws for one battle the second is for nothing, and mostly of other models
        asked = [arena.begin(house.caller, body(max_latency_s=1_000 + number), f"key {number}") for _ in range(2)]
        first, second = await asyncio.gather(*asked)
        assert first["id"] == second["id"]
    assert len(await column(house.database, JOB.c.id)) == 16
    assert house.jobs.routing.recorded <= set(await column(house.database, RECORD.c.sha256))


@pytest.mark.anyio
async def test_one_battle_that_cannot_be_shown_keeps_no_other_from_being_settled(house, monkeypatch):
    arena = Arena(house.jobs, 50)
    battles = [await arena.begin(house.caller, body(), None) for _ in range(3)]
    for job in await column(house.database, JOB.c.id):
        await house.succeed(job, "many", 1)
    broken = battles[0]["id"]

    def settled(battle):
        if battle["id"] == broken:
            raise RuntimeError("its pixels are cursed")
        return whole(battle)

    whole = arena.settled
    monkeypatch.setattr(arena, "settled", settled)
    with capture_logs() as told:
        assert await arena.settle() == 2
        listed = await arena.listing(house.caller, 10, None, None, None)
    assert {each["battle"] for each in told} == {broken}
    assert {each["id"]: each["status"] for each in listed} == {
        each["id"]: "running" if each["id"] == broken else "ready" for each in battles
    }
