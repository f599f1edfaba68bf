"""The address that a provider calls when a run ends: one for each attempt, and nobody can guess it. Pure."""

import hashlib
import hmac
import json
from typing import Any

PATH = "/v1/callbacks/"
CHALLENGE_CHARS = 1_000
"""A challenge that is echoed: a word, not a page."""


def address(public_url: str, provider: str, attempt: str, secret: str) -> str:
    """Where a provider reports on one attempt."""
    return f"{public_url.rstrip('/')}{PATH}{provider}/{attempt}.{token(provider, attempt, secret)}"


def token(provider: str, attempt: str, secret: str) -> str:
    """What makes the address unguessable: of this attempt at this provider, so it opens nobody else's door."""
    return hmac.new(secret.encode(), f"podium callback {provider} {attempt}".encode(), hashlib.sha256).hexdigest()


def attempt_of(provider: str, name: str, secret: str) -> str | None:
    """The attempt that the last part of an address tells of, or None if we did not make that address."""
    attempt, _, proof = name.rpartition(".")
    return attempt if hmac.compare_digest(token(provider, attempt, secret).encode(), proof.encode()) else None


def challenge(body: bytes) -> str | None:
    """The word that MiniMax wants back within three seconds before it calls an address (seen 2026-11)."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    word = said.get("challenge") if isinstance(said, dict) and len(said) == 1 else None
    return word if isinstance(word, str) and len(word) <= CHALLENGE_CHARS else None
