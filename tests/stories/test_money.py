"""Money runs out at the right request, however many come at once."""

from tests.stories.house import Gateway
from tests.stories.rush import DRAFT, RUSH_USD, rush, settled


def test_of_64_requests_at_once_exactly_the_10_that_are_paid_for_pass(house: Gateway) -> None:
    alice = house.customer(RUSH_USD)
    settled(alice, rush([alice]))
    assert alice.post("/v1/jobs", DRAFT).status_code == 402


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


def test_a_request_that_was_refused_for_want_of_money_may_be_repeated_under_its_key(house: Gateway) -> None:
    alice = house.customer(None)
    assert alice.post("/v1/jobs", DRAFT, idempotency_key="poor").status_code == 402
    house.fund(alice.id, "1")
    job = alice.submit(DRAFT, idempotency_key="poor")
    assert alice.finished(job["id"])["status"] == "succeeded" and alice.entries(job["id"]) == ["hold", "settle"]
