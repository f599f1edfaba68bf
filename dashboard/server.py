"""The dashboard's process: Streamlit's server with our way in before it. It draws nothing and knows no page."""

import argparse
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from dashboard.entrance import Guard, Site, routes

URL = "http://127.0.0.1:8700"
ADDRESS = "127.0.0.1"
"""Who signs in types a key, so what listens further belongs behind a proxy that speaks TLS."""
LOOK_S = 1.0
ACCENT = "#2684c7"
"""The first colour of the palette."""


def options(port: int, base: str) -> dict[str, Any]:
    """Streamlit tells nobody that it runs, checks who opens its stream and who uploads, and shows no traceback."""
    return {
        "server.address": ADDRESS,
        "server.port": port,
        "server.baseUrlPath": base.strip("/"),
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "runner.magicEnabled": False,  # a sentence beside a constant is no output
        "theme.headingFontSizes": ["1.9rem", "1.4rem", "1.15rem", "1rem", "1rem", "1rem"],
        "theme.metricValueFontSize": "1.6rem",
        "theme.light.primaryColor": ACCENT,
        "theme.dark.primaryColor": ACCENT,
    }


def base_of(path: str) -> str:
    """A path as it stands before all of ours: "/podium", or nothing."""
    return f"/{path.strip('/')}" if path.strip("/") else ""


def main(words: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    asked = _words().parse_args(words)
    site = Site(asked.url.rstrip("/"), base_of(asked.path))
    if asked.parent_pid is not None:
        Thread(target=_end_with, args=(asked.parent_pid,), daemon=True).start()
    app = st.App(Path(__file__).with_name("app.py"), routes=routes(site), middleware=[Middleware(Guard, site=site)])
    app.run(config=options(asked.port, site.base))


def _end_with(parent_pid: int) -> None:
    """Nobody stops a child whose parent was killed, so it looks."""
    while os.getppid() == parent_pid:
        sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="podium dashboard")
    parser.add_argument("--url", default=URL, help="where the gateway is")
    parser.add_argument("--port", type=int, default=8701)
    parser.add_argument("--path", default="", help="what a proxy puts before every path of ours")
    parser.add_argument("--parent-pid", type=int, help="end when this process has")
    return parser


if __name__ == "__main__":
    main()
