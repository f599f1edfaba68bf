"""Money runs out at the right request, however many come at once and through however many doors of the house."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from gateway import migrations
from tests.stories.house import Customer, Gateway

AT_ONCE, AFFORDED = 64, 10
DRAFT = {
    "task": "text-to-image", "prompt": "a paper boat", "width": 64, "height": 64, "seed": 1,
    "model": "sandbox/podium/sandbox-pictures-draft",
}  # fmt: skip
DRAFT_USD = Decimal("0.0005")


def rush(customers: list[Customer]) -> list[str]:
    """All at once, in turn through each of the gateways. Returns the jobs that were accepted; the rest were refused."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda n: customers[n % len(customers)].post("/v1/jobs", DRAFT), range(AT_ONCE)))
    assert Counter(each.status_code for each in answers) == {202: AFFORDED, 402: AT_ONCE - AFFORDED}
    refused = [each.json() for each in answers if each.status_code == 402]
    assert {each["code"] for each in refused} == {"insufficient_funds"}
    assert {each["needed_usd"] for each in refused} == {str(DRAFT_USD)}
    return [each.json()["id"] for each in answers if each.status_code == 202]


def settled(customer: Customer, jobs: list[str]) -> None:
    assert {customer.finished(each)["status"] for each in jobs} == {"succeeded"}
    assert (customer.balance, customer.held) == (0, 0)
    assert [customer.entries(each) for each in jobs] == [["hold", "settle"]] * AFFORDED


def test_of_64_requests_at_once_exactly_the_10_that_are_paid_for_pass(house: Gateway) -> None:
    alice = house.customer(str(DRAFT_USD * AFFORDED))
    settled(alice, rush([alice]))
    assert alice.post("/v1/jobs", DRAFT).status_code == 402


@pytest.fixture
def replicas(
    new_gateway: Callable[..., Gateway], close_gateway: Callable[[Gateway], None], postgres_url: str
) -> Iterator[list[Gateway]]:
    """Two gateways on one Postgres and one store."""
    migrations.upgrade(postgres_url)
    first = new_gateway(postgres_url)
    second = new_gateway(postgres_url, PODIUM_STORE_URL=f"file://{first.folder}/assets")
    pair = [first, second]
    for each in pair:
        each.start()
    yield pair
    for each in pair:
        close_gateway(each)


def test_of_64_requests_at_once_at_two_gateways_on_one_postgres_exactly_10_pass(replicas: list[Gateway]) -> None:
    first, second = replicas
    alice = first.customer(str(DRAFT_USD * AFFORDED))
    there = Customer(second, alice.id, alice.secret)
    jobs = rush([alice, there])
    settled(there, jobs)
    assert second.check_books()["open_holds"] == 0


def test_a_key_that_was_never_funded_is_told_what_is_missing(house: Gateway) -> None:
    answer = house.customer(None).post("/v1/jobs", DRAFT)
    assert answer.status_code == 402 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["short_by_usd"] == "0.0005"
    assert "fund it" in answer.json()["detail"]


def test_the_same_payment_sent_twice_is_booked_once(house: Gateway) -> None:
    alice = house.customer(None)
    for _ in range(2):
        paid = house.admin.post("/v1/ledger/fund", {"key": alice.id, "usd": "2"}, idempotency_key=f"once-{alice.id}")
        assert paid.status_code == 200
    assert alice.balance == 2
    other = house.admin.post("/v1/ledger/fund", {"key": alice.id, "usd": "3"}, idempotency_key=f"once-{alice.id}")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
