"""The dashboard as a process, alone and beside `podium up`: where it listens, and that it ends with what began it."""

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from tests.stories.house import START_S, Child, answers, child_environment, eventually, free_port


def test_the_command_serves_the_pages_at_its_port(tmp_path):
    port = free_port()
    environment = child_environment(PODIUM_DASHBOARD_PORT=str(port), HOME=str(tmp_path))
    child = Child([sys.executable, "-m", "gateway.cli", "dashboard"], tmp_path, environment)
    child.begin()
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/_stcore/health"), "the dashboard listens", START_S)
        led = httpx.get(f"http://127.0.0.1:{port}/frontier", trust_env=False)
        assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2Ffrontier")
        assert "Podium key" in httpx.get(f"http://127.0.0.1:{port}/sign-in", trust_env=False).text
        assert f"127.0.0.1:{port}" in child.log.read_text()
    finally:
        child.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "killed"])
def test_up_serves_the_pages_too_and_they_end_with_it(tmp_path, number):
    port = free_port()
    environment = child_environment(
        PODIUM_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/up.db", PODIUM_STORE_URL=f"file://{tmp_path}/assets",
        PODIUM_PORT="0", PODIUM_SANDBOX="off", PODIUM_DASHBOARD_PORT=str(port), HOME=str(tmp_path),
    )  # fmt: skip
    command = [sys.executable, "-m", "gateway.cli", "up", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        told = json.loads(child.stdout.readline())
        assert told["dashboard_url"] == f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{told['dashboard_url']}/_stcore/health"), "the dashboard listens", START_S)
        assert told["url"] in httpx.get(f"{told['dashboard_url']}/sign-in", trust_env=False).text
        os.kill(child.pid, number)
        assert child.wait(30) == (0 if number is signal.SIGINT else -signal.SIGKILL)
    eventually(lambda: not answers(f"{told['dashboard_url']}/_stcore/health"), "the dashboard has ended")


def test_a_taken_port_of_the_dashboard_is_no_reason_for_a_gateway_not_to_run(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = child_environment(
            PODIUM_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/up.db", PODIUM_STORE_URL=f"file://{tmp_path}/assets",
            PODIUM_PORT="0", PODIUM_SANDBOX="off", PODIUM_DASHBOARD_PORT=str(taken.getsockname()[1]),
        )  # fmt: skip
        command = [sys.executable, "-m", "gateway.cli", "up", "--json"]
        with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as child:
            told = json.loads(child.stdout.readline())
            assert told["dashboard_url"] is None
            assert httpx.get(f"{told['url']}/healthz", trust_env=False).status_code == 200
            os.kill(child.pid, signal.SIGINT)
            assert child.wait(30) == 0
