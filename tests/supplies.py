"""Supplies for tests: the catalog that Podium brings, with the keys, settings and further cards that a test says."""

import json
from collections.abc import Iterable
from datetime import datetime

import pytest

from gateway import settings as environment
from gateway.catalog.evidence import Belief
from gateway.catalog.supply import Supply, read_supply
from gateway.settings import Settings
from gateway.snapshots import starter
from router import latency, quality
from router.latency import Attempted

REAL_KEYS = ("OPENAI_API_KEY", "FAL_KEY", "REPLICATE_API_TOKEN", "TOGETHER_API_KEY")


def forget_environment(monkeypatch: pytest.MonkeyPatch, folder) -> None:
    """No key, no setting of ours and no `.env`: an empty folder to stand in."""
    for name in [name for name in environment.os.environ if name.upper().startswith("PODIUM_") or name in REAL_KEYS]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    environment.settings.cache_clear()
    environment._dotenv.cache_clear()


def make_supply(monkeypatch: pytest.MonkeyPatch, folder, *keys: str, card: str | None = None, **changes) -> Supply:
    """A supply where these keys are set, and nothing else is. `card`: a further provider's card, as YAML."""
    forget_environment(monkeypatch, folder)
    for key in keys:
        monkeypatch.setenv(key, "secret")
    if card is not None:
        (folder / "more" / "providers").mkdir(parents=True)
        (folder / "more" / "providers" / "own.yaml").write_text(card)
        changes["catalog_dir"] = folder / "more"
    return read_supply(Settings(**changes))


def starter_belief(supply: Supply, now: datetime, attempted: Iterable[Attempted] = ()) -> Belief:
    """What is believed by the standings that Podium brings, and by these attempts."""
    payloads = [json.loads(reading.payload) for reading in starter.readings()]
    standings = [row for each in payloads for row in quality.read_standings(each, supply.names.resolve_label)]
    qualities = quality.fold(standings, supply.models.values(), now.date())
    return Belief(f"ev_{now:%Y}", now, qualities, latency.fold_attempts(attempted, now))
