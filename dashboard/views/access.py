"""Keys, plans and projects: listed, made, funded, revoked. A new key's secret is shown once and kept nowhere."""

import secrets
from typing import Any

import streamlit as st

from dashboard import deeds, frames, parts, purses, session
from dashboard.client import Document, Refused
from dashboard.words import plain, usd

_MADE, _PAYMENT = "podium.made_key", "podium.payment"
NO_PLAN = "no plan"


def show() -> None:
    _made()
    keys = session.recent("/v1/keys", limit=500)["data"]
    plans = session.recent("/v1/plans", limit=200)["data"]
    projects = session.recent("/v1/projects", limit=200)["data"]
    in_force = [each for each in keys if not each["revoked_at"]]
    new, fund, end = st.columns(3, gap="medium")
    with new:
        _create(plans, projects)
    with fund:
        _fund(in_force)
    with end:
        _revoke(in_force)
    st.subheader("Keys", anchor=False)
    names = purses.names_of([*plans, *projects])
    rows = [
        {
            "name": each["name"],
            "role": each["role"],
            "begins with": each["hint"],
            "project": names.get(each["project"], each["project"]),
            "plan": names.get(each["plan"], each["plan"]),
            "created": each["created_at"],
            "revoked": each["revoked_at"],
            "id": each["id"],
        }
        for each in sorted(keys, key=lambda each: (each["revoked_at"] is not None, each["name"]))
    ]
    parts.table(rows, "keys", ["created", "revoked"])
    st.subheader("Plans", anchor=False)
    shown = ("name", "jobs_per_minute", "burst", "concurrency", "margin_ppm", "models", "id")
    parts.table([_plan(row) for row in frames.stamped(plans, shown)], "plans", margin=parts.SHARE)
    _new_plan()


def _plan(row: dict[str, Any]) -> dict[str, Any]:
    margin = row.pop("margin ppm") / 1_000_000
    return row | {"margin": margin, "models": ", ".join(row["models"]) or "all"}


def _made() -> None:
    """The new key's secret, until the reader has put it away."""
    made: Document | None = st.session_state.get(_MADE)
    if made is None:
        return
    with st.container(border=True, key="new-secret"):
        st.success(f"The key {plain(made['name'])} is made. This is the only time its secret is shown: copy it now.")
        st.code(made["secret"], language=None)
        if st.button("I have copied it", icon=":material/done:"):
            del st.session_state[_MADE]
            st.rerun()


def _create(plans: list[Document], projects: list[Document]) -> None:
    with st.form("new-key"):
        st.markdown("**A new key**")
        name = st.text_input("Name", placeholder="whose, or what it is for")
        role = st.selectbox(
            "Role", ("caller", "admin"), help="An admin sees everything, funds keys and makes new ones."
        )
        names = purses.names_of([*plans, *projects])
        plan = st.selectbox("Plan", [each["id"] for each in plans], index=None, placeholder=NO_PLAN,
                            format_func=lambda each: names.get(each, each))  # fmt: skip
        project = st.selectbox("Project", [each["id"] for each in projects], index=None, placeholder="no project",
                               format_func=lambda each: names.get(each, each))  # fmt: skip
        if st.form_submit_button("Make the key", type="primary"):
            body = {"name": name, "role": role, "plan": plan, "project": project}
            _keep(body)


def _keep(body: Document) -> None:
    try:
        made = session.podium().post("/v1/keys", {name: value for name, value in body.items() if value})
    except Refused as refused:
        st.error(plain(refused.detail))
    else:
        st.session_state[_MADE] = made
        session.forget()
        st.rerun()


def _fund(keys: list[Document]) -> None:
    names = purses.names_of(keys)
    with st.form("fund-key"):
        st.markdown("**Put money on a key**")
        key = st.selectbox("Key", list(names), format_func=lambda each: names.get(each, each), index=None,
                           placeholder="choose one")  # fmt: skip
        typed = st.text_input("Amount (USD)", "10.00")
        st.caption("Jobs are paid from the balance; nothing is spent beyond it.")
        if st.form_submit_button("Fund it"):
            amount = purses.usd_of(typed)
            if key is None or not amount:
                st.error("Choose a key, and write an amount such as 10.00.")
                return
            # The same payment until it is booked: a click that is repeated books nothing twice.
            payment = f"{_PAYMENT}.{key}.{amount}"
            reference = st.session_state.setdefault(payment, f"dashboard-{secrets.token_hex(12)}")
            deeds.do(
                lambda: _booked(key, str(amount), payment, reference), f"{plain(names[key])} has {usd(amount)} more."
            )


def _booked(key: str, amount: str, payment: str, reference: str) -> Document:
    booked = session.podium().post("/v1/ledger/fund", {"key": key, "usd": amount}, **{"idempotency-key": reference})
    del st.session_state[payment]
    return booked


def _revoke(keys: list[Document]) -> None:
    names = purses.names_of(keys)
    with st.container(border=True):
        st.markdown("**Revoke a key**")
        key = st.selectbox("Key to revoke", list(names), format_func=lambda each: names.get(each, each), index=None,
                           placeholder="choose one")  # fmt: skip
        st.caption("It stops working within seconds, for good. Its money and its past stay.")
        sure = st.checkbox("Nobody needs it any more", key=f"sure-{key}", disabled=key is None)
        if st.button("Revoke it", icon=":material/key_off:", disabled=key is None or not sure):
            told = f"{plain(names[str(key)])} is revoked."
            deeds.do(lambda: session.podium().delete(f"/v1/keys/{key}"), told)


def _new_plan() -> None:
    with st.expander("A new plan", icon=":material/add:"), st.form("new-plan", border=False):
        name = st.text_input("Name", placeholder="trial")
        left, middle, right = st.columns(3)
        per_minute = left.number_input("Jobs a minute", 1, 1_000_000, 60)
        at_once = middle.number_input("Jobs at the same time", 1, 100_000, 10)
        margin = right.number_input("Margin (% of the cost)", 0.0, 1_000.0, 0.0, 0.5)
        if st.form_submit_button("Make it", type="primary"):
            body = {"name": name, "jobs_per_minute": per_minute, "burst": per_minute, "concurrency": at_once,
                    "margin_ppm": round(margin * 10_000)}  # fmt: skip
            deeds.do(lambda: session.podium().post("/v1/plans", body), f"The plan {plain(name)} is there for new keys.")
