"""The OpenAI door over HTTP: under /openai/v1, what a client with that base URL asks for."""

from fastapi import APIRouter

from gateway.assembly import Parts
from gateway.doors.door import Door
from gateway.doors.openai import errors


def routes(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/openai/v1", tags=["the OpenAI door"])
    return router


DOOR = Door("/openai/", routes, errors.refusal)
