"""The catalog that Podium brings, as the doors' tests want it: read once for each set of keys."""

import tempfile
from functools import cache
from pathlib import Path

import pytest

from gateway.catalog.supply import Supply
from tests.supplies import make_supply


@cache
def supply_of(*keys: str) -> Supply:
    """A supply where these keys are set, and no others."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        return make_supply(patch, Path(folder), *keys, sandbox="on")
