"""Metrics have our names and bounded labels; a line of log is one line, and goes where no document goes."""

import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import telemetry

LABELS = {"kind", "tick", "route", "status", "task", "code", "provider", "outcome", "stage", "choice", "le"}
"""Each takes few values: none is an id, a key, a model or words of a caller."""

FAMILIES = {
    "podium_requests": "counter", "podium_jobs": "counter", "podium_job_seconds": "histogram",
    "podium_refused": "counter", "podium_attempts": "counter", "podium_turn_seconds": "histogram",
    "podium_worker_errors": "counter", "podium_settled_nano_usd": "counter", "podium_overrun_nano_usd": "counter",
    "podium_unknown_attempts": "gauge", "podium_open_attempts": "gauge", "podium_books_balance": "gauge",
    "podium_evidence_age_seconds": "gauge", "podium_webhooks": "counter", "podium_webhook_seconds": "histogram",
    "podium_ticks": "counter", "podium_tick_seconds": "histogram", "podium_webhooks_off": "counter", 
    "podium_webhooks_waiting": "gauge", "podium_callbacks": "counter", "podium_workflows": "counter",
    "podium_workflows_running": "gauge", "podium_workflow_steps_put_off": "counter", "podium_battles": "counter",
    "podium_votes": "counter",
}  # fmt: skip


def families():
    """By name; the moments at which counters were made, which the library adds, are left out."""
    found = text_string_to_metric_families(telemetry.exposition().decode())
    return {each.name: each for each in found if not each.name.endswith("_created")}


def test_every_metric_is_exposed_by_its_name_and_kind_with_a_sentence():
    found = families()
    assert {name: found[name].type for name in FAMILIES} == FAMILIES
    assert set(found) == set(FAMILIES), "a metric of another's, or one that is not listed here"
    assert all(each.documentation for each in found.values())


def test_labels_are_few():
    telemetry.REQUESTS.labels("/v1/jobs", 200).inc(0)
    used = {label for each in families().values() for sample in each.samples for label in sample.labels}
    assert used <= LABELS


@pytest.mark.parametrize("level", ["debug", "INFO", "warning", "error"])
def test_a_line_of_log_is_one_line_on_standard_error(level):
    script = (
        "from gateway import telemetry; import structlog\n"
        f"telemetry.set_up_logs({level!r})\n"
        "structlog.get_logger().error('it broke', attempt='att_1', why='two\\nlines')\n"
        "structlog.get_logger().debug('chatter')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    lines = done.stderr.splitlines()
    assert done.stdout == "" and len(lines) == (2 if level == "debug" else 1)
    assert lines[0].startswith("timestamp=2") and 'level=error event="it broke"' in lines[0]
    assert "attempt=att_1" in lines[0] and "Z " in lines[0]


def test_an_unknown_level_is_refused():
    with pytest.raises(KeyError):
        telemetry.set_up_logs("chatty")
