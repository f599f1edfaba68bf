"""Operations, for admins: what runs and how well. What is decided, and who has keys, other files of this page do."""

from datetime import datetime
from typing import Any

import streamlit as st

from dashboard import clock, deeds, duties, parts, session
from dashboard.client import Document
from dashboard.views import access, settling
from dashboard.words import count, plain

DELIVERIES = 50


def show() -> None:
    parts.heading("Operations", "Does everything run, what waits for a decision, and who has a key?")
    deeds.said()
    shown = {"Health": _health, "To decide": settling.show, "Keys": access.show, "Webhooks": _webhooks}
    for tab, draw in zip(parts.sections(list(shown)), shown.values(), strict=True):
        if tab.open:
            with tab:
                draw()


def _health() -> None:
    now = clock.now()
    ticks = session.live("/v1/ticks")["data"]
    _verdict(duties.ticks(ticks, now))
    _providers(now)
    st.subheader("Ticks", anchor=False, help="What is done again and again, by one process for all.")
    if ticks:
        parts.table(duties.ticks(ticks, now), "ticks", ["due"])
    else:
        parts.empty("No tick has run: they run where a worker is (`podium up`, or `podium work` beside this gateway).")
    _feeds(now)


def _verdict(rows: list[dict[str, object]]) -> None:
    if not rows:
        st.info("Nothing here has a worker yet.", icon=":material/pending:")
        return
    bad = [row for row in rows if row["state"] in ("failing", "late")]
    if not bad:
        st.success("Every tick's last run went well.", icon=":material/check_circle:")
        return
    names = ", ".join(plain(str(row["tick"])) for row in bad)
    st.warning(f"**{count(len(bad), 'tick')}** failing or late: {names}. The table of ticks says why.",
               icon=":material/schedule:")  # fmt: skip


def _providers(now: datetime) -> None:
    st.subheader("Providers", anchor=False)
    page = session.recent("/v1/providers")["data"]
    if not page:
        parts.empty("No provider can be used here: set one's key, such as FAL_KEY, and start the gateway anew.")
        return
    shown: dict[str, Any] = {name: parts.SHARE for name in ("succeeded (24 h)", "succeeded (1 h)")}
    parts.table(duties.providers(page, now), "providers", (), **shown)
    engines = [each for each in page if each["engine"]]
    if engines:
        st.subheader("Engines", anchor=False)
        parts.table([{"engine": each["title"]} | _flat(each["engine"]) for each in engines], "engines")
    breakers = duties.breakers(page, now)
    st.subheader("Breakers", anchor=False, help="Failures in a row: left alone for a while, then tried again.")
    if breakers:
        parts.table(breakers, "breakers", ["since", "until"])
    else:
        st.caption(":material/check_circle: None: nobody failed often enough in a row within the last hour.")


def _flat(engine: dict[str, object]) -> dict[str, object]:
    return {name.replace("_", " "): value for name, value in engine.items() if not isinstance(value, dict | list)}


def _feeds(now: datetime) -> None:
    st.subheader("Leaderboards", anchor=False, help="The board read longest ago first.")
    boards = session.recent("/v1/boards")["data"]
    if not boards:
        parts.empty("No leaderboard was read yet: `podium refresh boards` reads them now.")
        return
    parts.table(duties.feeds(boards, now), "boards", ["as of"])


def _webhooks() -> None:
    hooks = session.recent("/v1/webhooks", limit=200)["data"]
    if not hooks:
        parts.empty("Nobody is told of events yet: POST /v1/webhooks makes an endpoint.", ":material/webhook:")
    failing = [each for each in hooks if each["disabled_for"] or each["failing_since"]]
    st.subheader("Endpoints that fail", anchor=False)
    if not failing:
        st.caption(f":material/check_circle: None of {count(len(hooks), 'endpoint')}.")
    for each in failing:
        _failing(each)
    st.subheader("Deliveries that failed", anchor=False)
    page = session.recent("/v1/webhooks/deliveries", status="failed", limit=DELIVERIES)["data"]
    rows = [
        {
            "at": each["created_at"],
            "what": each["type"],
            "about": each["subject"],
            "to": each["target"],
            "tries": len(each["tries"]),
            "the last said": _last(each["tries"]),
            "delivery": each["id"],
        }
        for each in page
    ]
    parts.table(rows, "deliveries", ["at"])
    if rows:
        chosen = st.selectbox("Tell it again", [row["delivery"] for row in rows], index=None, placeholder="a delivery")
        if chosen and st.button("Send it once more", icon=":material/send:"):
            deeds.do(
                lambda: session.podium().post(f"/v1/webhooks/deliveries/{chosen}/redeliver", {}),
                f"{chosen} is told again.",
            )


def _last(tries: list[Document]) -> str:
    return str(tries[-1]["error"] or tries[-1]["said"] or tries[-1]["status"]) if tries else "never tried"


def _failing(hook: dict[str, object]) -> None:
    url = str(hook["url"]).replace("`", "")  # in backticks, for an address in plain words would be a link
    with st.container(
        border=True,
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="center",
        key=f"hook-{hook['id']}",
    ):
        state = f"turned off: {hook['disabled_for']}" if hook["disabled_for"] else "failing, still tried"
        since = parts.moment(str(hook["failing_since"])) if hook["failing_since"] else "–"
        st.markdown(f"**`{url}`** · {plain(state)}  \nfailing since {since} · key {hook['key']}")
        if hook["disabled_for"] and st.button("Turn on again", key=f"on-{hook['id']}", icon=":material/power:"):
            deeds.do(
                lambda: session.podium().patch(f"/v1/webhooks/{hook['id']}", {"enabled": True}),
                f"`{url}` is told of events again.",
            )
