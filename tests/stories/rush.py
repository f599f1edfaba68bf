"""64 requests at once by a key that can pay for 10, through however many gateways, and what is true afterwards."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from tests.stories.house import Customer

AT_ONCE, AFFORDED = 64, 10
DRAFT = {
    "task": "text-to-image", "prompt": "a paper boat", "width": 64, "height": 64, "seed": 1,
    "model": "sandbox/podium/sandbox-pictures-draft",
}  # fmt: skip
DRAFT_USD = Decimal("0.0005")
RUSH_USD = str(DRAFT_USD * AFFORDED)


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
