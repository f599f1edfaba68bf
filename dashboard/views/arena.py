"""Arena: two answers side by side and unnamed, a vote by a key, then who made them; and where models stand by votes.

Before the vote it asks for nothing but the battle, and so has nothing to give away.
"""

import secrets
from decimal import Decimal, InvalidOperation
from typing import Literal

import streamlit as st

from dashboard import asks, battles, charts, parts, session
from dashboard.asks import CLIPS, STARTS_FROM, TASKS
from dashboard.client import Document, Refused
from dashboard.views.outputs import media_shown, picture_asked
from dashboard.words import count, plain, seconds, short, usd

EVERY_S = 1.5
ROWS = 50
TALL_PX = 430
"""The room for an answer, kept while it is made: nothing jumps when it comes."""
FACTS_PX = 120
BLIND = {"left": "**Left**", "right": "**Right**"}
FAULT = "podium.arena_fault"


def show() -> None:
    asked = st.query_params.get("battle")
    if asked:
        _one(asked)
        return
    parts.heading("Arena", "Which of two answers is better? You see who made them after you have voted.")
    task = _task()
    left, right = st.columns([2, 3], gap="large")
    with left:
        _begin(task)
    with right:
        _standings(task)
    _mine()


def _task() -> str:
    """The task that the address names. It is no bound one: a page that leads to itself may not set those."""
    named = st.query_params.get("task")
    first = named if named in TASKS else TASKS[0]
    task = str(st.segmented_control("Task", TASKS, default=first, key="arena-task", required=True) or first)
    st.query_params["task"] = task
    return task


def _begin(task: str) -> None:
    st.subheader("Begin a battle", anchor=False)
    prompt = st.text_area("Prompt", asks.PROMPTS[task], max_chars=4000, key=f"battle-{task}")
    picture = picture_asked("The picture that both start from") if task in STARTS_FROM else None
    known = sorted({each["model"] for each in session.steady_rows("/v1/offers", task=task) if each["available"]})
    models = st.multiselect(
        "Models", known, max_selections=2, placeholder="two are drawn: close and little known",
        help="Name two to have these; left and right are by chance either way.", format_func=short,
    )  # fmt: skip
    limit = st.text_input("Both together may cost (USD)", "0.50", help="Where that is too little, neither begins.")
    made = asks.body(task, prompt, _settings(task), picture)
    if models:
        made["models"] = models
    fault = _fault(made, models, limit)
    if fault:
        st.caption(f":material/info: {fault}")
    if st.button(
        "Begin", type="primary", icon=":material/swords:", width="stretch", disabled=bool(fault), shortcut="Mod+Enter"
    ):
        _begun(made | {"max_cost_usd": limit})


def _settings(task: str) -> Document:
    match task:
        case "text-to-image":
            return {"width": 1024, "height": 1024}
        case "text":
            return {"max_tokens": 500}
        case _:
            return {"duration_s": 5} if task in CLIPS else {}


def _fault(made: Document, models: list[str], limit: str) -> str | None:
    try:
        is_money = Decimal(limit) > 0
    except InvalidOperation:
        is_money = False
    if not is_money:
        return "Say what both may cost, as 0.50."
    if len(models) == 1:
        return "Name another model, or none."
    return None if asks.is_whole(made) else "Write a prompt" + (", and upload a picture." if "inputs" in made else ".")


def _begun(made: Document) -> None:
    """Begin, and go where the battle is."""
    key = {"idempotency-key": f"dash_{secrets.token_hex(16)}"}
    try:
        battle = session.podium().post("/v1/arena/battles", made, **key)
    except Refused as refused:
        st.error(plain(refused.detail), icon=":material/error:")
        return
    session.forget()
    parts.go("arena", battle=battle["id"], task=battle["task"])


def _said() -> None:
    fault = st.session_state.pop(FAULT, None)
    if fault:
        st.error(plain(fault), icon=":material/error:")


def _one(battle_id: str) -> None:
    battle = session.live(f"/v1/arena/battles/{battle_id}")
    st.title("Battle", anchor=False)
    st.markdown(f"**{battle['task']}**: {plain(battle['request']['prompt'])}")
    parts.back("arena", "All battles and standings", task=battle["task"])
    _said()
    match battle["status"]:
        case "running":
            _made(battle_id)
        case "ready":
            _to_vote(battle)
        case _:
            _revealed(battle)


@st.fragment(run_every=EVERY_S)
def _made(battle_id: str) -> None:
    battle = session.live(f"/v1/arena/battles/{battle_id}")
    if battle["status"] != "running":
        st.rerun()
    for column, side in zip(st.columns(2, gap="medium"), battles.SIDES, strict=True):
        with column:
            st.markdown(BLIND[side])
            with st.container(border=True, height=TALL_PX, vertical_alignment="center"):
                st.markdown(f":material/hourglass_top: The {side} answer is being made", text_alignment="center")
    st.caption("Both appear at the same moment, so that the time tells nothing. You may close this page and come back.")


