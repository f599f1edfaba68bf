"""A small typed client of Podium's API for Python programs: it asks over HTTP as anyone would, and decides nothing.

    with Podium("http://127.0.0.1:8700", key) as podium:
        job = podium.generate(task="text-to-image", prompt="a red fox in fresh snow")
        podium.download(job.outputs[0], "fox.png")

`AsyncPodium` has the same methods, to be awaited. What an operation asks, in which order, is written once, as a
generator of calls; the two clients only send them. One file, long as it is, so that a program can take it along.
"""

import json
import mimetypes
import secrets
import time
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import anyio
import httpx
from pydantic import BaseModel, ConfigDict

ANSWER_S = 90.0
"""The longest silence: the gateway holds a connection for a minute at most."""
CONNECT_S = 5.0
WAIT_S = 30
"""How long one question for a job's end may be held by the gateway."""
TRIES = 4
"""A question that found nobody is asked again so often, where that is harmless."""
PAUSE_S = 0.5
CHUNK_BYTES = 1 << 20
FINAL = frozenset({"succeeded", "failed", "canceled"})

T = TypeVar("T")


class PodiumError(Exception):
    """The gateway refused, and says what to do. `problem` is its whole answer (RFC 9457), `code` its machine's word."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, dict(problem)
        self.code = str(problem.get("code", "unknown"))
        super().__init__(str(problem.get("detail") or f"the gateway answered {status}"))


class JobFailed(PodiumError):
    """The job ended without what was asked for. `job` is how it ended."""

    def __init__(self, job: "Job") -> None:
        error = job.error or {}
        super().__init__(200, {"code": error.get("code", job.status), "detail": error.get("message", job.status)})
        self.job = job


class WorkflowFailed(PodiumError):
    """The workflow ended without all that was asked for. `workflow` is how it ended."""

    def __init__(self, workflow: "Workflow") -> None:
        error = workflow.error or {"message": workflow.status}
        super().__init__(200, {"code": error.get("code", workflow.status), "detail": error["message"]})
        self.workflow = workflow


class _Read(BaseModel):
    """What the gateway says. Fields that this version does not know are kept, and no error."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Output(_Read):
    """One piece of media, or words (`text`) where there is no asset."""

    asset: str | None = None
    url: str | None = None
    mime: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    text: str | None = None


class Cost(_Read):
    """USD. `cost_usd` is there once the job is settled; `source` says whose word it is."""

    quote_usd: Decimal
    held_usd: Decimal
    cost_usd: Decimal | None = None
    source: str | None = None


