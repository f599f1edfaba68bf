"""The sandbox's memory: one small json file for each request, so that kill -9 loses nothing. Knows no HTTP."""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.sandbox.inputs import ENDPOINTS, Behaviour

KEPT_S = 24 * 3_600
"""How long a finished request and its files are kept."""

KEPT_MAX = 2_000
"""How many requests are kept: some gigabytes of clips at the very most."""


class Refusal(BaseModel):
    """How a request failed: the status and body that its result answers, and the type that its status names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int
    kind: str
    message: str
    body: dict[str, Any]


class Record(BaseModel):
    """One request as the provider knows it. Times are seconds since 1970; `result` names files, not links."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str
    endpoint: str
    key: str | None = None
    seed: int
    behaviour: Behaviour = Behaviour()
    state: Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"] = "IN_QUEUE"
    submits: int = 1
    received_s: float
    begun_s: float | None = None
    ended_s: float | None = None
    result: dict[str, Any] | None = None
    units: str = "1"
    refusal: Refusal | None = None

    @property
    def is_open(self) -> bool:
        return self.state != "COMPLETED"


class Book:
    """All requests that are known, in memory and on disk; the files are the truth after a restart."""

    def __init__(self, data_dir: Path) -> None:
        self.requests_dir, self.files_dir = data_dir / "requests", data_dir / "files"
        for folder in (self.requests_dir, self.files_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.records = {record.request_id: record for record in sorted(self._read(), key=lambda each: each.received_s)}
        self._by_key = {record.key: record.request_id for record in self.records.values() if record.key}

    def _read(self) -> Iterable[Record]:
        """A file that does not parse was written by another version, or cut off with the disk: it is left aside."""
        for path in self.requests_dir.glob("*.json"):
            if re.fullmatch(r"[0-9a-f-]+\.json", path.name):
                try:
                    yield Record.model_validate_json(path.read_bytes())
                except (ValidationError, OSError):
                    continue

    def with_key(self, key: str | None) -> Record | None:
        return self.records.get(self._by_key.get(key, "")) if key else None

    def open_records(self) -> list[Record]:
        return [record for record in self.records.values() if record.is_open]

    def add(self, record: Record, body: bytes) -> None:
        """The input first: a record without one could not be rendered after a restart."""
        _write(self.input_path(record), body)
        if record.key:
            self._by_key[record.key] = record.request_id
        self.save(record)

    def save(self, record: Record) -> Record:
        """Keep this state of the request; of its input only as long as it may have to be rendered again."""
        _write(self.requests_dir / f"{record.request_id}.json", record.model_dump_json().encode())
        self.records[record.request_id] = record
        if not record.is_open:
            self.input_path(record).unlink(missing_ok=True)
            Path(f"{self.stem(record)}.progress").unlink(missing_ok=True)
        return record

    def input_path(self, record: Record) -> Path:
        return self.requests_dir / f"{record.request_id}.input"

    def stem(self, record: Record) -> str:
        """What the names of the request's files begin with."""
        return str(self.files_dir / record.request_id)

    def fraction(self, record: Record) -> float:
        """The part (0..1) that the render process says is done."""
        try:
            return float(Path(f"{self.stem(record)}.progress").read_text())
        except (OSError, ValueError):
            return 0.0

    def prune(self, now_s: float) -> None:
        """Forget finished requests that are too old, or too many, with their files."""
        finished = [record for record in self.records.values() if not record.is_open]
        surplus = max(0, len(self.records) - KEPT_MAX)
        for place, record in enumerate(finished):
            if place < surplus or now_s - record.received_s > KEPT_S:
                self._forget(record)

    def _forget(self, record: Record) -> None:
        del self.records[record.request_id]
        self._by_key.pop(record.key or "", None)
        for path in (*self.files_dir.glob(f"{record.request_id}*"), *self.requests_dir.glob(f"{record.request_id}.*")):
            path.unlink(missing_ok=True)


def seed_of(request_id: str) -> int:
    """The seed of a request that names none: its own, and the same when it is rendered again."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:4])


def known_files(record: Record) -> list[dict[str, Any]]:
    """The entries of a result that are files."""
    result = record.result or {}
    return [*result.get("images", ()), *([result["video"]] if "video" in result else [])]


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also to a reader after a crash."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(data)
    draft.replace(path)


def parsed(body: bytes, endpoint: str) -> Any:
    """The input as the endpoint's model; raises ValidationError."""
    return ENDPOINTS[endpoint].model_validate(json.loads(body))
