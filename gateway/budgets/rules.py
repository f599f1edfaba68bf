"""What a budget covers, when its window began, and which thresholds an amount crosses. Pure; it counts nothing."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

THRESHOLDS = (50, 80, 100)
"""Percent of a limit at which somebody is told, where the budget does not say."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When the window of a total began."""


class Window(StrEnum):
    """Windows begin on the hour, at midnight, on Monday and on the first of the month, all in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class Scope(StrEnum):
    """Whose spending a budget limits. Under a plan each of its keys has the whole limit for itself."""

    KEY = "key"
    PLAN = "plan"
    PROJECT = "project"
    ORGANISATION = "organisation"


class Spender(NamedTuple):
    """Who spends: a key, and the project and plan that it belongs to, if any."""

    key_id: str
    project: str | None = None
    plan: str | None = None


class Budget(NamedTuple):
    """A limit over a window. `subject` is the key, plan or project; empty tasks and models mean all of them.

    A hard budget refuses what would pass its limit; one that is not hard only tells.
    """

    id: str
    name: str
    scope: Scope
    subject: str | None
    window: Window
    limit_nanos: int
    is_hard: bool
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    thresholds: tuple[int, ...]


def began(window: Window, now: datetime) -> datetime:
    """When the window that `now` lies in began."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match window:
        case Window.HOUR:
            return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        case Window.DAY:
            return midnight
        case Window.WEEK:
            return midnight - timedelta(days=midnight.weekday())
        case Window.MONTH:
            return midnight.replace(day=1)
        case Window.TOTAL:
            return EVER


def ends(window: Window, now: datetime) -> datetime | None:
    """When the window that `now` lies in ends, or None for a total."""
    start = began(window, now)
    match window:
        case Window.HOUR:
            return start + timedelta(hours=1)
        case Window.DAY:
            return start + timedelta(days=1)
        case Window.WEEK:
            return start + timedelta(days=7)
        case Window.MONTH:
            return (start + timedelta(days=32)).replace(day=1)
        case Window.TOTAL:
            return None


def covers(budget: Budget, task: str, model: str) -> bool:
    return (not budget.tasks or task in budget.tasks) and (not budget.models or model in budget.models)


def counted_for(budget: Budget, key_id: str) -> str:
    """Whose count a charge goes to: the key's own under a plan, else the one that all share."""
    return key_id if budget.scope is Scope.PLAN else ""


def crossed(budget: Budget, before_nanos: int, after_nanos: int) -> tuple[int, ...]:
    """The thresholds, in percent, that lie above the amount before and not above the one after."""
    return tuple(
        each
        for each in sorted(budget.thresholds)
        if before_nanos * 100 < each * budget.limit_nanos <= after_nanos * 100
    )
