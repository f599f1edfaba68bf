"""Playground: what a request would get at which weights, before anything is spent; then up to four models at once."""

import secrets
from collections.abc import Mapping
from decimal import Decimal

import streamlit as st

from dashboard import asks, charts, frames, parts, session
from dashboard.asks import CLIPS, STARTS_FROM, TASKS
from dashboard.client import Document, Refused
from dashboard.views.jobs import FINAL
from dashboard.views.outputs import cost_said, output_shown, picture_asked
from dashboard.words import count, plain, seconds, short, usd

SHOWN = 8
EVERY_S = 1.5
TALL_PX = {2: 500, 3: 330, 4: 240}
"""The room for an output beside so many, kept while it is made: little jumps when it comes."""
ASK_FROM_USD = 0.50
"""A run that is quoted above this is asked about once more, unless somebody says another limit."""
WEIGHTS = {"quality": ("Quality", 1.0), "cost": ("Low cost", 0.5), "latency": ("Speed", 0.2)}
FAULTS = "podium.playground_faults"
MINE, RANKED = "run-on-mine", "run-on-ranked"


def show() -> None:
    parts.heading("Playground", "What would be chosen for this, at what price? Nothing is spent until you run it.")
    task = str(st.segmented_control("Task", TASKS, default=TASKS[0], key="task", bind="query-params", required=True))
    asked, choice = st.columns([2, 3], gap="large")
    with asked:
        body = _body(task)
    with choice:
        ranked = _choose(body)
    if ranked:
        _run_asked(body, ranked, _models(ranked))
    _runs()


def _body(task: str) -> Document:
    first = st.query_params.get("prompt", asks.PROMPTS[task])
    prompt = str(st.text_area("Prompt", first, max_chars=4000, key=f"prompt-{task}"))
    _keep_prompt(prompt, asks.PROMPTS[task])
    picture = picture_asked("The picture that it starts from") if task in STARTS_FROM else None
    settings = _settings(task)
    st.markdown("**What matters**")
    weights = {
        name: st.slider(label, 0.0, 3.0, usual, 0.1, key=name, bind="query-params")
        for name, (label, usual) in WEIGHTS.items()
    }
    providers = sorted({each["provider"] for each in session.steady_rows("/v1/offers", task=task) if each["available"]})
    only = st.multiselect(
        "Only these providers", providers, placeholder="all", key=f"only-{task}",
        default=[each for each in st.query_params.get_all("only") if each in providers],
    )  # fmt: skip
    st.query_params["only"] = only
    made = asks.body(task, prompt, settings, picture)
    return made | {"routing": {"weights": weights} | ({"only": only} if only else {})}


def _keep_prompt(prompt: str, usual: str) -> None:
    """In the address, unless it is too long for one or what stands there anyway."""
    if prompt == usual or len(prompt) > asks.PROMPT_CHARS:
        st.query_params.pop("prompt", None)
    else:
        st.query_params["prompt"] = prompt


def _settings(task: str) -> Document:
    match task:
        case "text-to-image":
            return {"width": 1024, "height": 1024}
        case "text":
            return {
                "max_tokens": st.slider("Tokens at most", 50, 4000, 500, step=50, key="tokens", bind="query-params")
            }
        case _ if task in CLIPS:
            return {"duration_s": st.slider("Seconds", 1, 10, 5, key="seconds", bind="query-params")}
        case _:
            return {}


def _choose(body: Document) -> dict[str, frames.Document]:
    """What would be chosen; the models of the ranking by their best offers, none where no offer can do it."""
    decision = session.routed(body)
    if not decision["ranked"]:
        parts.empty("No offer can do this; the commonest reasons are below.", ":material/block:")
        parts.table(frames.reasons(decision), "play-reasons")
        return {}
    first = decision["ranked"][0]
    st.markdown(f"**{first['offer']}** at **{usd(first['quote_usd'])}**, of {count(len(decision['ranked']), 'offer')}")
    st.caption(frames.margin_words(decision))
    parts.chart(charts.parts(frames.parts(decision, SHOWN)), "play-parts", "Scores in parts of the first offers")
    st.caption(frames.PARTS_SAID)
    return asks.contenders(decision)