def _answers(battle: Document, titles: dict[str, str]) -> None:
    for column, side in zip(st.columns(2, gap="medium"), battles.SIDES, strict=True):
        with column:
            st.markdown(titles[side])
            with st.container(border=True, height=TALL_PX, horizontal_alignment="center", key=f"answer-{side}"):
                for output in battle[side]["outputs"]:
                    _answer(output, side)


def _answer(output: Document, side: str) -> None:
    if output["text"] is not None:
        st.text(output["text"])
    elif output["url"]:
        with st.container(width=TALL_PX - 40 if output["mime"].startswith("image/") else "stretch"):
            media_shown(battles.asset_of(output["url"]), output["mime"], f"The {side} answer")


def _to_vote(battle: Document) -> None:
    _answers(battle, BLIND)
    for column, choice in zip(st.columns(4), battles.CHOICES, strict=True):
        column.button(
            choice.label, icon=f":material/{choice.icon}:", shortcut=choice.key, width="stretch", key=choice.name,
            on_click=_vote, args=(battle["id"], choice.name), type=_weight(choice.name),
        )  # fmt: skip
    st.caption("Press an arrow key, or a button. A vote is never changed.")


def _weight(choice: str) -> Literal["primary", "secondary"]:
    return "primary" if choice in battles.SIDES else "secondary"


def _vote(battle_id: str, choice: str) -> None:
    try:
        session.podium().post(f"/v1/arena/battles/{battle_id}/vote", {"choice": choice})
    except Refused as refused:
        st.session_state[FAULT] = refused.detail
    session.forget()


def _revealed(battle: Document) -> None:
    winner = (battle["vote"] or {}).get("winner")
    titles = {}
    for side in battles.SIDES:
        model = battle[side]["model"]
        mark = ":material/emoji_events: " if model == winner else ""
        titles[side] = f"{mark}**{plain(short(model))}**"
    _answers(battle, titles)
    for column, side in zip(st.columns(2, gap="medium"), battles.SIDES, strict=True):
        with column:
            _facts(battle[side])
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(" ".join(filter(None, (battles.verdict(battle), battles.cheaper(battle)))))
        is_next = st.button(
            "Next battle", type="primary", icon=":material/swords:", shortcut="N",
            help="The same words, to two models that are drawn anew.",
        )  # fmt: skip
    if is_next:
        _begun(battles.again(battle))
    _standings(battle["task"])


def _facts(side: Document) -> None:
    moves, price = st.columns(2)
    moved = side["rating"]
    moves.metric(
        "Rating", f"{moved['before']:.0f} → {moved['after']:.0f}" if moved else "not moved", border=True,
        delta=f"{moved['change']:+.1f} points" if moved else None, height=FACTS_PX,
    )  # fmt: skip
    with price, st.container(border=True, height=FACTS_PX, vertical_alignment="center", gap="xxsmall"):
        st.markdown(f"Cost **{usd(side.get('cost_usd'))}**")
        st.markdown(f"Took **{seconds(side.get('seconds'))}**")
    with st.container(horizontal=True):
        parts.link("models", plain(side["model"]), model=side["model"])
        if side.get("job"):
            parts.link("jobs", "Its job", job=side["job"])


def _standings(task: str) -> None:
    st.subheader(f"Where models stand for {task}", anchor=False)
    rows = battles.standings(session.recent("/v1/arena/standings", task=task), task)
    if not rows:
        parts.empty(f"Nobody has voted on {task} yet. Begin a battle: a first vote makes a first rating.")
        return
    votes = sum(row["votes"] for row in rows) // 2
    st.caption(f"{count(votes, 'vote')} of all keys. Bars are 95 % intervals: two that overlap may stand otherwise.")
    parts.chart(charts.standings(rows), f"standings-{task}", "Ratings by votes: " + _best(rows))
    with st.expander("As a table", icon=":material/table:"):
        points = st.column_config.NumberColumn(format="%.0f")
        parts.table(rows, f"standings-table-{task}", rating=points, low=points, high=points, won=parts.SHARE)
    _board(task)


def _best(rows: list[Document]) -> str:
    return "; ".join(f"{row['name']} {row['rating']:.0f} ({row['low']:.0f} to {row['high']:.0f})" for row in rows[:5])


def _board(task: str) -> None:
    """The board that routing reads, once it is there."""
    board = f"podium/{task}"
    if board in {each["board"] for each in session.recent("/v1/boards")["data"]}:
        parts.link("leaderboards", f"The board {board}, which routing reads", board=board)
    else:
        st.caption(f"With votes enough these become the board `{board}`, which routing reads as one among others.")


def _mine() -> None:
    page = session.live("/v1/arena/battles", limit=ROWS)
    st.subheader("Your battles", anchor=False)
    if not page["data"]:
        st.caption("None yet. They are shown to your key alone.")
        return
    chosen = st.dataframe(
        battles.mine(page), hide_index=True, key="battles-table", on_select="rerun", selection_mode="single-row",
        column_config={"begun": parts.moments(), "battle": st.column_config.TextColumn(width="small")}, placeholder="–",
    )  # fmt: skip
    rows = chosen["selection"]["rows"]
    if rows:
        parts.go("arena", battle=page["data"][rows[0]]["id"], task=page["data"][rows[0]]["task"])
