"""Leaderboards: who stood where, day by day, and who came and went. It shows boards as they are, and merges nothing."""

from datetime import timedelta

import streamlit as st

from dashboard import clock, parts, ranks, session, timelines
from dashboard.client import Document
from dashboard.frames import Row
from dashboard.views import clicks
from dashboard.words import count, plain, short

SPANS = {"30 days": 30, "90 days": 90, "a year": 365}


def show() -> None:
    parts.heading("Leaderboards", "Who leads on each board, for how long already, and by how much?")
    boards = {each["board"]: each for each in session.recent("/v1/boards")["data"]}
    if not boards:
        parts.empty("No leaderboard was read yet: `podium refresh boards` reads them now.", ":material/leaderboard:")
        return
    left, middle, right, last = st.columns([3, 2, 3, 3], gap="medium", vertical_alignment="bottom")
    names = sorted(boards, key=lambda each: (each.endswith("/top"), -boards[each]["readings"], each))
    board = str(left.selectbox("Board", names, key="board", bind="query-params"))
    top = int(middle.slider("Places shown", 3, 20, 10, key="top", bind="query-params"))
    with right:
        span = _span()
    about = boards[board]
    since = (clock.now() - timedelta(days=SPANS[span])).date().isoformat()
    found = clicks.history(board, min(since, about["taken_at"][:10]))
    with last:
        chosen = _highlighted(found, top)
    _about(about)
    if chosen and chosen in {each["model"] for each in found["standings"]}:
        parts.link("models", f"More about {short(str(chosen))}", model=str(chosen))
    _charts(found, top, chosen, span)
    _moved(found, top)
    _newest(found, about)


def _span() -> str:
    asked = st.segmented_control(
        "Over the last", list(SPANS), default="90 days", key="span", bind="query-params", required=True
    )
    return str(asked or "90 days")


def _about(about: Document) -> None:
    age = ranks.age_days(about["taken_at"], clock.now())
    use = "counts in the quality of models" if about["in_quality"] else "is shown only: quality does not count it"
    st.caption(
        f"{count(about['rows'], 'label')} for {about['task']}; it {use}. Newest reading of "
        f"**{about['taken_at'][:10]}** (UTC), {_old(age)}. {plain(about['attribution'] or 'No attribution is known')}"
        + (f", {plain(about['licence'])}" if about["licence"] else "")
        + (f" ([source]({about['url']}))" if str(about["url"] or "").startswith("https://") else "")
        + "."
    )
    if age > ranks.OLD_DAYS:
        told = f"This reading is {count(age, 'day')} old, and places change within weeks. `podium refresh boards` reads"
        st.warning(
            f"{told} it anew; a gateway with a provider's key does so every six hours.", icon=":material/update:"
        )
    if about["refused"]:
        why = plain(about["refused"]["why"])
        st.warning(f"What came last was refused: {why}. The reading before it stays.", icon=":material/report:")


def _old(days: int) -> str:
    return "less than a day old" if days == 0 else f"{count(days, 'day')} old"


def _highlighted(found: Document, top: int) -> str | None:
    """The line that is drawn bold; a deep link names it by `model`. The address is written here and not bound to the
    widget, for a click on another model must be able to lead to its page by the same name."""
    rows = sorted(ranks.bump(found["history"], top), key=lambda row: (not row["is_now"], -row["is_last"], row["place"]))
    names, asked = list(dict.fromkeys(row["subject"] for row in rows)), st.query_params.get("model")
    first = names.index(asked) if asked in names else None
    chosen = st.selectbox("Highlight", names, index=first, key="highlight", placeholder="a model, or none")
    if chosen is None:
        st.query_params.pop("model", None)
        return None
    st.query_params["model"] = str(chosen)
    return str(chosen)


def _charts(found: Document, top: int, chosen: str | None, span: str) -> None:
    history = found["history"]
    rows, ends = ranks.bump(history, top), ranks.ends(history, top)
    shown = min(top, len(ends))
    readings = len(ranks.by_day(history))
    left, right = st.columns([3, 2] if readings > 1 else [2, 3], gap="large")
    with left:
        st.subheader(f"Places over the last {span}", anchor=False)
        if readings < 2:
            parts.empty(
                "Only one day of this board was read in this time, so there is no line to draw yet. "
                "Choose a longer time, or come back when it was read again."
            )
        else:
            clicks.to_model(timelines.bump(rows, ends, shown, chosen), "boards-bump", _said(ends, shown))
    with right:
        st.subheader("The newest ratings", anchor=False)
        clicks.to_model(timelines.ladder(ends, chosen), "boards-ladder", _said(ends, shown))
    st.caption(
        f"{count(readings, 'day')} with a reading. A model with several labels holds one place, by its best; a click "
        "on one leads to its page. Bars are the board's own intervals: where two overlap, either may be the better."
        + (" Older readings than these are kept, and not shown." if found["next_since"] else "")
    )


def _said(ends: list[Row], top: int) -> str:
    told = "; ".join(f"{row['place']}. {row['name']} ({row['rating']:.0f})" for row in ends)
    return f"The first {top} by the newest reading: {told}"


def _moved(found: Document, top: int) -> None:
    moved = ranks.moved(found["history"], top)
    if moved is None:
        return
    new, gone = st.columns(2)
    with new, st.container(border=True, height="stretch"):
        st.markdown(f"**New among the first {top}** since {moved.since}")
        st.markdown("\n".join(f"- {plain(name)}: place {place} now" for name, place in moved.came) or "Nobody.")
        st.caption(f"{count(moved.joined, 'name')} came to the board in this time.")
    with gone, st.container(border=True, height="stretch"):
        st.markdown(f"**Gone from the first {top}** since {moved.since}")
        st.markdown(
            "\n".join(
                f"- {plain(name)}: place {was} before, {f'place {now} now' if now else 'off the board now'}"
                for name, was, now in moved.gone
            )
            or "Nobody."
        )
        st.caption(f"{count(moved.left, 'name')} left the board in this time.")


def _newest(found: Document, about: Document) -> None:
    rows = ranks.places(found)
    nameless = ranks.unresolved(rows)
    with st.expander(f"All {len(rows)} names of the newest reading", icon=":material/table:"):
        shown = ("place", "name", "rating", "low", "high", "votes", "label", "known", "model")
        parts.table(
            [{name: row[name] for name in shown} for row in rows], "boards-newest",
            rating=st.column_config.NumberColumn(format="%.1f"), low=st.column_config.NumberColumn(format="%.1f"),
            high=st.column_config.NumberColumn(format="%.1f"), votes=st.column_config.NumberColumn(format="localized"),
            known=st.column_config.TextColumn("is"),
        )  # fmt: skip
    if nameless:
        st.caption(
            f"{count(len(nameless), 'label')} of {about['board']} mean no model of ours, and keep their places under "
            "their own names. An admin can say what they mean: `podium names unresolved` lists them."
        )
