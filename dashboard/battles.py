"""Battles of the arena as rows and words. Pure; before the vote it knows nothing that tells whose answer is whose."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dashboard.frames import Document, Row, amount
from dashboard.words import short


class Choice(NamedTuple):
    """One way to vote: what the API calls it, what the button says, and the key that is pressed for it."""

    name: str
    label: str
    key: str
    icon: str
    told: str


CHOICES = (
    Choice("left", "Left is better", "Left", "arrow_back", "You found the left one better."),
    Choice("tie", "As good", "Down", "drag_handle", "You found both as good."),
    Choice("both_bad", "Both bad", "Up", "thumb_down", "You found both bad."),
    Choice("right", "Right is better", "Right", "arrow_forward", "You found the right one better."),
)
SIDES = ("left", "right")
STATUSES = {"running": "being made", "ready": "waits for your vote", "voted": "voted", "void": "void"}


def told(choice: str) -> str:
    return next((each.told for each in CHOICES if each.name == choice), choice)


def asset_of(url: str) -> str:
    """The asset that a signed link leads to; it is asked for with the viewer's own key."""
    return url.partition("/assets/")[2].partition("/")[0]


def again(battle: Document) -> dict[str, object]:
    """The body of the next battle: the same words to two that are drawn anew."""
    return {"task": battle["task"]} | dict(battle["request"])


def mine(page: Document) -> list[Row]:
    """One's own battles, newest first. Models stand only beside those that were voted, or are void."""
    return [
        {
            "begun": each["created_at"],
            "status": STATUSES.get(each["status"], each["status"]),
            "task": each["task"],
            "prompt": each["request"]["prompt"],
            "vote": (each["vote"] or {}).get("choice", "").replace("_", " ") or None,
            "left": _name(each["left"]),
            "right": _name(each["right"]),
            "battle": each["id"],
        }
        for each in page["data"]
    ]


def _name(side: Mapping[str, object]) -> str | None:
    return short(str(side["model"])) if "model" in side else None


def standings(page: Document, task: str) -> list[Row]:
    """Where models stand by all votes on a task, the first on top."""
    return [
        {
            "place": each["position"],
            "name": each["name"],
            "model": each["model"],
            "rating": each["rating"],
            "low": each["low"],
            "high": each["high"],
            "votes": each["votes"],
            "won": each["win_rate"],
            "wins": each["wins"],
            "losses": each["losses"],
            "ties": each["ties"],
            "both bad": each["both_bad"],
            "where": "on the board" if each["on_board"] else "too few votes yet",
        }
        for each in page["data"]
        if each["task"] == task
    ]


def verdict(battle: Document) -> str:
    """What a vote did, in a sentence."""
    if battle["status"] == "void":
        return f"This battle is void, for {battle['void']}. Nothing can be voted."
    vote = battle["vote"]
    counted = "" if vote["counted"] else " It moves no rating: ten votes of a key on one pair count in a day (UTC)."
    return told(vote["choice"]) + counted


def cheaper(battle: Document) -> str | None:
    """Which side cost less and which was quicker, in a sentence; nothing where that is not known."""
    left, right = battle["left"], battle["right"]
    costs = [amount(each.get("cost_usd")) for each in (left, right)]
    if not all(costs) or not (left.get("seconds") and right.get("seconds")):
        return None
    cost = _ahead(costs, "cost as much", "cost {:.1f} times as much as the {}")
    time = _ahead([left["seconds"], right["seconds"]], "took as long", "took {:.1f} times as long as the {}")
    return f"{cost}; {time[0].lower()}{time[1:]}."


def _ahead(values: Sequence[float], same: str, more: str) -> str:
    factor = max(values) / min(values)
    if factor < 1.05:
        return f"Both {same}"
    first, second = SIDES if values[0] > values[1] else SIDES[::-1]
    return f"The {first} one {more.format(factor, second)}"
