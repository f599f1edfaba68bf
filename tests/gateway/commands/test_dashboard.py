"""`podium dashboard`: what Streamlit is told, and who is refused."""

import socket

import pytest

from gateway.commands import dashboard
from gateway.commands.terminal import Refused
from gateway.settings import Settings


def test_the_dashboard_listens_here_alone_and_tells_nobody_that_it_runs():
    words = dashboard.words(Settings(_env_file=None, dashboard_port=9101, url="http://gate.example:1"), "app.py")
    assert {"--server.address=127.0.0.1", "--server.port=9101", "--browser.gatherUsageStats=false"} <= set(words)
    assert words[-2:] == ["--url", "http://gate.example:1"]


def test_a_password_in_an_address_is_not_among_the_arguments():
    words = dashboard.words(Settings(_env_file=None, url="http://me:secret@gate.example"), "app.py")
    assert words[-1] == "http://gate.example"


def test_a_taken_port_is_said_with_the_setting_that_names_another():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="PODIUM_DASHBOARD_PORT"):
            dashboard._check_free(taken.getsockname()[1])


def test_the_app_is_found_without_being_imported():
    assert dashboard.app_file().endswith("dashboard/app.py")
