"""Settings come from the environment, then `.env`, then defaults that work; keys of providers from their own names."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.schema import ProviderCard
from gateway import settings as environment
from gateway.settings import Settings
from tests.supplies import forget_environment


@pytest.fixture(autouse=True)
def empty(monkeypatch, tmp_path):
    forget_environment(monkeypatch, tmp_path)
    monkeypatch.delenv("SOME_KEY", raising=False)
    yield tmp_path
    environment.settings.cache_clear()
    environment._dotenv.cache_clear()


def card(name="my-box", key_env="SOME_KEY", **more):
    known = {"name": name, "title": "Ours", "dialect": "fal", "base_url": "http://box", "offers": ()}
    return ProviderCard(**known, key_env=key_env, **more)


def test_the_defaults_need_nothing_and_reach_nobody_outside():
    found = Settings()
    assert found.database_url == "sqlite+aiosqlite:///.podium/podium.db" and found.store_url.startswith("file://")
    assert (found.host, found.port, found.dashboard_port, found.sandbox_port) == ("127.0.0.1", 8700, 8701, 8702)
    assert (found.admin_key, found.public_url, found.sandbox, found.catalog_dir) == (None, None, None, None)


VALUES = {
    "database_url": "postgresql+asyncpg://x/y", "store_url": "s3://bucket/here", "host": "0.0.0.0", "port": "1",
    "dashboard_port": "2", "dashboard_path": "podium", "sandbox_port": "3", "sandbox_dir": "a/b",
    "admin_key": "pk_a", "url": "http://x", "key": "pk_b",
    "public_url": "https://p", "sandbox": "off", "catalog_dir": "c", "workers": "7",
    "engines_every_s": "20.0",
    "canary_usd_per_day": "0.25", "arena_least_votes": "7",
    "discover": "gpu-1,gpu-2:8188", "stale_days": "5", "retired_days": "60", "feeds": "off", "keep_jobs_days": "30",
    "keep_assets_days": "400", "keep_attempts_days": "20",
    "keep_decisions_days": "10", "log_level": "debug", "webhooks_private": "on", "webhooks_off_after_days": "9",
}  # fmt: skip


def plain(value):
    return value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)


def test_the_table_of_values_leaves_no_setting_out():
    assert set(VALUES) == set(Settings.model_fields)


@pytest.mark.parametrize("name", VALUES)
def test_every_setting_is_read_by_its_name(monkeypatch, name):
    monkeypatch.setenv(f"PODIUM_{name.upper()}", VALUES[name])
    assert plain(getattr(Settings(), name)) == VALUES[name] != plain(Settings.model_fields[name].default)


def test_a_file_is_read_and_the_environment_goes_before_it(empty, monkeypatch):
    (empty / ".env").write_text("PODIUM_PORT=9001\nPODIUM_WORKERS=3\nSOME_KEY=from_file\nOTHER=1\n")
    monkeypatch.setenv("PODIUM_WORKERS", "4")
    assert (Settings().port, Settings().workers) == (9001, 4)
    assert environment.provider_key(card()) == "from_file"
    monkeypatch.setenv("SOME_KEY", "from_environment")
    assert environment.provider_key(card()) == "from_environment"


def test_a_blank_variable_takes_a_key_of_the_file_away(empty, monkeypatch):
    (empty / ".env").write_text("SOME_KEY=from_file\n")
    monkeypatch.setenv("SOME_KEY", "")
    assert environment.provider_key(card()) is None


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({}, None),
        ({"PLAIN": "p"}, "p"),
        ({"ACCESS": "a", "SECRET": "s"}, "a:s"),
        ({"ACCESS": "a"}, None),
        ({"ACCESS": "", "SECRET": "s"}, None),
        ({"PLAIN": "p", "ACCESS": "a", "SECRET": "s"}, "p"),
    ],
)
def test_a_key_is_the_first_choice_of_which_all_parts_are_set(monkeypatch, variables, key):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    known = card(key_env="PLAIN | ACCESS:SECRET")
    assert environment.provider_key(known) == key
    assert environment.key_choices(known.key_env) == (("PLAIN",), ("ACCESS", "SECRET"))
    assert environment.key_choices(None) == ()


def test_the_secret_of_a_providers_webhooks_is_where_its_card_says(monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", "whsec_x")
    assert environment.callback_secret(card(callback_secret_env="HOOK_SECRET")) == "whsec_x"
    assert environment.callback_secret(card()) is None


def test_a_child_process_gets_no_part_of_a_key(monkeypatch):
    for name in ("PLAIN", "ACCESS", "SECRET"):
        monkeypatch.setenv(name, "x")
    found = environment.keyless_environment(["PLAIN | ACCESS:SECRET"])
    assert not {"PLAIN", "ACCESS", "SECRET"} & found.keys()


def test_a_provider_without_a_variable_has_no_key(monkeypatch):
    assert environment.provider_key(card(key_env=None)) is None
    assert environment.provider_key(card()) is None
    assert environment.variable("") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "-1"), ("port", "70000"), ("port", "x"), ("sandbox", "maybe"), ("workers", "0"), ("workers", "10001")],
)
def test_a_setting_with_a_fault_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"PODIUM_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_secrets_are_not_printed(monkeypatch):
    monkeypatch.setenv("PODIUM_ADMIN_KEY", "pk_very_secret")
    assert "very_secret" not in repr(Settings()) + str(Settings()) + Settings().model_dump_json()


def test_settings_are_read_once_and_never_changed():
    assert environment.settings() is environment.settings()
    with pytest.raises(ValidationError):
        environment.settings().port = 1


def test_an_operator_moves_a_provider_by_its_name_in_capitals(monkeypatch):
    assert environment.provider_base_url(card()) is None
    monkeypatch.setenv("PODIUM_PROVIDER_MY_BOX_BASE_URL", "http://127.0.0.1:9/v1")
    assert environment.provider_base_url(card()) == environment.moved_base_url(card()) == "http://127.0.0.1:9/v1"
    assert environment.provider_base_url(card("other")) is None


def test_the_sandbox_is_at_the_port_that_we_gave_it_unless_it_was_moved(monkeypatch):
    monkeypatch.setenv("PODIUM_SANDBOX_PORT", "9998")
    assert environment.provider_base_url(card("sandbox")) == "http://127.0.0.1:9998"
    assert environment.moved_base_url(card("sandbox")) is None
    monkeypatch.setenv("PODIUM_PROVIDER_SANDBOX_BASE_URL", "http://127.0.0.1:9/x")
    assert environment.provider_base_url(card("sandbox")) == "http://127.0.0.1:9/x"


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "http://127.0.0.1:8700"),
        ({"host": "0.0.0.0", "port": 9}, "http://127.0.0.1:9"),
        ({"host": "::"}, "http://[::1]:8700"),
        ({"host": "fd00::7"}, "http://[fd00::7]:8700"),
        ({"host": "box.local"}, "http://box.local:8700"),
        ({"url": "https://podium.example/"}, "https://podium.example"),
    ],
)
def test_a_command_finds_the_gateway(changes, url):
    assert Settings(**changes).gateway_url == url


def test_a_child_process_gets_no_key_and_no_setting_but_what_is_said(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret")
    monkeypatch.setenv("PODIUM_PORT", "1")
    monkeypatch.setenv("HARMLESS", "yes")
    found = environment.keyless_environment(["SOME_KEY"], PODIUM_SANDBOX="on")
    assert found["HARMLESS"] == "yes" and found["PODIUM_SANDBOX"] == "on"
    assert not {"SOME_KEY", "PODIUM_PORT"} & found.keys()


def test_paths_are_paths(monkeypatch):
    monkeypatch.setenv("PODIUM_CATALOG_DIR", "more/cards")
    assert Settings().catalog_dir == Path("more/cards")