def _models(ranked: Mapping[str, frames.Document]) -> list[str]:
    """Who runs: the first of the ranking as it moves, until somebody chooses; the address then keeps the choice."""
    chosen = st.query_params.get_all("models")
    models = asks.preselected(ranked, chosen)
    labels = {name: f"{short(name)} · {usd(each['quote_usd'])}" for name, each in ranked.items()}
    key = f"{MINE if chosen else RANKED}-{'|'.join(ranked if chosen else models)}"  # as the ranking moves, so it asks
    picked = st.multiselect(
        "Run side by side on", list(ranked), default=models, max_selections=asks.MOST, key=key,
        format_func=lambda name: labels.get(name, name), on_change=_picked, args=(key,),
        help="Each by its best offer. Four at most; the first of the ranking until you choose.",
    )  # fmt: skip
    if chosen:
        st.button("Follow the ranking", icon=":material/restart_alt:", type="tertiary", on_click=_follow)
    return list(picked)


def _picked(key: str) -> None:
    st.query_params["models"] = st.session_state[key]


def _follow() -> None:
    st.query_params.pop("models", None)


def _run_asked(body: Document, ranked: Mapping[str, frames.Document], models: list[str]) -> None:
    total = asks.total(ranked, models)
    limit = Decimal(str(st.session_state.get("ask-from", ASK_FROM_USD)))
    is_whole = asks.is_whole(body) and bool(models)
    if not is_whole:
        missing = "a prompt" if not body["prompt"].strip() else "a picture to start from" if models else "a model"
        st.caption(f":material/info: To run it, it needs {missing}.")
    is_meant = True
    if total > limit:
        is_meant = st.checkbox(f"Yes, spend about {usd(total)}", key=f"meant-{total}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            f"Run it on {count(len(models), 'model')}, quoted {usd(total)}", type="primary", shortcut="Mod+Enter",
            icon=":material/play_arrow:", disabled=not (is_whole and is_meant), on_click=_run,
            args=(body, [ranked[name]["offer"] for name in models]),
        )  # fmt: skip
        st.number_input("Ask above (USD)", 0.0, 1000.0, ASK_FROM_USD, 0.1, key="ask-from", width=140)


def _run(body: Document, offers: list[str]) -> None:
    """One job for each offer; one that is refused does not stop the others."""
    jobs, faults = [], []
    for offer in offers:
        try:
            key = {"idempotency-key": f"dash_{secrets.token_hex(16)}"}
            jobs.append(session.podium().post("/v1/jobs", asks.pinned(body, offer), **key)["id"])
        except Refused as refused:
            faults.append(f"{offer}: {refused.detail}")
    st.session_state[FAULTS] = faults
    st.query_params["jobs"] = jobs
    session.forget()


def _runs() -> None:
    for fault in st.session_state.pop(FAULTS, ()):
        st.error(plain(fault), icon=":material/error:")
    ids = st.query_params.get_all("jobs")[: asks.MOST]
    if not ids:
        return
    st.divider()
    st.subheader("Side by side" if len(ids) > 1 else "What it made", anchor=False)
    if all(_job(each)["status"] in FINAL for each in ids):
        _shown(ids)
    else:
        _running(ids)


@st.fragment(run_every=EVERY_S)
def _running(ids: list[str]) -> None:
    if all(_job(each)["status"] in FINAL for each in ids):
        st.rerun()
    _shown(ids)


def _job(job_id: str) -> Document:
    return session.live(f"/v1/jobs/{job_id}")


def _shown(ids: list[str]) -> None:
    jobs = [_job(each) for each in ids]
    columns = max(2, len(jobs))
    for column, job in zip(st.columns(columns, gap="medium"), jobs, strict=False):
        with column, st.container(border=True):
            _one(job, TALL_PX[columns])
    if len(jobs) > 1:
        parts.table(
            asks.compared(jobs), "play-compared", took=parts.SECONDS, quoted=parts.USD, cost=parts.USD,
        )  # fmt: skip


def _one(job: Document, tall_px: int) -> None:
    st.markdown(f"**{plain(short(job['offer']))}**")
    with st.container(height="content" if job["status"] in FINAL else tall_px, border=False):
        if job["status"] not in FINAL:
            st.progress(min(1.0, job["progress"] or 0.0), text=f"{job['status']} at {plain(job['offer'])} …")
        elif job["error"]:
            st.error(plain(str(job["error"].get("message") or job["error"].get("code"))), icon=":material/error:")
        for output in job["outputs"]:
            output_shown(output, told=f"What {job['offer']} made")
    took = seconds(frames.span_s(job["created_at"], job["ended_at"]))
    st.markdown(f"{usd(job['cost']['cost_usd'])} · {took}" if job["status"] in FINAL else "…")
    with st.expander("Receipt", icon=":material/receipt_long:", expanded=job["status"] in FINAL):
        parts.table(frames.receipt(job), f"play-receipt-{job['id']}")
        cost_said(job)
    with st.container(horizontal=True):
        parts.link("jobs", "Job", job=job["id"])
        parts.link("decisions", "Why", decision=job["decision"])
