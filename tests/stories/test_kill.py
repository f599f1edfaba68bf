"""kill -9 between any two turns, and in the middle of them: the job finishes, paid once, submitted once."""

import threading
from decimal import Decimal

import pytest

from tests.stories.cards import CHEAP, HASTY_S, asked
from tests.stories.house import Customer, Gateway, Sandbox, eventually, statuses
from tests.stories.upstreams import Exchange, Queue, Upstream, held_until, picture


class Trap:
    """Kills the gateway when a provider springs it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.sprung = gateway, threading.Event()

    def __call__(self) -> None:
        self.gateway.kill()
        self.sprung.set()

    def wait(self) -> None:
        """Until it was sprung; the gateway is then started again."""
        assert self.sprung.wait(30), "the provider was never asked"
        self.gateway.start()


def paid_once(alice: Customer, job_id: str, usd: str = CHEAP) -> None:
    job = alice.finished(job_id)
    assert job["status"] == "succeeded", job["error"]
    assert len(job["attempts"]) == 1 and len(job["outputs"]) == 1
    assert job["cost"]["cost_usd"] == usd
    assert alice.entries(job_id) == ["hold", "settle"]
    assert alice.balance == 1 - Decimal(usd) and alice.held == 0


@pytest.mark.parametrize("stage", ["status 1", "status 2", "result", "download"])
def test_a_gateway_killed_at_any_stage_of_a_queue_goes_on_where_it_was(
    mortal: Gateway, upstream: Upstream, stage: str
) -> None:
    trap = Trap(mortal)
    queue = Queue(looks=2, hooks={stage: trap})
    upstream.plan("queue", queue)
    alice = mortal.customer("1")
    job = alice.submit(asked("queue"))
    trap.wait()
    paid_once(alice, job["id"])
    assert queue.submits == 1


def test_a_gateway_killed_between_two_calls_goes_on_with_the_next(mortal: Gateway, sandbox: Sandbox) -> None:
    alice = mortal.customer("1")
    told = {"sandbox": {"sandbox": {"delay_s": 1.5}}}
    model = "sandbox/podium/sandbox-pictures-draft"
    with sandbox.watched() as seen:
        body = {"task": "text-to-image", "prompt": "a kite", "width": 64, "height": 64, "extra": told, "model": model}
        job = alice.submit(body)
        alice.job_when(job["id"], lambda job: job["status"] == "running")
        mortal.restart()
        paid_once(alice, job["id"], "0.0005")
    assert [(each["submits"], each["status"]) for each in seen] == [(1, "COMPLETED")]


def test_a_provider_that_dies_and_comes_back_is_asked_on(mortal: Gateway, sandbox: Sandbox) -> None:
    alice = mortal.customer("1")
    told = {"sandbox": {"sandbox": {"delay_s": 1.0}}}
    with sandbox.watched() as seen:
        job = alice.submit(asked("sandbox/podium/sandbox-pictures-draft") | {"width": 64, "height": 64, "extra": told})
        alice.job_when(job["id"], lambda job: job["status"] == "running")
        sandbox.restart()
        paid_once(alice, job["id"], "0.0005")
    assert [each["submits"] for each in seen] == [1]


def test_a_gateway_killed_twice_while_jobs_queue_finishes_all_of_them(mortal: Gateway, sandbox: Sandbox) -> None:
    alice = mortal.customer("1")
    body = {"task": "text-to-image", "prompt": "confetti", "width": 64, "height": 64}
    with sandbox.watched() as seen:
        jobs = [alice.submit(body | {"model": "podium/sandbox-pictures-draft"})["id"] for _ in range(12)]
        for _ in range(2):
            mortal.restart()
        ended = [alice.finished(each) for each in jobs]
    assert {each["status"] for each in ended} == {"succeeded"}
    assert len(seen) == 12 and [alice.entries(each) for each in jobs] == [["hold", "settle"]] * 12
    assert alice.balance == 1 - 12 * Decimal("0.0005") and alice.held == 0


def test_a_picture_that_was_linked_in_the_only_answer_is_fetched_again(mortal: Gateway, upstream: Upstream) -> None:
    trap = Trap(mortal)
    cut = [trap]

    def linked(exchange: Exchange) -> None:
        if exchange.method == "POST":
            exchange.reply(200, {"data": [{"url": f"{upstream.url}/north/picture.png"}]})
            return
        data = picture()
        exchange.begin(200, {"content-type": "image/png", "content-length": str(len(data))})
        exchange.write(data[:50])
        if cut:
            cut.pop()()
        exchange.write(data[50:])

    upstream.plan("north", linked)
    alice = mortal.customer("1")
    job = alice.submit(asked("north", "south"))
    trap.wait()
    paid_once(alice, job["id"])
    assert len(upstream.posts("north")) == 1 and not upstream.posts("south")


def test_a_submit_cut_off_by_the_kill_is_sent_again_under_its_key(mortal: Gateway, upstream: Upstream) -> None:
    trap = Trap(mortal)
    queue = Queue(hooks={"submit": trap}, keeps_keys=True)
    upstream.plan("keyed", queue)
    alice = mortal.customer("1")
    job = alice.submit(asked("keyed"))
    trap.wait()
    paid_once(alice, job["id"])
    assert queue.submits == 2 and len(queue.ids) == 1
    [attempt] = alice.job(job["id"])["attempts"]
    assert list(queue.ids) == [attempt["id"]]


def test_a_submit_cut_off_by_the_kill_is_never_sent_again_without_a_key(mortal: Gateway, upstream: Upstream) -> None:
    trap = Trap(mortal)
    queue = Queue(hooks={"submit": trap})
    upstream.plan("hasty", queue)
    alice = mortal.customer("1")
    job = alice.submit(asked("hasty", "north"))
    trap.wait()
    unsure = alice.job_when(job["id"], lambda job: job["attempts"][0]["status"] != "open")
    assert unsure["status"] == "running" and statuses(unsure) == [("hasty", "unknown", "timed_out")]
    assert alice.held == Decimal(CHEAP)
    ended = alice.finished(job["id"], HASTY_S + 10)
    assert ended["status"] == "failed" and ended["error"]["code"] == "timed_out"
    assert queue.submits == 1 and not upstream.posts("north")
    assert alice.entries(job["id"]) == ["hold", "settle"] and (alice.balance, alice.held) == (1, 0)


def test_what_was_accepted_before_the_kill_is_there_after_it(mortal: Gateway, upstream: Upstream) -> None:
    upstream.plan("keyed", Queue(keeps_keys=True))
    alice = mortal.customer("1")
    job = alice.submit(asked("keyed"), idempotency_key="before")
    mortal.restart()
    assert alice.submit(asked("keyed"), idempotency_key="before")["id"] == job["id"]
    paid_once(alice, job["id"])


def test_a_gateway_that_is_asked_to_stop_ends_its_turns_first(mortal: Gateway, upstream: Upstream) -> None:
    done = threading.Event()
    upstream.plan("north", held_until(done))
    alice = mortal.customer("1")
    job = alice.submit(asked("north"))
    eventually(lambda: upstream.posts("north"), "the submit arrives")
    stopping = threading.Thread(target=mortal.stop)
    stopping.start()
    stopping.join(0.3)
    assert stopping.is_alive()
    done.set()
    stopping.join()
    mortal.start()
    paid_once(alice, job["id"])
    assert len(upstream.posts("north")) == 1
