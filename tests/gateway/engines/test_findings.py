"""What was found is kept for each host, once while it stays the same, and told by the route with what is used now."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from gateway import clock
from gateway.catalog import naming
from gateway.engines import findings, routes
from gateway.engines.discovery import Found
from gateway.problems import Unavailable
from gateway.snapshots import store
from router import names

pytestmark = pytest.mark.anyio
COMFYUI = Found("http://gpu:8188", "comfyui", "ComfyUI", "0.3.64", ({"name": "a", "model": None},), card="name: x")


@pytest.mark.parametrize(
    ("said", "hosts"),
    [(None, ()), ("off", ()), (" ", ()), ("on", ("127.0.0.1",)), ("gpu-1, gpu-2:9000", ("gpu-1", "gpu-2:9000"))],
)
def test_the_setting_is_hosts_and_off_unless_set(said, hosts):
    assert findings.hosts_of(said) == hosts


def test_a_setting_that_is_no_hosts_is_refused():
    with pytest.raises(Unavailable, match="PODIUM_DISCOVER"):
        findings.hosts_of("10.0.0.0/8")


async def test_a_finding_is_kept_once_while_it_stays_the_same(database):
    now = clock.now()
    for after in (timedelta(0), timedelta(minutes=15)):
        await findings.keep(database, "gpu", (COMFYUI,), now + after)
    assert len(await database.read(lambda connection: store.since(connection, now, findings.SOURCE))) == 1
    await findings.keep(database, "gpu", (), now + timedelta(minutes=30))
    assert await database.read(findings.newest) == []
    await findings.keep(database, "other", (COMFYUI,), now)
    [row] = await database.read(findings.newest)
    assert (row["host"], row["engine"], row["models"]) == ("other", "comfyui", [{"name": "a", "model": None}])
    assert "card" not in row


async def test_a_finding_is_no_reading_of_a_board(database):
    await findings.keep(database, "gpu", (COMFYUI,), clock.now())
    assert await naming.open_labels(database, names.collect((), ()), everything=True) == []


def test_what_is_used_is_what_is_configured_now():
    card = SimpleNamespace(name="comfyui-2", base_url="http://gpu:8188", needs_base_url=False)
    supply = SimpleNamespace(cards={"comfyui-2": card})
    row = {**COMFYUI.document(), "host": "gpu", "found_at": clock.now()}
    assert routes._view(row, supply)["enabled_as"] == "comfyui-2"
    assert routes._view(row | {"address": "http://gpu:81880"}, supply)["enabled_as"] is None
