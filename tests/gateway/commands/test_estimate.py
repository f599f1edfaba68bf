"""`podium estimate` as scripts and people meet it: a published table, the errors, and what the document shows."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.supplies import forget_environment

ROOT = Path(__file__).resolve().parents[3]
MOVIE_GEN = str(ROOT / "docs/assumptions/movie-gen.yaml")


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    forget_environment(monkeypatch, tmp_path)


def ask(*words):
    return CliRunner().invoke(app, ["estimate", *words])


def document(*words):
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_published_table_is_met_to_its_printed_digits():
    found = document("movie-gen-bare", "--on", "h100x8", "--assumptions", MOVIE_GEN)
    assert f"{found['flop_layer'] / 1e12:.1f}" == "200.4"
    assert f"{found['flop'] / 1e12:.0f}" == "480926"
    assert found["bytes"] == 56_700 * 2**30
    assert f"{found['seconds']:.1f}" == "60.8"
    assert found["outputs_per_hour"] == 59.2
    assert f"{float(found['usd_each']):.2f}" == "0.27"
    assert found["assumptions"]["tokens"] == 73_728
    other = document("movie-gen-bare", "--on", "pflops-4.65", "--assumptions", MOVIE_GEN)
    assert f"{other['seconds']:.1f}" == "103.4"
    assert other["bytes"] == found["bytes"]


def test_people_see_the_same_figures():
    shown = ask("movie-gen-bare", "--on", "h100x8", "--assumptions", MOVIE_GEN).stdout
    for figure in ("200.4 TFLOP", "480,926 TFLOP", "56,700 GiB", "60.8 s", "59.2", "0.27 USD"):
        assert figure in shown


def test_the_errors_beside_published_runs_are_printed_and_the_worst_is_named():
    found = document("--check")
    assert found["one_device"]["median_error"] <= 0.10
    assert found["one_device"]["runs"] == sum(row["one_device"] for row in found["runs"])
    worst = max((row for row in found["runs"] if row["one_device"]), key=lambda row: abs(row["error"]))
    assert found["one_device"]["worst"] == worst
    shown = ask("--check").stdout
    assert re.search(r"runs on one GPU: error \d\.\d% in the median", shown)
    assert worst["model"] in shown.partition("worst ")[2]


def told(command):
    """What the document says that a command prints."""
    text = (ROOT / "docs/compute.md").read_text(encoding="utf-8")
    found = re.search(rf"```console\n\$ podium {re.escape(command)}\n(.*?)\n```", text, re.DOTALL)
    assert found, command
    return found[1]


@pytest.mark.parametrize(
    "command", ["estimate --check", "estimate movie-gen-bare --on h100x8 --assumptions docs/assumptions/movie-gen.yaml"]
)
def test_the_document_shows_what_the_command_prints(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    printed = ask(*command.split()[1:]).stdout
    assert told(command) == "\n".join(line.rstrip() for line in printed.rstrip().splitlines())


def test_without_a_model_it_says_what_there_is():
    found = document()
    assert {"wan-2.2-a14b", "flux-1-dev"} <= {each["name"] for each in found["models"]}
    assert {"h100", "rtx-4090"} <= {each["name"] for each in found["machines"]}
    assert "wormhole-galaxy" in ask().stdout


def test_rent_or_host_is_said_in_a_sentence_either_way():
    offer = ("--against", "auto")
    assert "rent: a machine of your own never costs less" in ask("wan-2.2-a14b", "--on", "h100", *offer).stdout
    cheap = ask("flux-1-dev", "--on", "rtx-5090", "--precision", "fp8", "--usd-per-hour", "0.01", *offer).stdout
    assert re.search(r"host from [\d,]+ outputs a month on \(\d+% of what it can make\); below, rent", cheap)


def test_what_a_machine_takes_no_price_for_is_said():
    assert "no price is known: give --usd-per-hour" in ask("flux-1-dev", "--on", "l20").stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["flux-1-dev"], "podium: on: Field required\n"),
        (["dreams", "--on", "h100"], "podium: no architecture named dreams is known"),
        (["flux-1-dev", "--on", "h100", "--assumptions", "none.yaml"], "podium: none.yaml: there is no such file\n"),
        (["flux-1-dev", "--on", "h100", "--usd-per-hour", "cheap"], "podium: usd_per_hour: "),
    ],
)
def test_a_fault_is_one_line_and_a_failure(words, line):
    result = ask(*words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(line) and result.stderr.count("\n") == 1
