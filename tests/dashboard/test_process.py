"""`podium dashboard` as a process: it listens where it was told, on this machine alone."""

import sys

import httpx

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
