"""What becomes of a request for a model that ends: what is used in its place, and what its answers say. Pure.

Who names one of our ids, or an offer, has pinned it: it is replaced only where the caller allows that. A moving pointer
("<family>-latest") and any other name moves to the successor by itself, and the answer says so.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from adapters.schema import Model, Task
from router.names import Named, Names, OneModel, OneOffer
from router.retirement import Life, Stage

ENDING = (Stage.DEPRECATED, Stage.RETIRED)


def is_pinned(name: str, named: Named, names: Names) -> bool:
    """Whether a name stands for just this model or offer, and may not come to mean another."""
    text = name.strip().casefold()
    return isinstance(named, OneOffer) or (isinstance(named, OneModel) and text == named.model)


def newest_member(pointed: Model, models: Iterable[Model], lives: Mapping[str, Life], day: date) -> str | None:
    """Where a family's pointer moves when the member that it points to has retired: to the newest that has not."""
    living = [
        model
        for model in models
        if model.family == pointed.family and model.id != pointed.id and (model.released or date.min) <= day
        and (life := lives.get(model.id)) and life.stage not in (Stage.RETIRED, Stage.ANNOUNCED)
    ]  # fmt: skip
    newest = max(living, key=lambda model: (model.released or date.min, -len(model.id), model.id), default=None)
    return newest.id if newest else None


def can_do(model: str | None, task: Task, models: Mapping[str, Model]) -> bool:
    return model is not None and model in models and task in models[model].tasks


def headers(life: Life, successor: str | None) -> dict[str, str]:
    """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to the successor, for what has an announced end."""
    if life.stage not in ENDING:
        return {}
    said = {"deprecation": f"@{int(_midnight(life.since).timestamp())}"}
    if life.ends or life.stage is Stage.RETIRED:
        said["sunset"] = format_datetime(_midnight(life.ends or life.since), usegmt=True)
    if successor:
        said["link"] = f'</v1/models/{successor}>; rel="successor-version"'
    return said


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
