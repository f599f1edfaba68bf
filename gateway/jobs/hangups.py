"""A text whose reader has gone: the provider's stream is closed, and what was made of it is paid for; media go on."""

import asyncio
import json
from decimal import Decimal
from math import ceil

from sqlalchemy.engine import Connection

from adapters import pricing
from adapters.schema import MediaRequest, Output, Task, Usage
from adapters.wire import Done, Pending
from gateway import clock, telemetry
from gateway.attempts import store as attempts
from gateway.attempts.rules import Ending, Status as AttemptStatus
from gateway.attempts.runner import Delivery
from gateway.attempts.store import Attempt
from gateway.jobs.endings import News
from gateway.jobs.service import Jobs, Seen
from gateway.keys.rules import Caller

TOKEN_BYTES = 4
"""Bytes of English to a token, as the makers of tokenisers say: the provider never told what this stream took."""
ESTIMATE = "estimate"


async def hang_up(jobs: Jobs, caller: Caller, job_id: str) -> Seen:
    """Cancel a text job, and stop the stream of its words if this process reads it.

    A stream that another process reads goes on unseen, and is settled at what it costs, like any job's run.
    """
    seen = await jobs.see(caller, job_id)
    if seen.is_final or seen.job["task"] != Task.TEXT:
        return seen
    said = jobs.waiting.said.get(job_id)
    words = list(said.words) if said and said.is_whole else []
    stopped = [attempt for row in seen.attempts if (attempt := await _stopped(jobs, attempts.attempt_of(row)))]
    seen = await jobs.cancel(caller, job_id)
    for attempt in stopped:
        await _settle(jobs, attempt, words)
    return await jobs.see(caller, job_id) if stopped else seen


async def stop(jobs: Jobs, caller: Caller, job_id: str) -> Seen:
    """Cancel any job; a text's stream is closed where this process reads it."""
    seen = await hang_up(jobs, caller, job_id)
    return seen if seen.is_final else await jobs.cancel(caller, job_id)


async def _stopped(jobs: Jobs, attempt: Attempt) -> Attempt | None:
    """The same attempt, if its stream was being read here and is read no more."""
    running = jobs.runner.running.get(attempt.id) if jobs.runner else None
    if running is None or not isinstance(attempt.next, Pending) or not attempt.next.call.streams:
        return None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return attempt


async def _settle(jobs: Jobs, attempt: Attempt, words: list[str]) -> None:
    """End a stopped attempt: with the words that came, at what they cost; for nothing if none came."""
    delivery, usage = await _delivered(jobs, attempt, words) if words else (None, Usage())
    ending = Ending(AttemptStatus.CANCELED, usage=usage)

    def unit(connection: Connection) -> News | None:
        now = clock.now()
        if delivery is None:
            return jobs.endings.ended(connection, attempt, ending, now)
        values = attempts.ended_values(attempt, ending, delivery.cost_nanos, now, delivery.cost_source)
        won = attempts.end(connection, attempt, values)
        return jobs.endings.finish(connection, attempt, delivery, values, now) if won else None

    news = await jobs.db.together(unit)
    telemetry.ATTEMPTS.labels(attempt.provider, AttemptStatus.CANCELED.value).inc()
    if news is not None:
        jobs.waiting.announce(news)


async def _delivered(jobs: Jobs, attempt: Attempt, words: list[str]) -> tuple[Delivery | None, Usage]:
    """What came as if it were all, at a cost that is marked as the estimate that it is."""
    supplied = jobs.supply.supplied(attempt.offer, Task(attempt.task))
    if supplied is None:
        return None, {}
    expected = pricing.expected_usage(MediaRequest.model_validate_json(attempt.fitted), supplied.offer)
    text = "".join(words)
    usage = estimated(expected, text, len(words))
    done = Done(outputs=(Output(mime="text/plain", text=text),), usage=usage)
    delivery = await jobs.endings.collect(attempt, supplied, done)
    bill = json.loads(delivery.parts.bill_json) | {"source": ESTIMATE}
    parts = delivery.parts._replace(bill_json=json.dumps(bill))
    return delivery._replace(cost_source=ESTIMATE, parts=parts), usage


def estimated(expected: Usage, text: str, deltas: int) -> Usage:
    """Tokens of a stream that was cut: never more than was held for, and at least one for each delta that came."""
    made = Decimal(max(deltas, ceil(len(text.encode()) / TOKEN_BYTES)))
    given = Decimal(ceil(expected.get("input_token", Decimal(0)) / TOKEN_BYTES))
    return {"input_token": given, "output_token": min(made, expected.get("output_token", made))}
