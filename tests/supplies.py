"""Supplies for tests: the catalog that Podium brings, with the keys, settings and further cards that a test says."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from adapters.registry import load_catalog
from gateway import settings as environment
from gateway.catalog.evidence import Belief
from gateway.catalog.supply import Supply, read_supply
from gateway.settings import Settings
from gateway.snapshots import starter
from router import latency, quality
from router.latency import Attempted

REAL_KEYS = tuple(
    sorted({name for card in load_catalog().cards.values() for name in re.findall(r"[A-Z0-9_]+", card.key_env or "")})
)
"""Every variable that a provider's key is read from."""


def forget_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No key, no setting of ours and no `.env`: an empty folder to stand in."""
    for name in [name for name in environment.os.environ if name.upper().startswith("PODIUM_") or name in REAL_KEYS]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
    environment.settings.cache_clear()
    environment._dotenv.cache_clear()


def make_supply(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *keys: str,
    variables: Mapping[str, str] | None = None,
    card: str | None = None,
    **changes: object,
) -> Supply:
    """A supply where these keys and variables are set, and nothing else is. `card`: a further card, as YAML."""
    forget_environment(monkeypatch, folder)
    for name, value in (dict.fromkeys(keys, "secret") | dict(variables or {})).items():
        monkeypatch.setenv(name, value)
    if card is not None:
        (folder / "more" / "providers").mkdir(parents=True, exist_ok=True)
        (folder / "more" / "providers" / "own.yaml").write_text(card)
        changes["catalog_dir"] = folder / "more"
    try:
        return read_supply(Settings.model_validate(changes))
    finally:
        environment.settings.cache_clear()  # it was read in this folder, for this test
        environment._dotenv.cache_clear()


def starter_belief(supply: Supply, now: datetime, attempted: Iterable[Attempted] = ()) -> Belief:
    """What is believed by the standings that Podium brings, and by these attempts."""
    payloads = [json.loads(reading.payload) for reading in starter.readings()]
    standings = [row for each in payloads for row in quality.read_standings(each, supply.names.resolve_label)]
    qualities = quality.fold(standings, supply.models.values(), now.date())
    return Belief(f"ev_{now:%Y}", now, qualities, latency.fold_attempts(attempted, now))
