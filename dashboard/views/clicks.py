"""Charts in which a click chooses something, and long histories of boards. It draws no page of its own."""

from typing import Any

import streamlit as st

from dashboard import parts, session
from dashboard.client import Document
from dashboard.timelines import PICKED

PAGES_MOST = 4
"""Questions for one board's history: four hundred readings, which is a year of days."""


def chart(drawn: Any, key: str, alternative: str, field: str = "model") -> str | None:
    """A chart as `parts.chart` draws it; what was clicked on in it, if anything was."""
    event: Any = st.altair_chart(
        drawn, key=key, width="stretch", alt=alternative, on_select="rerun", selection_mode=[PICKED]
    )
    chosen = event.selection.get(PICKED, []) if event else []
    return next((str(each[field]) for each in chosen if each.get(field)), None)


def to_model(drawn: Any, key: str, alternative: str) -> None:
    """A chart of models: a click on one leads to its page."""
    model = chart(drawn, key, alternative)
    if model:
        parts.go("models", model=model)


def history(board: str, since: str) -> Document:
    """A board with its readings since a day, oldest first: the API gives a hundred at a time."""
    found = session.steady(f"/v1/boards/{board}", since=since)
    readings, following = list(found["history"]), found["next_since"]
    for _ in range(PAGES_MOST - 1):
        if following is None:
            break
        page = session.steady(f"/v1/boards/{board}", since=following)
        readings, following = readings + page["history"], page["next_since"]
    return {**found, "history": readings, "next_since": following}
