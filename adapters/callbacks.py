"""Whether a webhook comes from the provider whose name it bears: each provider's own way to sign one. Pure.

It reads no more of a body than its bytes, and judges nothing by it: what a run came to is asked of the provider.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.schema import CallbackSignature

TOLERANCE_S = 300
"""How far the time that was signed may be from ours, as each of these providers' own pages say: beyond it, a replay."""
KEYS = 16
"""Public keys of one provider that are tried; a list longer than this is no list of keys."""
SECRETS = frozenset[CallbackSignature]({"standard_webhooks", "wavespeed_hmac", "synthesia_hmac"})
"""Signatures under a secret that the provider shares with us."""
KEYS_AT: dict[CallbackSignature, str] = {
    "fal_ed25519": "https://rest.fal.ai/.well-known/jwks.json",
    "ideogram_ed25519": "/v1/.well-known/jwks.json",
}
"""Where the public keys of the other signatures are published, as the url of a Call (2026-11-20)."""


def verified(
    signature: CallbackSignature,
    headers: Mapping[str, str],
    body: bytes,
    secret: str | None,
    keys: Sequence[bytes],
    now: datetime,
) -> bool:
    """Whether a webhook is signed as the provider signs. `headers` has lower-case names; `body` is as it came.

    `secret` and `keys` (raw Ed25519 public keys) are for the signatures that need them. `unsigned` is never verified.
    """
    match signature:
        case "fal_ed25519":
            return _ed25519("x-fal-webhook", ("request-id", "user-id", "timestamp"), headers, body, keys, now)
        case "ideogram_ed25519":
            return _ed25519("x-ideogram-webhook", ("generation-id", "user-id", "timestamp"), headers, body, keys, now)
        case "standard_webhooks":
            return bool(secret) and _webhook("v1", _standard(str(secret)), headers, body, now)
        case "wavespeed_hmac":
            # Their own version: the words of the secret are the key, where the standard decodes them.
            return bool(secret) and _webhook("v3", str(secret).removeprefix("whsec_").encode(), headers, body, now)
        case "synthesia_hmac":
            return bool(secret) and _synthesia(str(secret).encode(), headers, body, now)
        case "unsigned":
            return False


def read_keys(document: Any) -> tuple[bytes, ...]:
    """The raw public keys of a JWKS (RFC 8037: `kty` OKP, `crv` Ed25519). Raises what a document of another shape does.

    LookupError, TypeError, ValueError, AttributeError.
    """
    listed = [each for each in document["keys"] if (each.get("kty"), each.get("crv")) == ("OKP", "Ed25519")]
    return tuple(base64.urlsafe_b64decode(each["x"] + "=" * (-len(each["x"]) % 4)) for each in listed[:KEYS])


def _ed25519(
    prefix: str, names: tuple[str, ...], headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: datetime
) -> bool:
    """Signed are three headers and the body's SHA-256, a line each."""
    said = [headers.get(f"{prefix}-{name}", "") for name in names]
    if not all(said) or not _is_fresh(said[-1], now):
        return False
    words = "\n".join([*said, hashlib.sha256(body).hexdigest()]).encode()
    try:
        proof = bytes.fromhex(headers.get(f"{prefix}-signature", ""))
    except ValueError:
        return False
    return any(_is_by(key, proof, words) for key in keys[:KEYS])


def _is_by(key: bytes, proof: bytes, words: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(proof, words)
    except (InvalidSignature, ValueError):
        return False
    return True


def _webhook(version: str, key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """https://www.standardwebhooks.com (2026-11-20), and what was made of it: HMAC-SHA256 of `id.timestamp.body`.

    There may be several signatures, one for each secret while an old one is replaced; v1 is base64, WaveSpeed's v3 hex.
    """
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not name or not key or not _is_fresh(at, now):
        return False
    digest = hmac.digest(key, f"{name}.{at}.".encode() + body, "sha256")
    wanted = f"{version},{base64.b64encode(digest).decode() if version == 'v1' else digest.hex()}"
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(wanted.encode(), each.encode()) for each in given)


def _standard(secret: str) -> bytes:
    """`whsec_` and base64; a secret that is not so is used as it is, as OpenAI's library does."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        return b""


def _synthesia(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    at = headers.get("synthesia-timestamp", "")
    if not _is_fresh(at, now):
        return False
    wanted = hmac.digest(key, f"{at}.".encode() + body, "sha256").hex()
    return hmac.compare_digest(wanted.encode(), headers.get("synthesia-signature", "").encode())


def _is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether a time in seconds since 1970 is of these minutes. ASCII digits only: int() would take others too."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE_S
