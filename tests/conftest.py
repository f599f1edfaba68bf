"""What every test shares: one event loop kind, and a closed network."""

import socket
from typing import Any

import pytest

pytest_plugins = ["tests.databases"]

LOCAL = ("127.", "::1", "localhost")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine: a connection to any other address fails at once."""
    connect = socket.socket.connect

    def only_local(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOCAL):
            raise OSError(f"the network is closed in tests: {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_local)
