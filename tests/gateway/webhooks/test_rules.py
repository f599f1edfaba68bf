"""What is signed verifies, what is tampered with or late does not; and waits grow as the schedule says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.webhooks import rules
from gateway.webhooks.rules import JITTER, RETRIES_S, Again, Heard, Status, after_try, is_hopeless, refusal

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def heard(status=None, retry_after_s=None):
    return Heard(status, "", None if status else "the connection failed", 0.1, retry_after_s)


def signed(*secrets, now=None):
    body = rules.body_of("job.finished", NOW, "job_1", {"id": "job_1", "cost": "0.04"})
    return body, rules.headers_of("evt_1", body, secrets, now or datetime.now(UTC))


def test_what_is_signed_verifies_with_every_secret_in_force():
    body, headers = signed(SECRET, OTHER)
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(body, headers) == {
            "type": "job.finished", "timestamp": "2026-11-21T12:00:00Z", "data": {"id": "job_1", "cost": "0.04"},
        }  # fmt: skip


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_was_changed_is_refused(name):
    body, headers = signed(SECRET)
    changed = {"webhook-id": "evt_2", "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}
    other = changed.get(name) or signed(OTHER)[1]["webhook-signature"]
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers | {name: other})


def test_a_body_that_was_changed_is_refused():
    body, headers = signed(SECRET)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace("0.04", "0.05"), headers)


@pytest.mark.parametrize("by", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_one_that_is_replayed_late_or_from_the_future_is_refused(by):
    body, headers = signed(SECRET, now=datetime.now(UTC) + by)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)


@given(st.integers(200, 299), st.integers(0, 20))
def test_any_success_is_the_end(status, step):
    assert after_try(heard(status), step, 0.5) is Status.DELIVERED


@given(st.one_of(st.none(), st.integers(100, 199), st.integers(300, 599)), st.floats(0, 1))
def test_any_other_answer_is_tried_again_after_the_waits_of_the_schedule(status, chance):
    for step, base_s in enumerate(RETRIES_S):
        after = after_try(heard(status), step, chance)
        if status == 410:
            assert after is Status.FAILED
        else:
            assert isinstance(after, Again) and base_s <= after.wait_s <= base_s * (1 + JITTER)
    assert after_try(heard(status), len(RETRIES_S), chance) is Status.FAILED


def test_a_receiver_that_asks_for_time_gets_it_within_reason():
    assert after_try(heard(429, 300.0), 0, 0.0) == Again(300.0)
    assert after_try(heard(503, 1e9), 0, 0.0) == Again(RETRIES_S[-1])
    assert after_try(heard(429, 1.0), 0, 0.0) == Again(RETRIES_S[0])


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120.0), (None, None), ("", None), ("-1", None), ("Sat, 21 Nov 2026", None), ("²", None)],
)
def test_only_seconds_are_read_from_retry_after(said, seconds):
    assert rules.retry_after_s(said) == seconds


def test_an_endpoint_is_given_up_after_days_and_not_before():
    assert not is_hopeless(None, NOW, 5)
    assert not is_hopeless(NOW - timedelta(days=5, seconds=-1), NOW, 5)
    assert is_hopeless(NOW - timedelta(days=5), NOW, 5)


GOOD = ["https://example.com/hooks?x=1", "https://example.com:8443/", "https://8.8.8.8/"]
PRIVATE = [
    "http://example.com/", "https://127.0.0.1/", "https://10.0.0.7:8443/", "https://[::1]/", "https://localhost/",
    "https://169.254.169.254/latest/meta-data", "https://x.localhost/",
]  # fmt: skip
BAD = [
    "", "example.com", "ftp://example.com/", "https://", "https://a:b@example.com/", "https://example.com:port/",
    "https://exa mple.com/", "https://example.com/\n", "file:///etc/passwd", "https://[::1/",
    "https://e.com/" + "x" * 2_000,
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_public_addresses_are_taken(url):
    assert refusal(url, False) is None and refusal(url, True) is None


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_and_plain_http_need_the_operators_word(url):
    assert refusal(url, False) and refusal(url, True) is None


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_address_is_refused_always(url):
    assert refusal(url, False) and refusal(url, True)


def test_a_body_beyond_what_receivers_take_is_told_without_its_data():
    body = rules.body_of("job.finished", NOW, "job_1", {"text": "x" * rules.BODY_BYTES})
    assert len(body) < 200 and '"data":{"id":"job_1","too_large":true}' in body
