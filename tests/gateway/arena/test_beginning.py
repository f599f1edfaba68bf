"""How a battle begins: in an order that tells nothing, and leaving nothing behind where it was begun before."""

import asyncio

import pytest
import sqlalchemy as sa

from gateway.arena import store
from gateway.arena.body import BattleBody
from gateway.arena.service import Arena
from gateway.jobs.store import JOB
from gateway.ledger.tables import ENTRY
from gateway.routing.body import JobBody
from tests.gateway.jobs.accounts import House
from tests.stories.cards import asked, offer, priced, write_cards
from tests.supplies import make_supply

OTHERS = ("story/other", "story/third")


@pytest.fixture
def supply(monkeypatch, tmp_path):
    return make_supply(monkeypatch, tmp_path, catalog_dir=write_cards(tmp_path, "http://127.0.0.1:9"))


@pytest.fixture
async def house(database, supply):
    return await House(database, supply).open("5")


def body(**more):
    asked_for = {"task": "text-to-image", "prompt": "a fox", "models": ["story/picture", "story/gift"]}
    return BattleBody.model_validate(asked_for | more)


async def rows(database, table):
    return await database.read(lambda c: c.execute(sa.select(table)).mappings().all())


@pytest.mark.anyio
async def test_the_order_of_the_jobs_and_of_their_holds_tells_no_side(house):
    arena = Arena(house.jobs, 50)
    seen = set()
    for _ in range(24):
        battle = await arena.begin(house.caller, body(), None)
        first = min(battle["left_job"], battle["right_job"])
        held = [each["key"] for each in await rows(house.database, ENTRY) if each["key"].startswith("hold:")]
        assert held[-2:] == [f"hold:{first}", f"hold:{max(battle['left_job'], battle['right_job'])}"]
        seen.add("left" if battle["left_job"] == first else "right")
        if len(seen) == 2:
            return
    raise AssertionError(f"24 battles, and the job made first was always of the {seen.pop()} side")


@pytest.mark.anyio
async def test_a_battle_that_was_begun_before_leaves_no_record_that_is_believed_to_be_kept(house):
    arena = Arena(house.jobs, 50)
    first, second = await asyncio.gather(
        *[arena.begin(house.caller, body(), "the same") for _ in range(2)]
    )
    assert first["id"] == second["id"] and len(await rows(house.database, JOB)) == 2
