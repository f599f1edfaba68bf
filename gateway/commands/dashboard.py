"""`podium dashboard`: becomes Streamlit's server with the dashboard in it, and tells it where the gateway is."""

import os
import socket
import sys
from importlib.util import find_spec
from urllib.parse import urlsplit, urlunsplit

from gateway.commands.terminal import Refused
from gateway.settings import Settings, settings

ADDRESS = "127.0.0.1"
"""Who signs in types a key, so what listens further belongs behind a proxy that speaks TLS."""
ACCENT = "#2684c7"
"""The first colour of the dashboard's palette."""


def dashboard() -> None:
    """Serve the dashboard in this process until Ctrl-C. Raises Refused where its port is taken."""
    command = words(settings(), app_file())
    _check_free(settings().dashboard_port)
    os.execv(sys.executable, [sys.executable, *command])


def app_file() -> str:
    """Where the dashboard's first file is; the gateway does not import it, for it is only a customer."""
    found = find_spec("dashboard.app")
    if found is None or found.origin is None:
        raise Refused("the dashboard is not installed beside the gateway")
    return found.origin


def words(config: Settings, app: str) -> list[str]:
    """The interpreter's arguments. Streamlit tells nobody that it runs, and an error in a page shows no traceback."""
    options = {
        "server.address": ADDRESS,
        "server.port": str(config.dashboard_port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "theme.light.primaryColor": ACCENT,
        "theme.dark.primaryColor": ACCENT,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return ["-m", "streamlit", "run", app, *flags, "--", "--url", _without_credentials(config.gateway_url)]


def _without_credentials(url: str) -> str:
    """Arguments of a process can be read by others on the machine."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _check_free(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((ADDRESS, port))
        except OSError as error:
            taken = f"port {port} of {ADDRESS} is taken: is a dashboard running already?"
            raise Refused(f"{taken} PODIUM_DASHBOARD_PORT sets another") from error
