"""Tells the feed of changes what the lives of offers and models, and the boards, show that was not told before."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from gateway.catalog.lives import Lives, Watch
from gateway.catalog.sightings import Looked
from gateway.catalog.supply import Supply
from gateway.changes import store
from gateway.changes.rules import Shown, Subject
from gateway.db import Database
from gateway.ticks.rules import Tick
from router.retirement import Life

LIVES = Tick("lives", every_s=60, deadline_s=120)
PRICES = Tick("prices", every_s=300, deadline_s=300)
"""How often the newest price lists are compared with the prices in force; the lists themselves come less often."""


async def record(db: Database, watch: Watch, now: datetime) -> str:
    """Write down every change since the last time. Repeating it changes nothing."""
    lives = await watch.refreshed(now)
    subjects = subjects_of(lives, watch.supply)
    boards = boards_of(watch.sightings.looked.values(), watch.supply)

    def unit(connection: Connection) -> tuple[int, int]:
        return store.record_lives(connection, subjects, now), store.record_boards(connection, boards, now)

    stages, shown = await db.together(unit)
    return f"{len(subjects)} lives, {stages} changed; {shown} names are new on boards"


def subjects_of(lives: Lives, supply: Supply) -> dict[Subject, Life]:
    """Offers, models, and ends of models of ours elsewhere, as the feed names them."""
    models = {offer.id: offer.model for offer in supply.catalog.offers()}
    found = {Subject(offer, models[offer], offer): life for offer, life in lives.offers.items()}
    found |= {Subject(model, model): life for model, life in lives.models.items()}
    return found | {
        Subject(name, model): life for model, there in lives.elsewhere.items() for name, life in there.items()
    }


def boards_of(looked: Iterable[Looked], supply: Supply) -> list[Shown]:
    """What boards showed, by model where a label means one: under another name a model does not appear again."""
    return [
        Shown(each.source, each.day, {model or label: model for label, model in _named(each, supply)})
        for each in looked
        if all(not row.provider for row in each.rows)
    ]


def _named(looked: Looked, supply: Supply) -> list[tuple[str, str | None]]:
    return [(row.label, supply.names.resolve_label(row.label)) for row in sorted(looked.rows)]
