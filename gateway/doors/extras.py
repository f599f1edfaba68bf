"""What no other API has a word for: our own headers on its answers, and routing wishes in its bodies.

It sends nothing and keeps nothing.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.jobs.service import Jobs, Seen
from gateway.ledger.rules import usd
from gateway.problems import Invalid
from gateway.routing.body import Wishes

FIELD = "podium"
"""The extra field of a body whose value is a job's `routing`, and may say `strict` and `metadata` as well."""

BESIDES = ("strict", "metadata", "extra", "quote")
"""What else of a job's body may stand in that field, beside the routing wishes."""


def headers(seen: Seen) -> dict[str, str]:
    """Our headers on a door's answer: the cost once it is known, the rest always."""
    job = seen.job
    known = {
        "x-podium-job": job["id"],
        "x-podium-model": job["offer"].partition("/")[2],
        "x-podium-decision": job["decision_id"],
    }
    cost = {"x-podium-cost-usd": usd(job["cost_nanos"])} if job["cost_nanos"] is not None else {}
    return known | cost


def answered(jobs: Jobs, seen: Seen) -> dict[str, str]:
    """All headers on a door's answer: ours, and the standard ones where a pinned model ends."""
    return headers(seen) | jobs.ending(seen)


def wished(value: object, path: str = FIELD) -> dict[str, Any]:
    """What the extra field means: fields of a job's body, `routing` among them. Raises Invalid with the path."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise refused(path, "must be an object with routing wishes")
    besides = {name: value[name] for name in BESIDES if name in value}
    _check(besides, path)
    wishes = {name: each for name, each in value.items() if name not in BESIDES}
    try:
        return besides | ({"routing": Wishes.model_validate(wishes)} if wishes else {})
    except ValidationError as error:
        first = error.errors()[0]
        unknown = first["type"] == "extra_forbidden"
        said = "there is no such wish" if unknown else str(first["msg"])
        raise refused(".".join(map(str, (path, *first["loc"]))), said) from error


def _check(besides: Mapping[str, Any], path: str) -> None:
    """What doors add their own entries to must be objects. Raises Invalid."""
    options = besides.get("extra")
    each = {f"extra.{name}": value for name, value in options.items()} if isinstance(options, Mapping) else {}
    for name, value in {"metadata": besides.get("metadata"), "extra": options, **each}.items():
        if value is not None and not isinstance(value, Mapping):
            raise refused(f"{path}.{name}", "must be an object")


def refused(path: str, message: str) -> Invalid:
    """A fault in a body, at its path in the door's own words."""
    return Invalid(f"{path}: {message}", errors=[{"path": path, "message": message}])
