"""The one place where the pages read the time, to say how old something is. What time decides, the API decides."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a customer of the API has a clock of its own
