"""The book's own rules, with a clock that only the tests move."""

from dataclasses import dataclass

from podium_worker.book import QUIET_S, Book
from podium_worker.settings import Keeping
from podium_worker.wire import Ending, Made, Presence, Problem, RunBody


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def asked(model: str = "m", seed: int = 1) -> RunBody:
    return RunBody(task="text-to-image", model=model, prompt="a fox", seed=seed)


def opened(book: Book, body: RunBody | None = None, key: str | None = None) -> str:
    answer = book.open(body or asked(), key)
    assert not isinstance(answer, Problem)
    return answer[0].id


def ended(book: Book, size_bytes: int = 10) -> str:
    id = opened(book)
    assert book.begin(id)
    made = Made(data=b"x" * size_bytes, mime="image/png", width=8, height=8)
    book.end(id, Ending(status="succeeded", gpu_seconds=1.5, made=(made,)))
    return id


def test_an_ended_run_is_kept_for_its_time_and_its_key_is_free_after_it() -> None:
    clock = Clock()
    book = Book(Keeping(kept_s=60), clock)
    id = opened(book, key="k")
    book.begin(id)
    book.end(id, Ending(status="canceled", gpu_seconds=0.5))
    clock.now += 59
    assert opened(book, key="k") == id
    clock.now += 2
    assert book.look(id) is None and opened(book, key="k") != id


def test_a_run_that_has_not_ended_is_never_forgotten() -> None:
    clock = Clock()
    book = Book(Keeping(kept_s=60, runs_most=1), clock)
    waiting, running = opened(book), opened(book)
    book.begin(running)
    clock.now += 10_000
    ended(book), ended(book)
    assert book.look(waiting) is not None and book.look(running) is not None


def test_the_oldest_ended_runs_leave_where_there_are_too_many_or_too_large() -> None:
    book = Book(Keeping(runs_most=2), Clock())
    first, second, third = ended(book), ended(book), ended(book)
    assert [book.look(each) is None for each in (first, second, third)] == [True, False, False]
    book = Book(Keeping(output_bytes_most=100), Clock())
    first, second = ended(book, 60), ended(book, 60)
    assert book.look(first) is None and book.output(second, 0) is not None


def test_what_comes_after_the_end_of_a_run_changes_nothing() -> None:
    book = Book(Keeping(), Clock())
    id = ended(book)
    told = book.look(id)
    book.end(id, Ending(status="failed"))
    book.lose(id, "its replica died")
    book.cancel(id)
    assert book.look(id) == told and not book.begin(id) and not book.tell(id, 1, 2)


def test_a_run_that_its_replica_leaves_unended_is_lost() -> None:
    book = Book(Keeping(), Clock())
    id = opened(book)
    book.begin(id)
    book.lose(id, "its replica died")
    run = book.look(id)
    assert run is not None and run.status == "failed" and run.error is not None and run.error.code == "worker_lost"


def test_a_run_is_told_to_stop_once_it_is_canceled_or_unknown() -> None:
    book = Book(Keeping(), Clock())
    id = opened(book)
    book.begin(id)
    assert book.tell(id, 1, 4)
    book.cancel(id)
    assert not book.tell(id, 2, 4) and not book.tell("run_of_before", 1, 4)


def test_waiting_runs_of_one_model_do_not_keep_out_those_of_another() -> None:
    book = Book(Keeping(waiting_most=1), Clock())
    opened(book)
    assert isinstance(refused := book.open(asked(), None), Problem) and refused.code == "queue_full"
    assert book.look(opened(book, asked("other"))).queue_ahead == 0  # type: ignore[union-attr]


def test_a_replica_that_says_nothing_is_no_longer_there() -> None:
    clock = Clock()
    book = Book(Keeping(), clock)
    book.report("r1", Presence(model="m", devices=("cpu",)))
    assert len(book.present()) == 1
    clock.now += QUIET_S + 1
    assert book.present() == []
