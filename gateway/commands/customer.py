"""A customer of the gateway's own API, for the command line: asks over HTTP as anyone would, and knows no database."""

import json
import mimetypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateway import clock
from gateway.commands.requests import Given
from gateway.commands.terminal import Refused
from gateway.settings import Settings

ANSWER_S = 90.0
"""The longest silence: the gateway holds a connection for a minute at most."""
CONNECT_S = 5.0
CHUNK_BYTES = 1 << 20
OUTPUT_BYTES = 4 << 30
"""An output that we download at most: a long clip, and a refusal to fill a disk."""
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
FINAL = frozenset({"succeeded", "failed", "canceled"})


@dataclass(frozen=True)
class Customer:
    """Made by `connected`. Every method raises Refused with the gateway's own words when it refuses."""

    url: str
    client: httpx.Client

    def get(self, path: str, **headers: str) -> Any:
        return _read(self.client.get(path, headers=headers))

    def post(self, path: str, document: Any, **headers: str) -> Any:
        return _read(self.client.post(path, json=document, headers=headers))

    def upload(self, item: Given) -> dict[str, str]:
        """An input as a body names it. A file is uploaded first; a link and an asset of ours are named as they are."""
        if item.place.startswith(("http://", "https://", "data:")):
            return {"role": item.role, "url": item.place}
        path = Path(item.place)
        if item.place.startswith("ast_") and not path.exists():
            return {"role": item.role, "asset": item.place}
        mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        with path.open("rb") as file:
            kept = _read(self.client.post("/v1/assets", content=file, headers={"content-type": mime}))
        return {"role": item.role, "asset": kept["id"]}

    def submit(self, body: dict[str, Any]) -> dict[str, Any]:
        """A new job. The idempotency key makes a repeat on a broken connection harmless."""
        job: dict[str, Any] = self.post("/v1/jobs", body, **{"idempotency-key": clock.new_id("cli")})
        return job

    def follow(self, job: dict[str, Any], saw: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Wait for a job's end, and tell what was seen about once a second."""
        while job["status"] not in FINAL:
            saw(job)
            job = self.get(f"/v1/jobs/{job['id']}", prefer="wait=1")
        saw(job)
        return job

    def words(self, job: dict[str, Any]) -> Iterator[str]:
        """A text's words as they come; none when the job was quicker than this question."""
        with self.client.stream("GET", f"/v1/jobs/{job['id']}/events") as reply:
            if reply.is_error:
                reply.read()
                _read(reply)
            name = ""
            for line in reply.iter_lines():
                field, _, value = line.partition(": ")
                name = value if field == "event" else name
                if field == "data" and name == "delta":
                    yield json.loads(value)["text"]

    def download(self, output: dict[str, Any], path: Path) -> None:
        """One output into a file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if output.get("text") is not None:
            path.write_text(output["text"] + "\n", encoding="utf-8")
            return
        part = path.with_name(f".{path.name}.part")
        try:
            with self.client.stream("GET", f"/v1/assets/{output['asset']}/content") as reply:
                if reply.is_error:
                    reply.read()
                    _read(reply)
                _write(reply, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def connected(config: Settings) -> Iterator[Customer]:
    """A customer with the settings' address and key. Raises Refused when there is no key, or nobody answers."""
    secret = config.key or config.admin_key
    if secret is None:
        raise Refused(
            "set PODIUM_KEY to a key's secret: `podium up` shows the first one, `podium keys create` makes more"
        )
    with customer(config.gateway_url, secret.get_secret_value()) as found:
        yield found


@contextmanager
def customer(url: str, secret: str) -> Iterator[Customer]:
    """A customer with this address and key. A proxy is not asked for what is on this machine."""
    is_local = urlsplit(url).hostname in LOCAL
    timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
    headers = {"authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=not is_local) as client:
        try:
            yield Customer(url, client)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Refused(f"no gateway answers at {url}: start one with `podium up`") from error


def _read(reply: httpx.Response) -> Any:
    """The document in a reply; a problem's own sentence when it is one."""
    try:
        document = reply.json()
    except ValueError:
        raise Refused(f"{reply.url} answers {reply.status_code} and no JSON: is this a Podium gateway?") from None
    if reply.is_error:
        detail = document.get("detail") if isinstance(document, dict) else None
        raise Refused(str(detail or f"{reply.url} answers {reply.status_code}"))
    return document


def _write(reply: httpx.Response, path: Path) -> None:
    size_bytes = 0
    with path.open("wb") as file:
        for chunk in reply.iter_bytes(CHUNK_BYTES):
            size_bytes += len(chunk)
            if size_bytes > OUTPUT_BYTES:
                raise Refused(f"{path.name} is larger than {OUTPUT_BYTES} bytes")
            file.write(chunk)
