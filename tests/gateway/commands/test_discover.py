"""`podium discover` for people: what answers, what it would be, and never over a file that is there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.simulators import a1111
from tests.simulators.server import Server
from tests.supplies import forget_environment


def test_what_is_found_is_shown_with_its_card_and_written_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_environment(monkeypatch, tmp_path)
    with Server(a1111.SIMULATED) as server:
        shown = CliRunner().invoke(app, ["discover", "--host", server.url])
        first, second = (
            CliRunner().invoke(app, ["discover", "--host", server.url, "--write", str(tmp_path)]) for _ in range(2)
        )
    assert shown.exit_code == 0 and "1 known, 1 not" in shown.stdout
    assert f"PODIUM_PROVIDER_A1111_BASE_URL={server.url}" in shown.stdout and "name: a1111" in shown.stdout
    assert "written: " in first.stdout and "left as it is: " in second.stdout and "name: a1111" not in first.stdout


def test_a_range_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_environment(monkeypatch, tmp_path)
    refused = CliRunner().invoke(app, ["discover", "--host", "10.0.0.0/24"])
    assert refused.exit_code == 1 and "ranges of addresses are not searched" in refused.stderr
