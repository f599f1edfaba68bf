"""What is told to whom, how it is signed, and when it is tried again. Pure: chance comes in as a number."""

import ipaddress
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from standardwebhooks import Webhook


class Kind(StrEnum):
    """Events, by the names that receivers see."""

    JOB_STARTED = "job.started"
    JOB_FINISHED = "job.finished"
    WORKFLOW_FINISHED = "workflow.finished"
    BUDGET_THRESHOLD = "budget.threshold"
    MODEL_DEPRECATED = "model.deprecated"
    MODEL_STALE = "model.stale"
    MODEL_RETIRED = "model.retired"
    PRICE_CHANGED = "price.changed"
    ENDPOINT_DISABLED = "endpoint.disabled"
    TEST = "webhook.test"


PODIUM = "podium"
"""The shape of our own events. Others belong to doors, which tell a vendor's receivers in the vendor's words."""


class Notice(NamedTuple):
    """How an address that a job names for itself is told: in which shape, and of which events."""

    shape: str = PODIUM
    events: tuple[Kind, ...] = (Kind.JOB_FINISHED,)


OURS = Notice()
"""As the API's own callers are told."""


class Message(NamedTuple):
    """What is sent: a body, and headers that say what it is and prove whose."""

    body: str
    headers: Mapping[str, str]


ASKED_FOR = tuple(kind for kind in Kind if kind is not Kind.TEST)
"""Events that an endpoint may ask for; a test goes to the endpoint that is tested."""


class Status(StrEnum):
    """Of a delivery. A failed one is not tried again by itself."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


RETRIES_S = (30, 120, 600, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600)
"""Waits after the first, second, … failure: two days in all, so that a weekend's outage is half forgiven."""
JITTER = 0.2
"""Up to this share is added to a wait, so that all that failed together does not come back together."""
TRY_S = 15.0
"""The longest that a receiver may take to answer; who needs longer answers first and works afterwards."""
LEASE_S = 30.0
"""How long a delivery is one worker's: a try and its commit, with room. It needs no heartbeat."""
OVERLAP = timedelta(hours=24)
"""How long a secret that was replaced still signs beside the new one."""
OVERLAP_MOST = timedelta(days=7)
SECRETS = 4
"""Secrets in force at the same moment: each adds a signature to the header; the oldest goes first."""
BODY_BYTES = 1024 * 1024
"""A body larger than this is told without its data: receivers and their proxies commonly refuse more."""
SAID_CHARS = 500
"""What is kept of an answer: enough to see what went wrong, too little to be a store of other people's pages."""
URL_CHARS = 2_000


class Again(NamedTuple):
    """The delivery failed for now and is tried again after a wait."""

    wait_s: float


class Heard(NamedTuple):
    """What came of one try: a status and what was said, or the reason why nothing came."""

    status: int | None
    said: str
    error: str | None
    seconds: float
    retry_after_s: float | None = None

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver says that there is nobody any more, and never will be."""
        return self.status == 410


def after_try(heard: Heard, step: int, chance: float) -> Again | Status:
    """What follows the try that comes after `step` waits of the schedule; `chance` is in 0..1."""
    if heard.is_delivered:
        return Status.DELIVERED
    if heard.is_gone or step >= len(RETRIES_S):
        return Status.FAILED
    wait_s = RETRIES_S[step] * (1 + JITTER * chance)
    return Again(max(wait_s, min(heard.retry_after_s or 0.0, RETRIES_S[-1])))


def is_hopeless(failing_since: datetime | None, now: datetime, days: int) -> bool:
    """Whether an endpoint has failed for so long that it is turned off."""
    return failing_since is not None and now - failing_since >= timedelta(days=days)


def body_of(kind: str, at: datetime, subject: str, data: Mapping[str, Any]) -> str:
    """The document that is signed and sent. The same event has the same body at every try, links in it apart."""
    told = {"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z")}
    body = json.dumps(told | {"data": data}, separators=(",", ":"))
    if len(body) <= BODY_BYTES:
        return body
    return json.dumps(told | {"data": {"id": subject, "too_large": True}}, separators=(",", ":"))


def headers_of(event_id: str, body: str, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Standard Webhooks (https://www.standardwebhooks.com, 2026-11-21): a signature under each secret in force.

    The time is that of the try: receivers refuse what is older than five minutes, and a retry may come a day later.
    """
    signatures = [Webhook(secret).sign(event_id, now, body) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def refusal(url: str, is_private_allowed: bool) -> str | None:
    """Why nothing can be sent to an address, as far as its words show; what its name leads to is seen when sending."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    schemes = ("http", "https") if is_private_allowed else ("https",)
    if parts.scheme not in schemes or not host or len(url) > URL_CHARS or not url.isprintable() or " " in url:
        return f"must be an {' or '.join(schemes)} address of at most {URL_CHARS} characters"
    if parts.username is not None or parts.password is not None:
        return "must hold no name and password: the signature says who calls"
    if not is_private_allowed and (_is_private_literal(host) or host == "localhost" or host.endswith(".localhost")):
        return "must lead to a public address"
    return None


def _is_private_literal(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def origin(url: str) -> str:
    """Who is spoken to at an address: deliveries to one origin share their lane."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def retry_after_s(value: str | None) -> float | None:
    """Seconds that a `Retry-After` asks for; a date in it is passed over, the schedule serves as well."""
    return float(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None
