"""What an operator looks after, as rows and sentences: ticks, feeds, providers, breakers, alerts, decisions. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from dashboard.frames import Document, Row
from dashboard.words import count, share, span

LATE = timedelta(minutes=5)
"""A tick that is due for so long does not run: the longest wait of a free worker is seconds."""
NEARLY_FULL = 0.8
BOOKS, OFF = "books", "the books do not balance"
OLD_DAYS = 7
"""A board read longer ago is not what the world says now; boards are asked four times a day."""


class Alert(NamedTuple):
    """Something to act on, and the page and section where one does."""

    icon: str
    words: str
    page: str
    part: str


def age_s(at: str | None, now: datetime) -> float | None:
    return (now - datetime.fromisoformat(at)).total_seconds() if at else None


def ago(at: str | None, now: datetime) -> str:
    """ "3 minutes ago"."""
    seconds = age_s(at, now)
    return "never" if seconds is None else f"{span(seconds)} ago"


def is_late(tick: Document, now: datetime) -> bool:
    return tick["leased_by"] is None and now - datetime.fromisoformat(tick["due_at"]) > LATE


def ticks(page: Sequence[Document], now: datetime) -> list[Row]:
    """What fails first, then what is late, then by name."""
    rows = [
        {
            "tick": each["name"],
            "state": _tick_state(each, now),
            "last went well": ago(each["succeeded_at"], now),
            "due": each["due_at"],
            "failures in a row": each["failures"],
            "runs": each["runs"],
            "said": each["said"],
        }
        for each in page
    ]
    order = {"failing": 0, "late": 1, "running": 2, "on time": 3}
    return sorted(rows, key=lambda row: (order[row["state"]], row["tick"]))


def _tick_state(tick: Document, now: datetime) -> str:
    if tick["failures"]:
        return "failing"
    if is_late(tick, now):
        return "late"
    return "running" if tick["leased_by"] else "on time"


def feeds(boards: Sequence[Document], now: datetime) -> list[Row]:
    """Boards, the one that was read longest ago first."""
    rows = [
        {
            "board": each["board"],
            "as of": each["taken_at"],
            "age (days)": round((age_s(each["taken_at"], now) or 0) / 86_400, 1),
            "read": ago(each["read_at"], now),
            "rows": each["rows"],
            "readings": each["readings"],
            "counts for quality": each["in_quality"],
            "last refused because": (each["refused"] or {}).get("why"),
            "licence": each["licence"],
        }
        for each in boards
    ]
    return sorted(rows, key=lambda row: (-row["age (days)"], row["board"]))


def providers(page: Sequence[Document], now: datetime) -> list[Row]:
    """What needs a look first: a breaker, an engine that is away, the smallest share that succeeded."""
    rows = [
        {
            "provider": each["title"],
            "state": _state(each, now),
            "open now": each["open"],
            "attempts (24 h)": each["day"]["attempts"],
            "succeeded (24 h)": each["day"]["share"],
            "succeeded (1 h)": each["hour"]["share"],
            "faults (24 h)": fault_words(each["day"]["faults"]),
            "offers": each["offers"],
        }
        for each in page
    ]
    return sorted(rows, key=lambda row: (row["state"] == "in use", _or_one(row["succeeded (24 h)"]), row["provider"]))


def _or_one(part: float | None) -> float:
    return 1.0 if part is None else part


def _state(provider: Document, now: datetime) -> str:
    if provider["obstacle"]:
        return str(provider["obstacle"])
    own = provider["breaker"]
    if own:
        return breaker_words(own, now)
    tripped = len(provider["offer_breakers"])
    return f"{count(tripped, 'offer')} with a breaker" if tripped else "in use"


def fault_words(faults: Document) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in faults.items())


def breaker_words(breaker: Document, now: datetime) -> str:
    fault = str(breaker["fault"]).replace("_", " ")
    failed = f"{count(breaker['failures'], 'failure')} in a row ({fault})"
    if breaker["state"] != "open":
        return f"on trial after {failed}"
    left_s = max(0.0, (datetime.fromisoformat(breaker["until"]) - now).total_seconds())
    return f"left alone for {span(left_s)} more, after {failed}"


def breakers(page: Iterable[Document], now: datetime) -> list[Row]:
    """Providers' and offers' breakers, open ones first."""
    found = [each for row in page for each in ([row["breaker"]] if row["breaker"] else []) + row["offer_breakers"]]
    rows = [
        {
            "of": each["subject"],
            "state": each["state"],
            "because": breaker_words(each, now),
            "since": each["since"],
            "until": each["until"],
        }
        for each in found
    ]
    return sorted(rows, key=lambda row: (row["state"] != "open", row["of"]))


def faults(page: Iterable[Document]) -> list[Row]:
    """Attempts that failed within a day, by fault and provider, the commonest fault first."""
    rows: list[Row] = [
        {"fault": name.replace("_", " "), "provider": each["provider"], "attempts": number}
        for each in page
        for name, number in each["day"]["faults"].items()
    ]
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["fault"]] = totals.get(row["fault"], 0) + row["attempts"]
    return sorted(rows, key=lambda row: (-totals[row["fault"]], row["fault"], -row["attempts"]))


def failed_jobs(page: Sequence[Document]) -> list[Row]:
    """The same out of a caller's own newest failures."""
    totals: dict[str, int] = {}
    for each in page:
        code = str((each["error"] or {}).get("code", "failed")).replace("_", " ")
        totals[code] = totals.get(code, 0) + 1
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return [{"fault": name, "provider": "jobs", "attempts": number} for name, number in ordered]


