"""What a key is: who calls, in which role, and how its secret is kept. Pure; it makes no secret and finds no key."""

import hashlib
from enum import StrEnum
from typing import NamedTuple

SECRET_PREFIX = "pk_"
HINT_CHARS = 7
"""`pk_` and four more: enough for a person to tell their keys apart, no help to anyone else."""


class Role(StrEnum):
    ADMIN = "admin"
    CALLER = "caller"


class Plan(NamedTuple):
    """What a key may do, in money apart: that is for budgets. None and empty stand for no limit."""

    id: str
    name: str
    jobs_per_minute: int | None = None
    burst: int = 1
    concurrency: int | None = None
    models: tuple[str, ...] = ()
    margin_ppm: int = 0

    @property
    def even_s(self) -> float:
        """Seconds between jobs that come evenly at the plan's rate."""
        return 60 / self.jobs_per_minute if self.jobs_per_minute else 0.0


class Caller(NamedTuple):
    """Who is calling: a key that is in force, its project and its plan. `id` is the key's id."""

    id: str
    name: str
    role: Role
    project: str | None = None
    plan: "Plan | None" = None


def hash_secret(secret: str) -> str:
    """64 hex digits. Our secrets are 256 random bits, so no guessing helps and a slow hash would only cost time.

    Whoever sets the admin's secret must choose one as random.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def hint(secret: str) -> str:
    """How a list shows a key. A short secret, which only an operator can have set, is not shown in part."""
    return secret[:HINT_CHARS] if len(secret) >= 4 * HINT_CHARS else ""
