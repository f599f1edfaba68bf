"""This gateway's own key for fal's webhooks: made once, kept with its secrets, its public half shown to everybody.

The layout is fal's (docs.fal.ai, webhooks, 2026-11-20): `adapters.callbacks` verifies what is signed here.
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from gateway.assets.signing import ensure_secret
from gateway.db import Database

PATH = "/fal/.well-known/jwks.json"
NAME = "fal-door-webhooks"
"""Of the secret, among the gateway's own."""
KEPT_S = 3_600
"""How long receivers are told that they may keep the public key."""


def is_open(method: str, path: str) -> bool:
    """Whether a path needs no key: a receiver has none of ours."""
    return method == "GET" and path == PATH


@dataclass
class Signer:
    """Holds the key once it was asked for; every replica has the same one."""

    db: Database
    known: Ed25519PrivateKey | None = None

    async def key(self) -> Ed25519PrivateKey:
        if self.known is None:
            secret = await self.db.together(lambda connection: ensure_secret(connection, NAME))
            self.known = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(secret + "="))
        return self.known


def jwks(key: Ed25519PrivateKey) -> dict[str, list[dict[str, str]]]:
    """The public half as a JWKS (RFC 8037)."""
    shown = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": shown}]}


def headers_of(key: Ed25519PrivateKey, request_id: str, user_id: str, body: str, now: datetime) -> dict[str, str]:
    """Signed are the request, whose it is, the time of the try in seconds, and the body's SHA-256, a line each."""
    at = str(int(now.timestamp()))
    words = "\n".join([request_id, user_id, at, hashlib.sha256(body.encode()).hexdigest()])
    return {
        "content-type": "application/json",
        "x-fal-webhook-request-id": request_id,
        "x-fal-webhook-user-id": user_id,
        "x-fal-webhook-timestamp": at,
        "x-fal-webhook-signature": key.sign(words.encode()).hex(),
    }


def routes(signer: Signer) -> APIRouter:
    router = APIRouter(tags=["the fal door"])

    @router.get(PATH, response_class=Response)
    async def keys() -> Response:
        """The public key that webhooks of this door are signed with; it needs no key."""
        return JSONResponse(jwks(await signer.key()), headers={"cache-control": f"public, max-age={KEPT_S}"})

    return router
