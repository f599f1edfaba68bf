"""Who is signed in: an opaque id in a cookie stands for a key in this process's memory. It knows no page and no HTTP.

A key is never sent to a browser, nor written anywhere: a restart forgets all of them, and so does the end of a visit.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import NamedTuple

from dashboard.client import Podium

COOKIE = "podium_visit"
ID_BYTES = 32
"""256 random bits: nobody guesses a visit."""
LASTS_S = 12 * 3600.0
"""A working day, from the sign-in on; looking at pages does not prolong it."""
MOST = 1_000
"""Visits at once; the oldest makes room."""


class Visit(NamedTuple):
    """One sign-in. `ends_s` is by the clock of `Visits`."""

    podium: Podium
    is_admin: bool
    ends_s: float


@dataclass
class Visits:
    """All that are signed in here. Pages run in threads of their own, so each look takes the lock."""

    now_s: Callable[[], float] = monotonic
    held: dict[str, Visit] = field(default_factory=dict, repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def begin(self, url: str, secret: str) -> str:
        """The id of a new visit, once the gateway knows the key. Raises Refused."""
        podium = Podium(url, secret)
        visit = Visit(podium, podium.is_admin(), self.now_s() + LASTS_S)
        visit_id = secrets.token_urlsafe(ID_BYTES)
        with self.lock:
            self._forget_old()
            self.held[visit_id] = visit
        return visit_id

    def find(self, visit_id: str | None) -> Visit | None:
        """None where nobody is signed in by this id, or no longer."""
        with self.lock:
            visit = self.held.get(visit_id or "")
            if visit is not None and visit.ends_s <= self.now_s():
                del self.held[visit_id or ""]
                return None
            return visit

    def end(self, visit_id: str | None) -> None:
        """Forget the key."""
        with self.lock:
            self.held.pop(visit_id or "", None)

    def _forget_old(self) -> None:
        now_s = self.now_s()
        self.held = {name: visit for name, visit in self.held.items() if visit.ends_s > now_s}
        while len(self.held) >= MOST:
            del self.held[next(iter(self.held))]


VISITS = Visits()
"""Those of this process: the sign-in page writes them, every page reads them."""
