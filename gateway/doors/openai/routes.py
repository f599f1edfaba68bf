"""The OpenAI door over HTTP: all under /openai/v1, which is the base URL of its clients."""

from fastapi import APIRouter

from gateway.assembly import Parts
from gateway.doors.door import Door
from gateway.doors.openai import chat, errors, images, models, videos


def routes(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/openai/v1", tags=["the OpenAI door"])
    for noun in (images, videos, chat, models):
        router.include_router(noun.routes(parts))
    return router


DOOR = Door("/openai/", routes, errors.refusal)
