"""Who is signed in, and what was asked lately, kept for each key apart. It writes no key anywhere."""

import hashlib
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from dashboard.client import Document, Podium, Refused
from dashboard.visits import COOKIE, VISITS, Visit

UTC = "UTC"
LIVE_S = 3
"""Jobs and balances: as they are now, yet one question for one look at a page."""
RECENT_S = 30
"""Usage, budgets, changes: nobody minds half a minute."""
STEADY_S = 300
"""Models, offers, boards, churn, standard quotes: they change with the day, and a quote keeps a decision each time."""
MEDIA_S = 900
KEPT = 500
"""Answers of one lifetime kept at once, of all who are signed in; the oldest goes first."""
KEPT_MEDIA = 64
MEDIA_BYTES = 48 * 1024 * 1024
"""A larger output is linked to and not shown: the page would hold it whole."""


def visit() -> Visit | None:
    """Who this browser is signed in as, by the cookie that came when its page was opened."""
    return VISITS.find(visit_id())


def visit_id() -> str | None:
    return st.context.cookies.get(COOKIE)


def sign_out() -> None:
    VISITS.end(visit_id())


def podium() -> Podium:
    found = visit()
    if found is None:
        raise Refused(401, "unauthorized", "Sign in with a Podium key first.")
    return found.podium


def is_admin() -> bool:
    found = visit()
    return found is not None and found.is_admin


def zone_name() -> str:
    """The viewer's time zone as the browser says it, such as Europe/Berlin; UTC where it says none that is known."""
    name = st.context.timezone or UTC
    return name if name in _zones() else UTC


def zone() -> ZoneInfo:
    return ZoneInfo(zone_name())


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def who() -> str:
    """Whose answers are remembered: a hash, so that no key lies in a cache's names."""
    asks = podium()
    return hashlib.sha256(f"{asks.url}\0{asks.secret}".encode()).hexdigest()


def live(path: str, **params: Any) -> Document:
    return _live(who(), path, params, podium())


def recent(path: str, **params: Any) -> Document:
    return _recent(who(), path, params, podium())


def steady(path: str, **params: Any) -> Document:
    return _steady(who(), path, params, podium())


def steady_rows(path: str, **params: Any) -> list[Document]:
    """A whole list, such as all offers for a task."""
    return _steady_rows(who(), path, params, podium())


def routed(body: Document) -> Document:
    """The decision on a body: the same one for as long as a price is steady."""
    return _routed(who(), body, podium())


def media(asset: str) -> bytes:
    """The bytes of an output, asked for with the viewer's own key."""
    return _media(who(), asset, podium())


def forget() -> None:
    """After a change: the next look asks anew."""
    for cached in (_live, _recent):
        cached.clear()


@st.cache_data(ttl=LIVE_S, max_entries=KEPT, show_spinner=False)
def _live(who: str, path: str, params: dict[str, Any], _podium: Podium) -> Document:
    return _podium.get(path, **params)


@st.cache_data(ttl=RECENT_S, max_entries=KEPT, show_spinner=False)
def _recent(who: str, path: str, params: dict[str, Any], _podium: Podium) -> Document:
    return _podium.get(path, **params)


@st.cache_data(ttl=STEADY_S, max_entries=KEPT, show_spinner=False)
def _steady(who: str, path: str, params: dict[str, Any], _podium: Podium) -> Document:
    return _podium.get(path, **params)


@st.cache_data(ttl=STEADY_S, max_entries=KEPT, show_spinner=False)
def _steady_rows(who: str, path: str, params: dict[str, Any], _podium: Podium) -> list[Document]:
    return _podium.rows(path, **params)


@st.cache_data(ttl=STEADY_S, max_entries=KEPT, show_spinner="Asking every offer for its price …")
def _routed(who: str, body: Document, _podium: Podium) -> Document:
    decision: Document = _podium.post("/v1/route", body)["decision"]
    return decision


@st.cache_data(ttl=MEDIA_S, max_entries=KEPT_MEDIA, show_spinner=False)
def _media(who: str, asset: str, _podium: Podium) -> bytes:
    return _podium.content(asset)