class Job(_Read):
    id: str
    status: str
    task: str
    model: str
    offer: str
    progress: float = 0.0
    outputs: tuple[Output, ...] = ()
    cost: Cost
    decision: str
    adjustments: tuple[dict[str, Any], ...] = ()
    error: dict[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class Step(_Read):
    """A step of a workflow; `job` is there once it has one."""

    id: str
    status: str
    after: tuple[str, ...] = ()
    job: str | None = None
    outputs: tuple[Output, ...] = ()
    cost_usd: Decimal | None = None
    error: dict[str, Any] | None = None


class Workflow(_Read):
    id: str
    status: str
    progress: float = 0.0
    quote_usd: Decimal
    max_cost_usd: Decimal | None = None
    held_usd: Decimal
    cost_usd: Decimal
    steps: tuple[Step, ...]
    error: dict[str, Any] | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def step(self, name: str) -> Step:
        """The step of that id. Raises KeyError if there is none."""
        return {step.id: step for step in self.steps}[name]


class Asset(_Read):
    id: str
    mime: str
    size_bytes: int


class Quote(_Read):
    id: str
    quote_usd: Decimal
    expires_at: str
    decision: dict[str, Any]


class Ask(NamedTuple):
    """One call. It may be repeated after a broken connection if it only reads, or carries a key of its own."""

    method: str
    path: str
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = {}

    @property
    def is_harmless(self) -> bool:
        return self.method == "GET" or "idempotency-key" in self.headers


Steps = Generator[Ask, httpx.Response, T]


def _job(answer: httpx.Response) -> Job:
    return Job.model_validate(_read(answer))


def _submitted(body: Mapping[str, Any], idempotency_key: str | None, wait_s: int = 0) -> Steps[Job]:
    headers = {"idempotency-key": idempotency_key or f"py_{secrets.token_hex(16)}"}
    headers |= {"prefer": f"wait={wait_s}"} if wait_s else {}
    return _job((yield Ask("POST", "/v1/jobs", json=dict(body), headers=headers)))


def _waited(job: Job) -> Steps[Job]:
    """Ask until the job has ended. Raises JobFailed unless it succeeded."""
    while not job.is_final:
        job = _job((yield Ask("GET", f"/v1/jobs/{job.id}", headers={"prefer": f"wait={WAIT_S}"})))
    if job.status != "succeeded":
        raise JobFailed(job)
    return job


def _generated(body: Mapping[str, Any], idempotency_key: str | None) -> Steps[Job]:
    return (yield from _waited((yield from _submitted(body, idempotency_key, WAIT_S))))


def _seen(job_id: str) -> Steps[Job]:
    return _job((yield Ask("GET", f"/v1/jobs/{job_id}")))


def _awaited(job_id: str) -> Steps[Job]:
    return (yield from _waited((yield from _seen(job_id))))


def _canceled(job_id: str) -> Steps[Job]:
    return _job((yield Ask("POST", f"/v1/jobs/{job_id}/cancel")))


def _workflow(answer: httpx.Response) -> Workflow:
    return Workflow.model_validate(_read(answer))


def _workflow_begun(body: Mapping[str, Any], idempotency_key: str | None) -> Steps[Workflow]:
    headers = {"idempotency-key": idempotency_key or f"py_{secrets.token_hex(16)}"}
    return _workflow((yield Ask("POST", "/v1/workflows", json=dict(body), headers=headers)))


def _workflow_seen(workflow_id: str) -> Steps[Workflow]:
    return _workflow((yield Ask("GET", f"/v1/workflows/{workflow_id}")))


def _workflow_awaited(workflow_id: str) -> Steps[Workflow]:
    found = yield from _workflow_seen(workflow_id)
    while not found.is_final:
        ask = Ask("GET", f"/v1/workflows/{workflow_id}", headers={"prefer": f"wait={WAIT_S}"})
        found = _workflow((yield ask))
    if found.status != "succeeded":
        raise WorkflowFailed(found)
    return found


def _workflow_canceled(workflow_id: str) -> Steps[Workflow]:
    return _workflow((yield Ask("POST", f"/v1/workflows/{workflow_id}/cancel")))


def _decided(body: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    decision: dict[str, Any] = _read((yield Ask("POST", "/v1/route", json=dict(body))))["decision"]
    return decision


def _quoted(body: Mapping[str, Any]) -> Steps[Quote]:
    return Quote.model_validate(_read((yield Ask("POST", "/v1/quotes", json=dict(body)))))


def _uploaded(content: bytes, mime: str) -> Steps[Asset]:
    answer = yield Ask("POST", "/v1/assets", content=content, headers={"content-type": mime})
    return Asset.model_validate(_read(answer))


def _read(answer: httpx.Response) -> Any:
    if answer.is_error:
        try:
            problem = answer.json()
        except ValueError:
            problem = {"detail": f"{answer.status_code}: {answer.text[:200]}"}
        raise PodiumError(answer.status_code, problem)
    return answer.json()


def _words(name: str, line: str) -> tuple[str, str | None]:
    """The event that a line belongs to, and the words it brings, if any."""
    field, _, value = line.partition(": ")
    if field == "event":
        return value, None
    return name, json.loads(value)["text"] if field == "data" and name == "delta" else None


def _mime(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _settings(url: str, key: str) -> dict[str, Any]:
    timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    return {"base_url": url, "headers": {"authorization": f"Bearer {key}"}, "timeout": timeout}


class Podium:
    """Every method raises PodiumError with the gateway's own words when it refuses, and httpx's errors."""

    def __init__(self, url: str, key: str) -> None:
        self.client = httpx.Client(**_settings(url, key))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def generate(self, *, idempotency_key: str | None = None, **body: Any) -> Job:
        """Make something and wait for it; the fields are those of `POST /v1/jobs`. Raises JobFailed."""
        return self._run(_generated(body, idempotency_key))

    def submit(self, *, idempotency_key: str | None = None, **body: Any) -> Job:
        """Begin a job. The same idempotency key and body are the same job, however often they are sent."""
        return self._run(_submitted(body, idempotency_key))

    def job(self, job_id: str) -> Job:
        return self._run(_seen(job_id))

    def wait(self, job_id: str) -> Job:
        """A job once it has succeeded. Raises JobFailed if it ends otherwise."""
        return self._run(_awaited(job_id))

    def cancel(self, job_id: str) -> Job:
        return self._run(_canceled(job_id))

    def begin_workflow(self, *, idempotency_key: str | None = None, **body: Any) -> Workflow:
        """Begin jobs that need one another; the fields are those of `POST /v1/workflows`."""
        return self._run(_workflow_begun(body, idempotency_key))

    def workflow(self, workflow_id: str) -> Workflow:
        return self._run(_workflow_seen(workflow_id))

    def wait_workflow(self, workflow_id: str) -> Workflow:
        """A workflow once all its steps have succeeded. Raises WorkflowFailed if it ends otherwise."""
        return self._run(_workflow_awaited(workflow_id))

    def cancel_workflow(self, workflow_id: str) -> Workflow:
        return self._run(_workflow_canceled(workflow_id))

    def route(self, **body: Any) -> dict[str, Any]:
        """The decision that a job with this body would get; spends nothing."""
        return self._run(_decided(body))

    def quote(self, **body: Any) -> Quote:
        """Prices that hold for a while: pass `quote=quote.id` with the same body to `generate`."""
        return self._run(_quoted(body))

    def upload(self, path: str | Path) -> Asset:
        """Media to be used as `{"role": …, "asset": asset.id}` among a job's inputs."""
        return self._run(_uploaded(Path(path).read_bytes(), _mime(Path(path))))

    def stream(self, **body: Any) -> Iterator[str]:
        """The words of a text as they are written. Raises JobFailed if they break off."""
        job, said = self.submit(**body), False
        with self.client.stream("GET", f"/v1/jobs/{job.id}/events") as answer:
            name = ""
            for line in answer.iter_lines():
                name, words = _words(name, line)
                if words:
                    said = True
                    yield words
        ended = self.wait(job.id)
        if not said:
            yield from (output.text for output in ended.outputs if output.text)

    def download(self, output: Output, path: str | Path) -> Path:
        """An output's bytes, streamed to a file."""
        with self.client.stream("GET", f"/v1/assets/{output.asset}/content") as answer, Path(path).open("wb") as file:
            _check(answer)
            for chunk in answer.iter_bytes(CHUNK_BYTES):
                file.write(chunk)
        return Path(path)

    def _run(self, steps: Steps[T]) -> T:
        try:
            ask = next(steps)
            while True:
                ask = steps.send(self._asked(ask))
        except StopIteration as end:
            found: T = end.value
            return found

    def _asked(self, ask: Ask) -> httpx.Response:
        for left in range(TRIES, 0, -1):
            try:
                return self.client.request(
                    ask.method, ask.path, json=ask.json, content=ask.content, headers=dict(ask.headers)
                )
            except httpx.TransportError:
                if left == 1 or not ask.is_harmless:
                    raise
                time.sleep(PAUSE_S)
        raise AssertionError("the last try returns or raises")


class AsyncPodium:
    """As Podium, to be awaited."""

    def __init__(self, url: str, key: str) -> None:
        self.client = httpx.AsyncClient(**_settings(url, key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def generate(self, *, idempotency_key: str | None = None, **body: Any) -> Job:
        """Make something and wait for it; the fields are those of `POST /v1/jobs`. Raises JobFailed."""
        return await self._run(_generated(body, idempotency_key))

    async def submit(self, *, idempotency_key: str | None = None, **body: Any) -> Job:
        """Begin a job. The same idempotency key and body are the same job, however often they are sent."""
        return await self._run(_submitted(body, idempotency_key))

    async def job(self, job_id: str) -> Job:
        return await self._run(_seen(job_id))

    async def wait(self, job_id: str) -> Job:
        """A job once it has succeeded. Raises JobFailed if it ends otherwise."""
        return await self._run(_awaited(job_id))

    async def cancel(self, job_id: str) -> Job:
        return await self._run(_canceled(job_id))

    async def begin_workflow(self, *, idempotency_key: str | None = None, **body: Any) -> Workflow:
        """Begin jobs that need one another; the fields are those of `POST /v1/workflows`."""
        return await self._run(_workflow_begun(body, idempotency_key))

    async def workflow(self, workflow_id: str) -> Workflow:
        return await self._run(_workflow_seen(workflow_id))

    async def wait_workflow(self, workflow_id: str) -> Workflow:
        """A workflow once all its steps have succeeded. Raises WorkflowFailed if it ends otherwise."""
        return await self._run(_workflow_awaited(workflow_id))

    async def cancel_workflow(self, workflow_id: str) -> Workflow:
        return await self._run(_workflow_canceled(workflow_id))

    async def route(self, **body: Any) -> dict[str, Any]:
        """The decision that a job with this body would get; spends nothing."""
        return await self._run(_decided(body))

    async def quote(self, **body: Any) -> Quote:
        """Prices that hold for a while: pass `quote=quote.id` with the same body to `generate`."""
        return await self._run(_quoted(body))

    async def upload(self, path: str | Path) -> Asset:
        """Media to be used as `{"role": …, "asset": asset.id}` among a job's inputs."""
        return await self._run(_uploaded(await anyio.Path(path).read_bytes(), _mime(Path(path))))

    async def stream(self, **body: Any) -> AsyncIterator[str]:
        """The words of a text as they are written. Raises JobFailed if they break off."""
        job, said = await self.submit(**body), False
        async with self.client.stream("GET", f"/v1/jobs/{job.id}/events") as answer:
            name = ""
            async for line in answer.aiter_lines():
                name, words = _words(name, line)
                if words:
                    said = True
                    yield words
        ended = await self.wait(job.id)
        for output in ended.outputs if not said else ():
            if output.text:
                yield output.text

    async def download(self, output: Output, path: str | Path) -> Path:
        """An output's bytes, streamed to a file."""
        async with self.client.stream("GET", f"/v1/assets/{output.asset}/content") as answer:
            _check(answer)
            async with await anyio.open_file(path, "wb") as file:
                async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                    await file.write(chunk)
        return Path(path)

    async def _run(self, steps: Steps[T]) -> T:
        try:
            ask = next(steps)
            while True:
                ask = steps.send(await self._asked(ask))
        except StopIteration as end:
            found: T = end.value
            return found

    async def _asked(self, ask: Ask) -> httpx.Response:
        for left in range(TRIES, 0, -1):
            try:
                return await self.client.request(
                    ask.method, ask.path, json=ask.json, content=ask.content, headers=dict(ask.headers)
                )
            except httpx.TransportError:
                if left == 1 or not ask.is_harmless:
                    raise
                await anyio.sleep(PAUSE_S)
        raise AssertionError("the last try returns or raises")


def _check(answer: httpx.Response) -> None:
    if answer.is_error:
        raise PodiumError(answer.status_code, {"detail": f"the output could not be had: {answer.status_code}"})
