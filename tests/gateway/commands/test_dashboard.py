"""`podium dashboard`: what its process is told, and who is refused."""

import socket

import pytest

from gateway.commands import dashboard
from gateway.commands.terminal import Refused
from gateway.settings import Settings


def told(config, gateway_url="http://gate.example:1"):
    """The arguments after the module, by name."""
    flag, module, *words = dashboard.words(config, gateway_url)
    assert (flag, module) == ("-m", "dashboard.server") and dashboard.is_installed()
    return dict(zip(words[::2], words[1::2], strict=True))


def test_the_dashboard_is_told_its_port_its_path_and_where_the_gateway_is():
    config = Settings(_env_file=None, dashboard_port=9101, dashboard_path="podium")
    assert told(config) == {"--url": "http://gate.example:1", "--port": "9101", "--path": "podium"}
    assert dashboard.url(config) == "http://127.0.0.1:9101/podium"


def test_a_password_in_an_address_is_not_among_the_arguments():
    assert told(Settings(_env_file=None), "http://me:secret@gate.example")["--url"] == "http://gate.example"


def test_a_taken_port_is_said_with_the_setting_that_names_another():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="PODIUM_DASHBOARD_PORT"):
            dashboard.check_free(taken.getsockname()[1])
