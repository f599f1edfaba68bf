"""On a database of another schema than this version's the service does not serve, and says what to do."""

from collections.abc import Callable

import httpx
import pytest

from tests.stories.house import Gateway, eventually, execute

NewGateway = Callable[..., Gateway]


@pytest.fixture
def fresh(new_gateway: NewGateway, close_gateway: Callable[[Gateway], None]):
    gateway = new_gateway()
    yield gateway
    close_gateway(gateway)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM alembic_version", "UPDATE alembic_version SET version_num = '9999_from_the_future'"]
)
def test_a_gateway_does_not_start_on_another_schema_than_its_own(fresh: Gateway, statement: str) -> None:
    execute(fresh.database_url, statement)
    fresh.child.begin()
    assert fresh.child.process is not None
    assert fresh.child.process.wait(30) != 0
    log = fresh.child.log.read_text()
    assert "the database's schema is at" in log and "podium migrate" in log
    fresh.child.log.unlink()


def test_a_gateway_whose_schema_changes_under_it_says_that_it_is_not_ready(fresh: Gateway) -> None:
    fresh.start()
    execute(fresh.database_url, "UPDATE alembic_version SET version_num = '9999_from_the_future'")
    answer = httpx.get(f"{fresh.url}/readyz")
    assert answer.status_code == 503 and answer.json()["code"] == "unavailable"
    assert "9999_from_the_future" in answer.json()["detail"]
    assert httpx.get(f"{fresh.url}/healthz").status_code == 200


def test_a_catalog_that_is_wrong_is_named_with_its_file_and_place(new_gateway: NewGateway, tmp_path, gateways) -> None:
    (tmp_path / "broken.yaml").write_text("name: broken\ntitle: b\ndialect: nonsense\nbase_url: http://x\noffers: []\n")
    gateway = new_gateway(PODIUM_CATALOG_DIR=str(tmp_path))
    gateway.child.begin()
    eventually(lambda: not gateway.child.is_alive(), "it ends")
    assert "broken.yaml: no dialect named nonsense" in gateway.child.log.read_text()
    gateways.remove(gateway)
