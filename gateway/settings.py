"""Settings from the environment or `.env`; the only reader of either, and nothing else."""

import os
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.schema import ProviderCard
from router.retirement import RETIRED_DAYS, STALE_DAYS

SANDBOX = "sandbox"
"""The name of our own provider's card."""


class Settings(BaseSettings):
    """Each has a default that works; docs/settings.md lists them all."""

    model_config = SettingsConfigDict(env_prefix="PODIUM_", env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field("sqlite+aiosqlite:///.podium/podium.db", description="SQLite, or postgresql+asyncpg://…")
    store_url: str = Field("file://.podium/assets", description="a folder, or s3://bucket/prefix")
    host: str = Field("127.0.0.1", description="where the gateway listens")
    port: int = Field(8700, ge=0, le=65_535, description="the gateway's port")
    dashboard_port: int = Field(8701, ge=0, le=65_535, description="the dashboard's port")
    dashboard_path: str = Field(
        "", max_length=200, pattern=r"^[\w/.~-]*$", description="the path under which a proxy serves the dashboard"
    )
    sandbox_port: int = Field(8702, ge=0, le=65_535, description="the port of the sandbox provider")
    sandbox_dir: Path = Field(Path(".podium/sandbox"), description="where the sandbox keeps its requests")
    admin_key: SecretStr | None = Field(None, description="the admin's key; made on the first start if not set")
    url: str | None = Field(None, description="where the command line finds a gateway; else at the host and port above")
    key: SecretStr | None = Field(None, description="the command line's key; else the admin's")
    public_url: str | None = Field(None, description="where providers and browsers reach this gateway from outside")
    sandbox: Literal["on", "off"] | None = Field(None, description="on while no provider has a key, unless set")
    feeds: Literal["on", "off"] | None = Field(
        None, description="reading boards, prices, notices and listings over the network; on while a provider has a key"
    )
    discover: str | None = Field(
        None, max_length=1_000,
        description="looking for engines every quarter of an hour: on for this host, or hosts by commas; else off",
    )  # fmt: skip
    catalog_dir: Path | None = Field(None, description="more provider cards and models, laid over the built-in ones")
    stale_days: int = Field(
        STALE_DAYS, ge=1, le=3_650, description="days after which an offer that nothing confirms is ranked last"
    )
    retired_days: int = Field(
        RETIRED_DAYS, ge=1, le=3_650, description="days after which an offer that nothing confirms is used no more"
    )
    webhooks_private: Literal["on", "off"] = Field(
        "off", description="on: webhooks may go to private addresses and over plain http"
    )
    webhooks_off_after_days: int = Field(
        5, ge=1, le=365, description="days of failures after which a webhook endpoint is turned off"
    )
    canary_usd_per_day: Decimal = Field(
        Decimal(0), ge=0, le=1_000, decimal_places=9,
        description="dollars a day for small jobs of our own on offers that nobody has used for a week; 0: none",
    )  # fmt: skip
    engines_every_s: float = Field(
        10, ge=1, le=3_600, description="seconds between two readings of the engines on your own machines"
    )
    arena_least_votes: int = Field(
        50, ge=1, le=1_000_000, description="votes that a model needs before the arena's own board shows it to routing"
    )
    workers: int = Field(64, ge=1, le=10_000, description="turns that one worker process takes at the same time")
    keep_attempts_days: int = Field(
        90, ge=0, le=36_500, description="days that calls and requests of ended attempts are kept; 0: for ever"
    )
    keep_decisions_days: int = Field(
        90, ge=0, le=36_500, description="days that decisions, their records and quotes are kept; 0: for ever"
    )
    keep_jobs_days: int = Field(
        0, ge=0, le=36_500, description="days that ended jobs are kept, with their attempts; 0: for ever"
    )
    keep_assets_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="days that uploads, inputs and outputs are kept; a week later their bytes go; 0: for ever",
    )
    log_level: str = Field("info", description="debug, info, warning or error")

    @property
    def gateway_url(self) -> str:
        """Where a command finds the gateway. One that listens on every address is called on this machine's own."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(
            self.host, f"[{self.host}]" if ":" in self.host else self.host
        )
        return (self.url or f"http://{host}:{self.port}").rstrip("/")


@cache
def settings() -> Settings:
    return Settings()


@cache
def _dotenv() -> dict[str, str | None]:
    return dict(dotenv_values(".env"))


def variable(name: str) -> str | None:
    """A variable that is not ours to name (a provider's key, say), from the environment or `.env`; blank is none."""
    value = os.environ.get(name)
    return (value if value is not None else _dotenv().get(name)) or None


def provider_key(card: ProviderCard) -> str | None:
    """The key under the first of a card's variables that is set; those of a pair must both be."""
    return next(filter(None, map(_joined, key_choices(card.key_env))), None)


def key_choices(key_env: str | None) -> tuple[tuple[str, ...], ...]:
    """The variables that a provider's key may lie in: "X | A:B" is X alone, or else A and B joined by a colon."""
    choices = (key_env or "").split("|")
    return tuple(tuple(name.strip() for name in each.split(":")) for each in choices if each.strip())


def _joined(names: tuple[str, ...]) -> str | None:
    found = [variable(name) for name in names]
    return ":".join(map(str, found)) if all(found) else None


def callback_secret(card: ProviderCard) -> str | None:
    """The secret under which a provider signs its webhooks, where it shares one with us."""
    return variable(card.callback_secret_env) if card.callback_secret_env else None


def base_url_variable(card: ProviderCard) -> str:
    return f"PODIUM_PROVIDER_{card.name.upper().replace('-', '_')}_BASE_URL"


def moved_base_url(card: ProviderCard) -> str | None:
    """`PODIUM_PROVIDER_<NAME>_BASE_URL`, where the operator moved a provider."""
    return variable(base_url_variable(card))


def provider_base_url(card: ProviderCard) -> str | None:
    """Where a provider is, if not where its card says. The sandbox that we start is at the port we gave it."""
    sandbox = f"http://127.0.0.1:{settings().sandbox_port}" if card.name == SANDBOX else None
    return moved_base_url(card) or sandbox


def usd_per_hour_variable(card: ProviderCard) -> str:
    return f"PODIUM_PROVIDER_{card.name.upper().replace('-', '_')}_USD_PER_HOUR"


def provider_usd_per_hour(card: ProviderCard) -> str | None:
    """`PODIUM_PROVIDER_<NAME>_USD_PER_HOUR`: what an hour of the machine under an engine costs its operator."""
    return variable(usd_per_hour_variable(card))


def feed_variable(name: str, word: Literal["URL", "EVERY"]) -> str:
    """`PODIUM_FEED_<NAME>_URL` and `…_EVERY`: where a source of readings is asked, and how often."""
    return f"PODIUM_FEED_{name.upper().replace('-', '_').replace('.', '_')}_{word}"


def keyless_environment(key_envs: Iterable[str], **changes: str) -> dict[str, str]:
    """The environment for a child process that must not spend money: no provider's key, no setting but `changes`."""
    taken_away = {name for each in key_envs for names in key_choices(each) for name in names}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in taken_away and not name.upper().startswith("PODIUM_")
    }
    return kept | changes
