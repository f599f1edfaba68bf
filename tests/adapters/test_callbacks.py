"""Webhooks are believed only as each provider signs them, of these five minutes, and of these very bytes."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, strategies as st
from standardwebhooks.webhooks import Webhook

from adapters.callbacks import KEYS, TOLERANCE_S, read_keys, verified

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BODY = '{"status": "OK", "name": "füchse"}'.encode()
PRIVATE, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = PRIVATE.public_key().public_bytes_raw()
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()
PLAIN = "whsec_not-base64!"


def ed25519(prefix, id_name, body, at, key=PRIVATE):
    said = {id_name: "req-1", "user-id": "user-7", "timestamp": str(int(at.timestamp()))}
    words = "\n".join([*said.values(), hashlib.sha256(body).hexdigest()]).encode()
    return {f"{prefix}-{name}": value for name, value in (said | {"signature": key.sign(words).hex()}).items()}


def fal(body=BODY, at=NOW, key=PRIVATE):
    return ed25519("x-fal-webhook", "request-id", body, at, key)


def ideogram(body=BODY, at=NOW, key=PRIVATE):
    return ed25519("x-ideogram-webhook", "generation-id", body, at, key)


def standard(body=BODY, at=NOW, key=SECRET):
    proof = Webhook(key).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": proof}


def wavespeed(body=BODY, at=NOW, key=PLAIN):
    stamp = str(int(at.timestamp()))
    proof = hmac.new(b"not-base64!", f"msg_1.{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v3,{proof}"}


def synthesia(body=BODY, at=NOW, key=PLAIN):
    stamp = str(int(at.timestamp()))
    proof = hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"synthesia-timestamp": stamp, "synthesia-signature": proof}


SIGNED = {
    "fal_ed25519": (fal, None),
    "ideogram_ed25519": (ideogram, None),
    "standard_webhooks": (standard, SECRET),
    "wavespeed_hmac": (wavespeed, PLAIN),
    "synthesia_hmac": (synthesia, PLAIN),
}


def holds(signature, headers, body=BODY, now=NOW, secret=None, keys=(PUBLIC,)):
    return verified(signature, headers, body, secret or SIGNED[signature][1], keys, now)


every = pytest.mark.parametrize("signature", SIGNED)


@every
def test_what_the_provider_signed_is_believed(signature):
    assert holds(signature, SIGNED[signature][0]())
    assert holds(signature, SIGNED[signature][0](b""), b"")


@every
@given(body=st.binary(max_size=60))
def test_other_bytes_are_not_believed(signature, body):
    assert holds(signature, SIGNED[signature][0](), body) == (body == BODY)


@every
@pytest.mark.parametrize("off_s", [-TOLERANCE_S - 1, -TOLERANCE_S, 0, TOLERANCE_S, TOLERANCE_S + 1])
def test_a_replay_is_refused_and_so_is_what_comes_from_the_future(signature, off_s):
    headers = SIGNED[signature][0](at=NOW + timedelta(seconds=off_s))
    assert holds(signature, headers) == (abs(off_s) <= TOLERANCE_S)


@every
def test_the_time_is_part_of_what_is_signed(signature):
    headers = SIGNED[signature][0](at=NOW - timedelta(hours=1))
    name = next(name for name in headers if name.endswith("timestamp"))
    assert not holds(signature, headers | {name: str(int(NOW.timestamp()))})


@every
@pytest.mark.parametrize("stamp", ["", "soon", "-1", "1e9", "٣", "9" * 400, "1.5"])
def test_a_time_that_is_none_is_refused(signature, stamp):
    headers = SIGNED[signature][0]()
    name = next(name for name in headers if name.endswith("timestamp"))
    assert not holds(signature, headers | {name: stamp})


@every
def test_every_header_is_needed_and_none_can_be_changed(signature):
    headers = SIGNED[signature][0]()
    for name in headers:
        assert not holds(signature, {each: value for each, value in headers.items() if each != name})
        assert not holds(signature, headers | {name: headers[name] + "0"})
        assert not holds(signature, headers | {name: "ü"})


@pytest.mark.parametrize(("signature", "make"), [("fal_ed25519", fal), ("ideogram_ed25519", ideogram)])
def test_any_of_the_published_keys_will_do_and_no_other(signature, make):
    strange = OTHER.public_key().public_bytes_raw()
    assert holds(signature, make(), keys=(strange, b"too short", PUBLIC))
    assert not holds(signature, make(), keys=(strange,)) and not holds(signature, make(), keys=())
    assert not holds(signature, make(key=OTHER))


@pytest.mark.parametrize("signature", ["standard_webhooks", "wavespeed_hmac", "synthesia_hmac"])
def test_another_secret_or_none_is_not_believed(signature):
    headers = SIGNED[signature][0]()
    assert not holds(signature, headers, secret="whsec_" + base64.b64encode(b"another").decode())
    for none in (None, "", "whsec_"):
        assert not verified(signature, headers, BODY, none, (), NOW)


def test_one_good_signature_of_several_is_enough_for_the_standard_and_versions_are_not_mixed():
    headers = standard()
    proof = headers["webhook-signature"]
    assert holds("standard_webhooks", headers | {"webhook-signature": f"v1,AAAA v1a,BBBB {proof}"})
    assert not holds("standard_webhooks", headers | {"webhook-signature": proof.replace("v1,", "v2,")})
    assert not holds("wavespeed_hmac", standard(), secret=SECRET)


def test_wavespeeds_secret_is_its_own_words_and_not_what_they_decode_to():
    assert not holds("standard_webhooks", wavespeed(), secret=PLAIN)
    stamp = str(int(NOW.timestamp()))
    words = f"msg_1.{stamp}.".encode() + BODY
    decoded = hmac.new(base64.b64decode(SECRET[6:]), words, hashlib.sha256).hexdigest()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v3,{decoded}"}
    assert not holds("wavespeed_hmac", headers, secret=SECRET)


def test_what_is_unsigned_is_never_verified():
    assert not verified("unsigned", standard() | fal(), BODY, SECRET, (PUBLIC,), NOW)


def jwk(key, **more):
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(key).rstrip(b"=").decode()} | more


def test_keys_are_read_from_their_list_and_others_in_it_passed_over():
    listed = [{"kty": "RSA", "n": "x"}, jwk(PUBLIC), jwk(b"1" * 32, crv="X25519"), jwk(b"2" * 32, kid="b")]
    assert read_keys({"keys": listed}) == (PUBLIC, b"2" * 32)
    assert len(read_keys({"keys": [jwk(PUBLIC)] * 1_000})) == KEYS


@pytest.mark.parametrize(
    "document", [{}, [], None, "keys", {"keys": 1}, {"keys": [1]}, {"keys": [jwk(b"") | {"x": 7}]}]
)
def test_a_list_of_another_shape_is_none(document):
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        read_keys(document)
