"""Leaderboards in time: who held which place, who came and who went, and for how long. Pure; it asks nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dashboard.frames import Document, Row
from dashboard.words import short

WEEK_DAYS = 7
OLD_DAYS = 7
"""A reading older than this is warned of: boards are read every six hours, and places change within weeks."""
UNRESOLVED = "no model of ours"


class Moved(NamedTuple):
    """What changed among the first since a reading of about a week before. `gone` has its place now, if any."""

    since: str
    came: tuple[tuple[str, int], ...]
    gone: tuple[tuple[str, int, int | None], ...]
    joined: int
    left: int


def by_day(history: Iterable[Document]) -> list[Document]:
    """The last reading of each day (UTC), oldest first."""
    days = {each["taken_at"][:10]: each for each in sorted(history, key=lambda each: str(each["taken_at"]))}
    return list(days.values())


def places(reading: Document) -> list[Row]:
    """Who stands where: a model with several labels holds one place, by its best. A label that means no model of ours
    keeps its place under its own name."""
    best: dict[str, Row] = {}
    for each in sorted(reading["standings"], key=lambda each: int(each["rank"])):
        best.setdefault(each["model"] or each["label"], each)
    return [
        {
            "place": place,
            "subject": subject,
            "name": short(each["model"]) if each["model"] else each["label"],
            "model": each["model"],
            "known": "our model" if each["model"] else UNRESOLVED,
            "label": each["label"],
            "rating": each["rating"],
            "low": each["low"],
            "high": each["high"],
            "votes": each["votes"],
        }
        for place, (subject, each) in enumerate(best.items(), 1)
    ]


def bump(history: Sequence[Document], top: int) -> list[Row]:
    """Everybody's places among the first `top`, day by day. `run` parts stays between which somebody was away: a line
    over the gap would say that the place was held. A stay of one reading is `is_alone`: it makes no line."""
    rows: list[Row] = []
    runs: dict[str, tuple[int, int]] = {}
    readings = by_day(history)
    for index, reading in enumerate(readings):
        for row in places(reading)[:top]:
            last, run = runs.get(row["subject"], (index - 1, 0))
            run += last < index - 1
            runs[row["subject"]] = index, run
            rows.append(row | {"day": reading["taken_at"][:10], "run": f"{row['subject']} {run}"})
    lengths, newest = Counter(row["run"] for row in rows), readings[-1]["taken_at"][:10] if readings else ""
    now = {row["subject"] for row in rows if row["day"] == newest}
    return [
        row | {"is_now": row["subject"] in now, "is_last": row["day"] == newest, "is_alone": lengths[row["run"]] == 1}
        for row in rows
    ]


def ends(history: Sequence[Document], top: int) -> list[Row]:
    """The first `top` of the newest reading: what the lines are called at their right end."""
    readings = by_day(history)
    return places(readings[-1])[:top] if readings else []


def moved(history: Sequence[Document], top: int) -> Moved | None:
    """Who is new among the first, and who is gone, since a week before the newest reading; else since the oldest that
    is there. None where there is but one day."""
    readings = by_day(history)
    if len(readings) < 2:
        return None
    before = _a_week_before(readings)
    was, now = ({row["subject"]: row for row in places(each)} for each in (before, readings[-1]))
    came = [row for row in now.values() if row["place"] <= top and not _was_in(was, row["subject"], top)]
    gone = [row for row in was.values() if row["place"] <= top and not _was_in(now, row["subject"], top)]
    return Moved(
        before["taken_at"][:10],
        tuple((row["name"], row["place"]) for row in came),
        tuple((row["name"], row["place"], now.get(row["subject"], {}).get("place")) for row in gone),
        len(now.keys() - was.keys()),
        len(was.keys() - now.keys()),
    )


def _was_in(rows: Mapping[str, Row], subject: str, top: int) -> bool:
    return subject in rows and rows[subject]["place"] <= top


def _a_week_before(readings: Sequence[Document]) -> Document:
    week = (date.fromisoformat(readings[-1]["taken_at"][:10]) - timedelta(days=WEEK_DAYS)).isoformat()
    older = [each for each in readings[:-1] if each["taken_at"][:10] <= week]
    return older[-1] if older else readings[0]


def age_days(taken_at: str, now: datetime) -> int:
    """Whole days since a moment of the API."""
    return max(0, (now - datetime.fromisoformat(taken_at.replace("Z", "+00:00"))).days)


def unresolved(rows: Iterable[Row]) -> list[str]:
    return [row["label"] for row in rows if row["model"] is None]


# Stays at the top, as churn counts them.

STAYS = {"ended": "ended", "open": "goes on"}


def stays(churn: Document) -> list[Row]:
    """Each stay as a bar from day to day; those that go on first, in the order of their places, then the latest to go.

    `began_before`: it was under way at the first reading, so it is older than it looks.
    """
    order = {subject: place for place, subject in enumerate(churn["now"])}
    rows = [
        {
            "name": short(each["subject"]),
            "subject": each["subject"],
            "began": each["began"],
            "until": each["ended"] or churn["until"],
            "state": STAYS["ended" if each["ended"] else "open"],
            "began_before": not each["saw_beginning"],
            "stayed": f"{'at least ' if not each['saw_beginning'] or not each['ended'] else ''}{each['days']:,} days",
        }
        for each in churn.get("spells_list", ())
    ]
    lasts = _lasts(rows)
    return sorted(rows, key=lambda row: (order.get(row["subject"], len(order)), _falling(lasts[row["subject"]])))


def _lasts(rows: Iterable[Row]) -> dict[str, str]:
    lasts: dict[str, str] = {}
    for row in rows:
        lasts[row["subject"]] = max(row["until"], lasts.get(row["subject"], ""))
    return lasts


def _falling(day: str) -> int:
    return -date.fromisoformat(day).toordinal()


# What changed, and what comes to an end.

KINDS = {
    "appeared": "appeared", "price": "price changed", "deprecated": "end announced", "retired": "retired",
    "revived": "came back", "stale": "not confirmed", "fading": "falls behind", "successor": "has a successor",
}  # fmt: skip


def by_month(changes: Iterable[Document]) -> list[Row]:
    """How many of each kind of change were seen in each month."""
    counted: dict[tuple[str, str], int] = {}
    for each in changes:
        key = each["at"][:7], KINDS.get(each["kind"], each["kind"].replace("_", " "))
        counted[key] = counted.get(key, 0) + 1
    return [{"month": month, "what": what, "changes": number} for (month, what), number in sorted(counted.items())]


def retirements(offers: Iterable[Document], most: int = 15) -> list[Row]:
    """The next models of which offers end, each at its first end, with how many of its offers end by then known."""
    told: dict[str, list[Document]] = {}
    for each in offers:
        if each["ends"]:
            told.setdefault(each["model"], []).append(each)
    rows: list[Row] = [
        {
            "name": short(model),
            "model": model,
            "ends": min(each["ends"] for each in ending),
            "offers": len(ending),
            "where": ", ".join(sorted(each["provider"] for each in ending)),
            "successor": next((each["successor"] for each in ending if each["successor"]), None) or "none named",
        }
        for model, ending in told.items()
    ]
    return sorted(rows, key=lambda row: (row["ends"], row["model"]))[:most]