def alerts(
    ticks: Sequence[Document], providers: Sequence[Document], budgets: Sequence[Row], hooks: Sequence[Document],
    now: datetime,
) -> list[Alert]:  # fmt: skip
    """What is wrong at the moment, the worst first; empty where nothing is."""
    found: list[Alert] = []
    if any(each["name"] == BOOKS and str(each["said"]).startswith(OFF) for each in ticks):
        found.append(Alert("account_balance", "The books do not balance", "operations", "Health"))
    for each in providers:
        if each["self_hosted"] and each["obstacle"]:
            found.append(Alert("dns", f"{each['title']} {each['obstacle']}", "operations", "Health"))
        if each["breaker"] and each["breaker"]["state"] == "open":
            words = f"{each['title']}: {breaker_words(each['breaker'], now)}"
            found.append(Alert("power_off", words, "operations", "Health"))
    opened = [each for row in providers for each in row["offer_breakers"] if each["state"] == "open"]
    if opened:
        found.append(Alert("power_off", f"{count(len(opened), 'offer')} left alone", "operations", "Health"))
    found += [Alert("savings", _fullness(row), "money", "Budgets") for row in budgets if row["filled"] >= NEARLY_FULL]
    failing = [each["name"] for each in ticks if each["failures"]]
    late = [each["name"] for each in ticks if not each["failures"] and is_late(each, now)]
    for names, told in ((failing, "failing"), (late, "late")):
        if names:
            found.append(
                Alert("schedule", f"{count(len(names), 'tick')} {told}: {_some(names)}", "operations", "Health")
            )
    off = [each for each in hooks if each["disabled_for"]]
    if off:
        found.append(Alert("webhook", f"{count(len(off), 'webhook')} turned off", "operations", "Webhooks"))
    return found


def _fullness(row: Row) -> str:
    return f"{row['budget']}: {share(row['filled'])} of its budget"


def _some(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# What waits for a decision.


def change_share(proposal: Document) -> float | None:
    """By how much a proposal moves the price: 0.4 is 40 % dearer. None where the old price is nothing."""
    before, after = Decimal(proposal["before_usd"]), Decimal(proposal["after_usd"])
    return float(after / before - 1) if before else None


def change_words(proposal: Document) -> str:
    """ "0.06 → 0.084 USD for one output megapixel (40 % dearer)"."""
    moved = change_share(proposal)
    told = "" if moved is None else f" ({abs(moved):.0%} {'dearer' if moved > 0 else 'cheaper'})"
    unit = str(proposal["unit"]).replace("_", " ")
    return f"{proposal['before_usd']} → {proposal['after_usd']} USD for one {unit}{told}"


def condition_words(when: Document) -> str:
    """Under which conditions of a request a price holds."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in when.items())


def seen_words(label: Document, most: int = 3) -> str:
    """Where a label stands."""
    return _some([each["subject"] for each in label["seen_in"]], most)


def changes_of(rows: Iterable[Row], kinds: frozenset[str]) -> list[Row]:
    return [row for row in rows if row["what"] in kinds]
