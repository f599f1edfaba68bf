"""The dashboard's first file, run by `podium dashboard`: signs in, and leads to the pages; it draws none of them."""

import argparse
import sys

import streamlit as st
from PIL import Image

from dashboard import parts, session
from dashboard.client import Refused
from dashboard.views import (
    churn,
    decisions,
    frontier,
    jobs,
    models,
    money,
    operations,
    overview,
    playground,
)

URL = "http://127.0.0.1:8700"


def icon() -> Image.Image:
    """Three steps of a podium: drawn here, so that no page's symbol is fetched from elsewhere."""
    drawn = Image.new("RGB", (32, 32), "white")
    for left, top, colour in ((2, 16, "#56b4e9"), (12, 6, "#2684c7"), (22, 20, "#e69f00")):
        drawn.paste(colour, (left, top, left + 8, 30))
    return drawn


def gateway_url() -> str:
    """Where the gateway is: what the command that started us says, and nobody in a browser."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--url", default=URL)
    return str(options.parse_known_args(sys.argv[1:])[0].url).rstrip("/")


def ask_for_key(url: str) -> None:
    """The sign-in page. The key goes into this session's memory: not into the address, nor a cookie, nor a file."""
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        st.title("Podium", anchor=False)
        st.caption("Which model to use, what it costs, what changed, and why it was chosen.")
        with st.form("sign-in", border=True):
            secret = st.text_input("Podium key", type="password", placeholder="pk_…", autocomplete="off")
            wanted = st.form_submit_button("Sign in", type="primary", width="stretch")
        if wanted:
            try:
                session.sign_in(url, secret.strip())
            except Refused as refused:
                unknown = "That key is not known here. Keys are made with `podium keys create`, or by your admin."
                st.error(unknown if refused.status == 401 else refused.detail)
            else:
                st.rerun()
        st.caption(f"Gateway: {url}. A key stays in this browser session and is forgotten when the page is reloaded.")


def lead() -> None:
    """The pages in the order of the menu, and the one that the address names."""
    pages = {
        "overview": st.Page(
            overview.show, title="Overview", icon=":material/space_dashboard:", url_path="overview", default=True
        ),
        "frontier": st.Page(frontier.show, title="Frontier", icon=":material/show_chart:", url_path="frontier"),
        "models": st.Page(models.show, title="Models", icon=":material/deployed_code:", url_path="models"),
        "churn": st.Page(churn.show, title="Churn", icon=":material/sync_alt:", url_path="churn"),
        "playground": st.Page(playground.show, title="Playground", icon=":material/brush:", url_path="playground"),
        "jobs": st.Page(jobs.show, title="Jobs", icon=":material/photo_library:", url_path="jobs"),
        "decisions": st.Page(decisions.show, title="Decisions", icon=":material/rule:", url_path="decisions"),
        "money": st.Page(money.show, title="Money", icon=":material/payments:", url_path="money"),
        "operations": st.Page(
            operations.show, title="Operations", icon=":material/monitor_heart:", url_path="operations",
            visibility="visible" if session.is_admin() else "hidden",
        ),
    }  # fmt: skip
    parts.register(pages)
    choose = [pages[name] for name in ("overview", "frontier", "models", "churn")]
    work = [pages[name] for name in ("playground", "jobs", "decisions")]
    account = [pages[name] for name in ("money", "operations")]
    sections = {"Choose": choose, "Work": work, "Account": account}
    if session.signed_in() is None:
        st.navigation(sections, position="hidden")  # so that the address of a page outlives the sign-in
        ask_for_key(gateway_url())
        return
    page = st.navigation(sections)
    with st.sidebar:
        st.caption("Admin: sees everything" if session.is_admin() else "Caller: sees its own")
        st.button("Sign out", icon=":material/logout:", on_click=session.sign_out, width="stretch")
        st.caption("Times are in UTC.")
    try:
        page.run()
    except Refused as refused:
        parts.refused(refused)


def main() -> None:
    st.set_page_config(page_title="Podium", page_icon=icon(), layout="wide")
    lead()


if __name__ == "__main__":
    main()
