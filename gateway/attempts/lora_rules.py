"""Who may go to an engine that holds one set of LoRAs at a time: runs by sets, in turns that end. Pure.

What never happens: two runs of different sets that are let in at one engine. Within that, runs of one set go together,
so that switching is rare; and no set keeps the engine from another for longer than a turn and the runs under way.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

TURN_S = 60.0
"""How long runs of one set are let in while another set waits: a switch takes seconds, so it is a small part of that;
and a turn is about what a caller waits for a few pictures anyway."""
AT_ONCE = 4
"""Runs of a set that are let in together: enough that an engine is never idle between two, few enough that a set that
waits does not wait for a crowd once the turn is over."""
WAITING = "waits until the engine holds its LoRAs"
"""What a run's `provider_status` says until it is let in."""


class Hold(NamedTuple):
    """The set that an engine is given to, and since when."""

    lora_set: str
    since: datetime


class Inside(NamedTuple):
    """A run that was let in and has not ended. `prepares`: it still sees to the set, and has submitted nothing."""

    lora_set: str
    prepares: bool


class Waits(NamedTuple):
    """A run that is due, and not let in yet."""

    id: str
    lora_set: str
    due_at: datetime


class Let(NamedTuple):
    """The run that is let in now, if one is, and the hold as it is then."""

    id: str | None
    hold: Hold | None
    is_switch: bool = False


def let_in(hold: Hold | None, inside: Sequence[Inside], waiting: Sequence[Waits], now: datetime) -> Let:
    """One at a time: while a run sees to the set, nobody else does.

    While runs of a set are under way, only that set can be let in, and not once its turn is over and another set waits.
    When none is under way, the set goes on whose turn it is; else the one whose run has waited longest gets its turn.
    """
    if not waiting or any(each.prepares for each in inside) or len(inside) >= AT_ONCE:
        return Let(None, hold)
    order = sorted(waiting, key=lambda each: (each.due_at, each.id))
    current = inside[0].lora_set if inside else hold.lora_set if hold else None
    others = [each for each in order if each.lora_set != current]
    same = [each for each in order if each.lora_set == current]
    is_over = hold is not None and (now - hold.since).total_seconds() >= TURN_S
    if same and not (others and is_over):
        return Let(same[0].id, hold or Hold(same[0].lora_set, now))
    if inside or not others:
        return Let(None, hold)
    return Let(others[0].id, Hold(others[0].lora_set, now), is_switch=True)
