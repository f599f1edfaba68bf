"""Webhooks of providers over HTTP: bodies in, bounded; what they mean is decided elsewhere. They need no key."""

from typing import Any

from fastapi import APIRouter, Request

from gateway.assets.ingest import bounded
from gateway.callbacks.service import Callbacks

CALLBACK_BYTES = 16 * 1024 * 1024
"""A webhook may carry a picture or two inline; who sends more is asked for it instead."""


def routes(callbacks: Callbacks) -> APIRouter:
    router = APIRouter(tags=["callbacks"])

    @router.post("/v1/callbacks/{provider}/{name}")
    async def callback(provider: str, name: str, request: Request) -> dict[str, Any]:
        """For providers only: a run that they were given this address for has moved."""
        attempt_id = callbacks.addressed(provider, name)  # before the body is read: a stranger's is not
        body = b"".join([chunk async for chunk in bounded(request.stream(), CALLBACK_BYTES, "body")])
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await callbacks.heard(provider, attempt_id, headers, body)

    return router
