"""Looking for engines: at the hosts that are named and nowhere else, with GET alone, and what is found is proposed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.http import close_clients, open_clients
from gateway.catalog.supply import Supply
from gateway.commands.listings import NoShelf
from gateway.engines import discovery
from gateway.engines.discovery import BadHost, Searcher, origins
from tests.adapters.test_http import answer, serving
from tests.simulators import a1111, comfyui, invokeai, open_inference, podium_worker, tenstorrent
from tests.simulators.server import Server, Simulated
from tests.supplies import make_supply

ENGINES: dict[str, tuple[Simulated, ...]] = {
    "comfyui": comfyui.SIMULATED, "a1111": (a1111.SIMULATED,), "invokeai": (invokeai.SIMULATED,),
    "kserve": (open_inference.SIMULATED,), "ray": podium_worker.SIMULATED, "tenstorrent": tenstorrent.SIMULATED,
}  # fmt: skip


@pytest.fixture
def supply(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Supply:
    return make_supply(monkeypatch, tmp_path)


@pytest.fixture
async def searcher(supply: Supply) -> AsyncIterator[Searcher]:
    clients = open_clients()
    yield Searcher(supply, clients, NoShelf())
    await close_clients(clients)


def test_a_host_alone_is_asked_at_every_usual_port_and_an_address_only_there() -> None:
    assert origins(()) == origins(["127.0.0.1"]) and "http://127.0.0.1:8188" in origins(())
    assert origins(["gpu-1:9000", "http://[::1]:8188/"]) == ("http://gpu-1:9000", "http://[::1]:8188")


@pytest.mark.parametrize(
    "host", ["10.0.0.0/24", "10.0.0.1-20", "https://x", "http://u:p@x", "x/y", "x:0", "x:70000", "", "*", "a b"]
)
def test_ranges_and_links_are_no_hosts(host: str) -> None:
    with pytest.raises(BadHost):
        origins([host])


def test_no_more_hosts_than_somebody_names_by_hand() -> None:
    with pytest.raises(BadHost, match="at most"):
        origins([f"gpu-{n}" for n in range(discovery.HOSTS_MOST + 1)])


@pytest.mark.anyio
@pytest.mark.parametrize("engine", ENGINES)
async def test_an_engine_is_found_by_get_alone_and_without_a_key(searcher: Searcher, engine: str) -> None:
    with Server(*ENGINES[engine]) as server:
        [found] = await searcher.look([server.url])
        asks = server.world.asks
    assert (found.engine, found.address, found.enabled_as) == (engine, server.url, None)
    assert {ask.method for ask in asks} == {"GET"}
    assert not any({"authorization", "x-api-key", "cookie"} & ask.headers.keys() for ask in asks)
    assert bool(found.card) == bool(found.offers) == (engine != "tenstorrent"), "without its key it lists nothing"


@pytest.mark.anyio
async def test_two_engines_of_a_kind_get_two_names(searcher: Searcher) -> None:
    with Server(a1111.SIMULATED) as one, Server(a1111.SIMULATED) as other:
        found = await searcher.look([one.url, other.url])
    assert [each.name for each in found] == ["a1111", "a1111-2"]
    assert [each.variables[0] for each in found] == [
        "PODIUM_PROVIDER_A1111_BASE_URL", "PODIUM_PROVIDER_A1111_2_BASE_URL",
    ]  # fmt: skip
    assert found[0].models == (
        {"name": "sd_xl_base_1.0", "model": "stability-ai/sdxl-1.0"},
        {"name": "mine", "model": None},
    )
    assert [(each.name, each.base) for each in found[0].loras] == [("style", "sdxl_base_v1-0")]


@pytest.mark.anyio
async def test_one_that_is_used_already_is_said_to_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clients = open_clients()
    with Server(*comfyui.SIMULATED) as server:
        variables = {"PODIUM_PROVIDER_COMFYUI_BASE_URL": server.url}
        supply = make_supply(monkeypatch, tmp_path, variables=variables)
        [found] = await Searcher(supply, clients, NoShelf()).look([server.url])
    await close_clients(clients)
    assert found.enabled_as == "comfyui"


@pytest.mark.anyio
async def test_nobody_there_is_nothing_and_a_stranger_is_unknown(searcher: Searcher) -> None:
    async with serving(answer(b"<!doctype html><html>Hello</html>")) as server:
        [found] = await searcher.look([server.url])
    assert (found.engine, found.card, found.offers) == (None, None, ())
    with Server(*comfyui.SIMULATED) as gone:
        pass
    assert await searcher.look([gone.url]) == ()


@pytest.mark.anyio
async def test_a_page_without_end_is_not_read_to_its_end(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "REPLY_BYTES", 1_000)
    async with serving(answer(b'{"system": {"comfyui_version": "0.3.64", "x": "' + b"x" * 5_000 + b'"}}')) as server:
        assert all(each.engine is None for each in await searcher.look([server.url]))
