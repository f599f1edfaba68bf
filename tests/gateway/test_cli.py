"""The commands of an operator at the machine, as scripts and as people meet them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import migrations
from gateway.cli import app
from gateway.settings import settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder of one's own, no settings but the database's place, and no provider's key."""
    for name in ("PODIUM_KEY", "PODIUM_ADMIN_KEY", "PODIUM_URL", "PODIUM_SANDBOX", "PODIUM_CATALOG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("FAL_KEY", "REPLICATE_API_TOKEN", "OPENAI_API_KEY", "TOGETHER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PODIUM_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/podium.db")
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def migrated(place):
    migrations.upgrade(settings().database_url)
    return place


def ask(*words):
    return CliRunner().invoke(app, list(words))


def document(*words):
    """The one document that a command prints with --json."""
    result = ask(*words, "--json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""
    return json.loads(result.stdout)


def refusal(*words):
    """The one line that a refused command prints."""
    result = ask(*words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("podium: ") and result.stderr.count("\n") == 1
    return result.stderr


COMMANDS = [
    ["up"], ["serve"], ["work"], ["migrate"], ["demo"], ["generate"], ["route"], ["models"], ["offers"], ["loras"],
    ["fund"], ["keys", "create"], ["keys", "list"], ["keys", "revoke"], ["ledger", "verify"], ["refresh"], ["churn"],
    ["replay"], ["names", "unresolved"], ["names", "settle"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does(command):
    result = ask(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
    assert command == ["work"] or "--json" in result.stdout


def test_help_is_quick_for_it_loads_no_server_and_no_database():
    program = "import sys, gateway.cli; print({'fastapi', 'sqlalchemy', 'httpx', 'pydantic'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_migrate_says_from_where_to_where(place):
    first, second = document("migrate"), document("migrate")
    assert (first["from"], first["to"]) == (None, migrations.head())
    assert second["from"] == second["to"] == migrations.head()


def test_a_database_that_was_never_migrated_is_refused_with_the_command_that_helps(place):
    assert "podium migrate" in refusal("keys", "list")


def test_a_key_is_made_shown_once_listed_and_revoked(migrated):
    made = document("keys", "create", "Ann's app")
    assert made["id"].startswith("key_") and made["secret"].startswith("pk_") and made["role"] == "caller"
    [listed] = document("keys", "list")["data"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert document("keys", "revoke", made["id"])["revoked_at"]
    assert made["secret"] not in ask("keys", "list").stdout


def test_the_last_admin_key_stays(migrated):
    made = document("keys", "create", "root", "--role", "admin")
    assert "last admin" in refusal("keys", "revoke", made["id"])


def test_a_key_is_funded_and_the_same_reference_books_once(migrated):
    key = document("keys", "create", "ann")["id"]
    first = document("fund", key, "2.50", "--reference", "invoice-1")
    again = document("fund", key, "2.50", "--reference", "invoice-1")
    assert first == again == {"entry": first["entry"], "key": key, "usd": "2.50", "balance_usd": "2.50"}
    assert document("fund", key, "0.25")["balance_usd"] == "2.75"
    assert "invoice-1" in refusal("fund", key, "3", "--reference", "invoice-1")


@pytest.mark.parametrize("usd", ["nothing", "0", "NaN", "1e30"])
def test_an_amount_that_is_none_is_refused(migrated, usd):
    key = document("keys", "create", "ann")["id"]
    refusal("fund", key, usd)
    assert document("ledger", "verify")["entries"] == 0


def test_a_key_that_does_not_exist_is_neither_funded_nor_revoked(migrated):
    assert "there is no key key_no" in refusal("fund", "key_no", "1")
    assert "there is no key key_no" in refusal("keys", "revoke", "key_no")


def test_the_books_of_a_new_gateway_balance(migrated):
    key = document("keys", "create", "ann")["id"]
    document("fund", key, "1")
    report = document("ledger", "verify")
    assert report == {"ok": True, "entries": 1, "accounts": 2, "open_holds": 0, "findings": []}


def test_books_that_were_tampered_with_end_with_exit_code_1_and_a_finding(migrated):
    import sqlite3

    key = document("keys", "create", "ann")["id"]
    document("fund", key, "1")
    connection = sqlite3.connect(migrated / "podium.db")
    connection.execute("UPDATE account SET nanos = nanos + 1 WHERE name LIKE 'key:%'")
    connection.commit()
    connection.close()
    result = ask("ledger", "verify", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not report["ok"] and any(key in finding for finding in report["findings"])
    assert "do not balance" in result.stderr


def test_models_without_a_key_are_those_of_the_sandbox_and_all_are_many(migrated):
    here, everything = document("models")["data"], document("models", "--all")["data"]
    assert {each["offers"][0].partition("/")[0] for each in here} == {"sandbox"}
    assert len(everything) >= 40
    assert {"id", "tasks", "stage", "quality", "offers", "available"} <= everything[0].keys()


def test_a_provider_with_a_key_has_its_models_here(migrated, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-one")
    offered = [each["offers"] for each in document("models", "--task", "text")["data"]]
    assert "openai" in {offer.partition("/")[0] for offers in offered for offer in offers}


def test_offers_tell_prices_and_what_stands_in_their_way(migrated):
    rows = document("offers", "--task", "text-to-video")["data"]
    assert {"id", "provider", "model", "tasks", "prices", "stage", "obstacle"} <= rows[0].keys()
    assert all("text-to-video" in row["tasks"] for row in rows)
    obstacles = {row["provider"]: row["obstacle"] for row in rows}
    assert obstacles["sandbox"] is None
    assert obstacles["fal"] == "has no key: set FAL_KEY, or FAL_KEY_ID and FAL_KEY_SECRET"


def test_without_a_list_of_loras_it_is_said_where_one_belongs(migrated):
    assert document("loras")["data"] == [] and "loras.yaml" in ask("loras").stdout


def test_loras_are_those_of_the_operators_list_with_the_offers_that_take_them(migrated, monkeypatch, tmp_path):
    folder = tmp_path / "overlay"
    folder.mkdir()
    lora = "{ id: ink-wash, models: stability-ai/sdxl-1.0, at: { comfyui: ink.safetensors } }"
    (folder / "loras.yaml").write_text(f"loras:\n  - {lora}\n")
    monkeypatch.setenv("PODIUM_CATALOG_DIR", str(folder))
    settings.cache_clear()
    [row] = document("loras")["data"]
    assert (row["id"], row["offers"], row["available"]) == ("ink-wash", ["comfyui/stability-ai/sdxl-1.0"], False)
    assert "ink-wash" in ask("loras").stdout


def test_tables_for_people_do_not_cut_an_id(migrated):
    assert "sandbox/podium/sandbox-pictures-draft" in ask("offers").stdout
    key = document("keys", "create", "ann")["id"]
    assert key in ask("keys", "list").stdout


def test_an_unknown_task_is_refused_with_the_known_ones(migrated):
    assert "text-to-image" in refusal("offers", "--task", "dance")


def test_generate_without_a_key_says_where_keys_come_from(place):
    assert "PODIUM_KEY" in refusal("generate", "a fox", "--task", "text-to-image")


def test_generate_and_route_without_a_gateway_say_how_to_start_one(place, monkeypatch):
    monkeypatch.setenv("PODIUM_KEY", "pk_any")
    monkeypatch.setenv("PODIUM_URL", "http://127.0.0.1:9")
    settings.cache_clear()
    for command in ("generate", "route"):
        line = refusal(command, "a fox", "--task", "text-to-image")
        assert line == "podium: no gateway answers at http://127.0.0.1:9: start one with `podium up`\n"


def test_a_setting_that_is_wrong_is_named(place, monkeypatch):
    monkeypatch.setenv("PODIUM_PORT", "eighty")
    settings.cache_clear()
    assert "PODIUM_PORT" in refusal("keys", "list")


def test_a_port_that_is_taken_is_said_before_anything_is_touched(place, monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PODIUM_PORT", str(taken.getsockname()[1]))
        settings.cache_clear()
        assert "is taken" in refusal("up")
    assert not (place / "podium.db").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_up_tells_its_address_and_its_first_key_once_and_stops_cleanly(place, number):
    from gateway.settings import keyless_environment

    def run():
        environment = keyless_environment(
            [], PODIUM_DATABASE_URL=f"sqlite+aiosqlite:///{place}/up.db", PODIUM_STORE_URL=f"file://{place}/assets",
            PODIUM_PORT="0", PODIUM_SANDBOX="off", PYTHONPATH=str(ROOT),
        )  # fmt: skip
        child = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "up", "--no-dashboard", "--json"], cwd=place, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started = json.loads(child.stdout.readline())
        child.send_signal(number)
        rest, errors = child.communicate(timeout=30)
        assert (child.returncode, rest, errors) == (0, "", "")
        return started

    first, second = run(), run()
    assert first["url"].startswith("http://127.0.0.1:")
    assert first["sandbox_url"] is None
    assert first["admin"]["id"].startswith("key_") and first["admin"]["secret"].startswith("pk_")
    assert second["admin"] is None
