"""The worker's HTTP: questions to the book, runs to the replicas. It computes nothing and remembers nothing."""

import asyncio
import time
from typing import Any

from fastapi import FastAPI, Request, Response
from ray import serve
from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from podium_worker.calls import KEY_CHARS, Refused, answer_refusal, body_of, check_token, key_of, listed, refused
from podium_worker.checking import model_of, settled
from podium_worker.settings import WorkerSettings
from podium_worker.wire import PROTOCOL, Problem, RunBody, RunView

CALLS_MOST = 1_000
"""Calls at one time: none of them waits for a run."""

http = FastAPI(title="Podium worker", openapi_url=None)
http.add_exception_handler(Refused, answer_refusal)


@serve.deployment(max_ongoing_requests=CALLS_MOST, ray_actor_options={"num_cpus": 0})
@serve.ingress(http)
class Door:
    """HTTP in, questions to the book, runs to the replicas. It remembers nothing, so there may be several."""

    def __init__(
        self, settings: WorkerSettings, secret: str | None, book: DeploymentHandle, pools: dict[str, DeploymentHandle]
    ) -> None:
        self.settings, self.secret, self.book, self.pools = settings, secret, book, pools
        self.following: set[asyncio.Task[None]] = set()

    @http.post("/v1/runs", status_code=202)
    async def open(self, request: Request) -> RunView:
        check_token(request, self.secret)
        body = await body_of(request)
        if isinstance(model := model_of(self.settings, body), Problem):
            raise Refused(model)
        opened = await self.book.ask.remote("open", body, key_of(request))
        if isinstance(opened, Problem):
            raise Refused(opened)
        run, is_new = opened
        if is_new:
            self._follow(run, settled(model, body, run.seed))
        return run

    @http.get("/v1/runs/{id}")
    async def look(self, request: Request, id: str) -> RunView:
        return await self._run(request, "look", id)

    @http.post("/v1/runs/{id}/cancel")
    async def cancel(self, request: Request, id: str) -> RunView:
        return await self._run(request, "cancel", id)

    @http.get("/v1/runs/{id}/outputs/{number}")
    async def output(self, request: Request, id: str, number: int) -> Response:
        await self._run(request, "look", id)
        if (made := await self.book.ask.remote("output", id, number)) is None:
            raise refused("output_missing", f"{id} has no output {number}")
        return Response(made.data, media_type=made.mime)

    @http.get("/v1/models")
    async def models(self, request: Request) -> dict[str, Any]:
        check_token(request, self.secret)
        present = await self.book.ask.remote("present")
        held = {
            model.name: [each.loras for each in present if each.model == model.name] for model in self.settings.models
        }
        return {"models": [listed(model, held[model.name]) for model in self.settings.models]}

    @http.get("/v1/health")
    async def health(self, request: Request) -> dict[str, Any]:
        check_token(request, self.secret)
        present = await self.book.ask.remote("present")
        told = [each.model_dump(exclude={"loras"}) for each in present]
        queue = await self.book.ask.remote("queue")
        return {"status": "ok", "service": "podium-worker", "protocol": PROTOCOL, "queue": queue, "replicas": told}

    async def _run(self, request: Request, question: str, id: str) -> RunView:
        check_token(request, self.secret)
        run: RunView | None = await self.book.ask.remote(question, id)
        if run is None:
            raise refused("run_missing", f"no run {id[:KEY_CHARS]}: it is forgotten, or the worker began anew")
        return run

    def _follow(self, run: RunView, body: RunBody) -> None:
        following = asyncio.create_task(self._followed(run.id, body))
        self.following.add(following)
        following.add_done_callback(self.following.discard)

    async def _followed(self, id: str, body: RunBody) -> None:
        """Hand a run to Serve, which keeps it until a replica is free; a run that comes back unended is lost."""
        pool = self.pools[body.model].options(multiplexed_model_id=body.lora_set())
        message = "its replica ended it without a word"
        try:
            await pool.run.remote(id, body, time.time())
        except RayActorError:
            message = "its replica died"
        except (RayError, RayServeException) as error:
            message = f"{type(error).__name__}: {str(error)[:KEY_CHARS]}"
        finally:
            await self.book.ask.remote("lose", id, message)
