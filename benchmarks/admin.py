"""The gateway's own API as the benchmark needs it: a key with money, and what the books say afterwards."""

import http.client
import json
from typing import Any, NamedTuple

ADMIN_KEY = "pk_benchmark_admin"
MONEY_USD = "1000000"
"""More than the longest run can hold and spend: running out of money is not what is measured."""
ENTRIES_PER_JOB = 2
"""A hold and a settlement."""


class Books(NamedTuple):
    """What the ledger's own check found. `settled` is counted from its entries: all but the funding are jobs'."""

    ok: bool
    settled: float
    open_holds: int
    findings: list[Any]


def make_key(port: int) -> str:
    """A caller's key with money. Returns its secret."""
    key = _asked(port, "POST", "/v1/keys", {"name": "benchmark", "role": "caller"})
    _asked(port, "POST", "/v1/ledger/fund", {"key": key["id"], "usd": MONEY_USD})
    return str(key["secret"])


def books(port: int) -> Books:
    found = _asked(port, "GET", "/v1/ledger/verify")
    settled = (found["entries"] - 1) / ENTRIES_PER_JOB - found["open_holds"] / ENTRIES_PER_JOB
    return Books(found["ok"], settled, found["open_holds"], found["findings"])


def _asked(port: int, method: str, path: str, body: dict[str, str] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"authorization": f"Bearer {ADMIN_KEY}", "content-type": "application/json", "idempotency-key": "first"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status >= 400:
        raise RuntimeError(f"{method} {path} answered {response.status}: {text!r}")
    return json.loads(text)
