"""Gateways, the sandbox and small providers for the stories; most last for a whole run, so that it is a short one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway import migrations
from tests.stories.cards import write_cards
from tests.stories.house import Gateway, Sandbox, start_sandbox
from tests.stories.upstreams import Upstream

NewGateway = Callable[..., Gateway]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without rows: copying it is quicker than migrating."""
    path = tmp_path_factory.mktemp("template") / "podium.db"
    migrations.upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = start_sandbox(tmp_path_factory.mktemp("sandbox") / "home")
    yield running
    running.child.stop()


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    """Providers of our own making, all on one port."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="session")
def gateways() -> Iterator[list[Gateway]]:
    """Every gateway that runs."""
    running: list[Gateway] = []
    yield running
    assert not running, "a fixture left its gateway running"


@pytest.fixture(scope="session")
def new_gateway(
    tmp_path_factory: pytest.TempPathFactory, template: Path, sandbox: Sandbox, gateways: list[Gateway]
) -> NewGateway:
    """Make a gateway on a database of its own; whoever asks for it ends it with `close_gateway`."""

    def make(database_url: str | None = None, **variables: str) -> Gateway:
        folder = tmp_path_factory.mktemp("gateway")
        if database_url is None:
            shutil.copy(template, folder / "podium.db")
        url = database_url or f"sqlite+aiosqlite:///{folder}/podium.db"
        gateway = Gateway(folder, url, {"PODIUM_PROVIDER_SANDBOX_BASE_URL": sandbox.url} | variables)
        gateways.append(gateway)
        return gateway

    return make


@pytest.fixture(scope="session")
def close_gateway(gateways: list[Gateway]) -> Callable[[Gateway], None]:
    def close(gateway: Gateway) -> None:
        gateway.stop()
        gateways.remove(gateway)

    return close


@pytest.fixture(scope="session")
def house(new_gateway: NewGateway, close_gateway: Callable[[Gateway], None]) -> Iterator[Gateway]:
    """The embedded defaults: SQLite, a disk, the sandbox, no provider's key."""
    gateway = new_gateway().start()
    yield gateway
    close_gateway(gateway)


@pytest.fixture(scope="session")
def cards(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Path:
    return write_cards(tmp_path_factory.mktemp("cards"), upstream.url)


@pytest.fixture(scope="session")
def town(new_gateway: NewGateway, close_gateway: Callable[[Gateway], None], cards: Path) -> Iterator[Gateway]:
    """A gateway among several providers, all of them small servers here."""
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(cards), PODIUM_SANDBOX="on").start()
    yield gateway
    close_gateway(gateway)


@pytest.fixture(scope="module")
def mortal(new_gateway: NewGateway, close_gateway: Callable[[Gateway], None], cards: Path) -> Iterator[Gateway]:
    """The same, to be killed."""
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(cards), PODIUM_SANDBOX="on").start()
    yield gateway
    close_gateway(gateway)


@pytest.fixture(autouse=True)
def books(gateways: list[Gateway], upstream: Upstream) -> Iterator[None]:
    """After each story the books balance, and no gateway has broken."""
    yield
    upstream.forget()
    for gateway in gateways:
        if gateway.child.is_alive():
            gateway.check_books()
