"""Every metric and the shape of every log line, named in one place; docs/operations.md lists them."""

import logging
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

REQUESTS = Counter("podium_requests_total", "HTTP requests answered", ["route", "status"], registry=REGISTRY)
JOBS = Counter("podium_jobs_total", "Jobs ended", ["task", "status"], registry=REGISTRY)
JOB_SECONDS = Histogram(
    "podium_job_seconds", "From a job's creation to its end", ["task"], registry=REGISTRY,
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1_800),
)  # fmt: skip
REFUSED = Counter("podium_refused_total", "Jobs refused before they began", ["code"], registry=REGISTRY)
ATTEMPTS = Counter("podium_attempts_total", "Attempts ended", ["provider", "outcome"], registry=REGISTRY)
TURN_SECONDS = Histogram(
    "podium_turn_seconds", "One call to a provider and its reply", ["provider", "stage"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)  # fmt: skip
WORKER_ERRORS = Counter("podium_worker_errors_total", "Turns that broke on our side", registry=REGISTRY)
SETTLED_NANOS = Counter("podium_settled_nano_usd_total", "Cost of settled jobs", ["provider"], registry=REGISTRY)
OVERRUN_NANOS = Counter("podium_overrun_nano_usd_total", "Cost above its hold", ["provider"], registry=REGISTRY)
UNKNOWN = Gauge("podium_unknown_attempts", "Attempts whose fate is unknown", registry=REGISTRY)
OPEN_ATTEMPTS = Gauge("podium_open_attempts", "Attempts that are not ended", registry=REGISTRY)
WEBHOOKS = Counter(
    "podium_webhooks_total", "Tries to tell a receiver of an event", ["kind", "outcome"], registry=REGISTRY
)
WEBHOOK_SECONDS = Histogram(
    "podium_webhook_seconds", "One try of a webhook", registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)  # fmt: skip
WEBHOOKS_OFF = Counter("podium_webhooks_off_total", "Endpoints turned off since all failed", registry=REGISTRY)
WEBHOOKS_WAITING = Gauge("podium_webhooks_waiting", "Deliveries that are not ended", registry=REGISTRY)
WORKFLOWS = Counter("podium_workflows_total", "Workflows ended", ["status"], registry=REGISTRY)
WORKFLOWS_RUNNING = Gauge("podium_workflows_running", "Workflows that are not ended", registry=REGISTRY)
STEPS_PUT_OFF = Counter(
    "podium_workflow_steps_put_off_total", "Starts of a step that were left for later", ["code"], registry=REGISTRY
)
BATTLES = Counter("podium_battles_total", "Battles whose sides have ended", ["task", "status"], registry=REGISTRY)
VOTES = Counter("podium_votes_total", "Votes on battles", ["task", "choice"], registry=REGISTRY)
CALLBACKS = Counter(
    "podium_callbacks_total", "Webhooks that providers sent us", ["provider", "outcome"], registry=REGISTRY
)
BOOKS_BALANCE = Gauge("podium_books_balance", "1 while the last ledger check found nothing", registry=REGISTRY)
TICKS = Counter("podium_ticks_total", "Scheduled runs ended", ["tick", "outcome"], registry=REGISTRY)
TICK_SECONDS = Histogram(
    "podium_tick_seconds", "One scheduled run", ["tick"], registry=REGISTRY,
    buckets=(0.01, 0.1, 1, 5, 15, 60, 300, 900),
)  # fmt: skip
EVIDENCE_AGE_S = Gauge("podium_evidence_age_seconds", "Age of the evidence that decisions use", registry=REGISTRY)


def exposition() -> bytes:
    """The metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


def set_up_logs(level: str) -> None:
    """One line of logfmt for each event, on standard error; never a prompt, a key or media."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
