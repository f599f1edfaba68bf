"""Keys of several parts: signatures that AWS's own library makes too, and tokens that hold for half an hour."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from adapters.schema import ProviderCard
from adapters.signing import BadKey, signed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JSON = {"content-type": "application/json", "user-agent": "podium-gateway"}
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1)


def card(**more):
    return ProviderCard(name="p", title="P", dialect="fal", base_url="https://p.example", offers=(), **more)


def aws(key, method, url, headers, body, **more):
    return signed(card(signing="sigv4", **more), key, method, url, headers, body, NOW)


# Made with botocore 1.44.5 for the same call at the same time.
VECTORS = {
    "a model's id with a colon": (
        "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "POST",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-canvas-v1%3A0/invoke", JSON, b'{"a": 1}',
        "us-east-1/bedrock", "content-type;host;x-amz-date",
        "8f555b139a90eb588f919dd5ba575adec8ee6e1175757e3e4e42f012f888b597",
    ),
    "temporary credentials": (
        "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:FQoGZXIvYXdzEXAMPLETOKEN==", "POST",
        "https://bedrock-runtime.eu-west-1.amazonaws.com/async-invoke", JSON, '{"ü": 2}'.encode(),
        "eu-west-1/bedrock", "content-type;host;x-amz-date;x-amz-security-token",
        "3537ad0f74c03a43dac6600a73578347eec8b0e915a43b68f489455327d5f64f",
    ),
    "a query": (
        "AKIDEXAMPLE:secret/with/slashes", "GET",
        "https://bedrock.us-west-2.amazonaws.com/foundation-models?byOutputModality=IMAGE&a=b%20c", {}, b"",
        "us-west-2/bedrock", "host;x-amz-date",
        "2aceae5a18aee304fe82e7b77a19503b50488b9a8c65c20a706f4057c89c9623",
    ),
    "another service": (
        "AKIDEXAMPLE:secret/with/slashes", "GET", "https://bucket.s3.us-east-1.amazonaws.com/out%20put/a.mp4", {}, b"",
        "us-east-1/s3", "host;x-amz-content-sha256;x-amz-date",
        "b081259d4cdfa8637b34bc333b4ade104cd3395336734ef06b47dca028de9bde",
    ),
    "a host that says nothing": (
        "AKIDEXAMPLE:secret", "POST", "http://127.0.0.1:8080/model/x:1/invoke", JSON, b"{}",
        "us-east-1/bedrock", "content-type;host;x-amz-date",
        "0bc5c3fab97243c01915edefb4dca628a9e9c2d85c23ecfc961728ba38f1f636",
    ),
}  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_a_call_is_signed_as_awss_own_library_signs_it(vector):
    key, method, url, headers, body, scope, names, signature = vector
    assert aws(key, method, url, headers, body)["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/{scope}/aws4_request, SignedHeaders={names}, "
        f"Signature={signature}"
    )


def test_what_is_signed_is_sent():
    sent = aws("A:B:TOKEN", "GET", "https://bucket.s3.us-east-1.amazonaws.com/a", {}, b"x")
    assert sent["x-amz-date"] == "20261121T120000Z" and sent["x-amz-security-token"] == "TOKEN"
    assert sent["x-amz-content-sha256"] == hashlib.sha256(b"x").hexdigest()


def test_a_body_that_is_streamed_is_said_not_to_be_signed():
    assert aws("A:B", "PUT", "https://s3.us-east-1.amazonaws.com/b/a", {}, None)["x-amz-content-sha256"] == (
        "UNSIGNED-PAYLOAD"
    )


def test_a_card_says_region_and_service_where_the_host_does_not():
    sent = aws("A:B", "GET", "https://my-proxy.example/x", {}, b"", signing_scope="eu-central-1/bedrock")
    assert "/20261121/eu-central-1/bedrock/aws4_request" in sent["authorization"]
    bound = aws("A:B", "GET", "https://bedrock.us-west-2.amazonaws.com/x", {}, b"", signing_scope="eu-central-1/s3")
    assert "/us-west-2/bedrock/" in bound["authorization"]


@given(body=st.binary(max_size=50), other=st.binary(max_size=50), path=WORDS, secret=WORDS)
def test_another_body_has_another_signature_and_no_signature_shows_the_secret(body, other, path, secret):
    def proof(body):
        url = f"https://bedrock.us-east-1.amazonaws.com/{path.replace('?', '').replace('#', '')}"
        return aws(f"AKIDEXAMPLE:{secret}{secret}-secret", "POST", url, {}, body)["authorization"]

    assert (proof(body) == proof(other)) == (body == other)
    assert f"{secret}{secret}-secret" not in proof(body)


@pytest.mark.parametrize("signing", ["sigv4", "kling_jwt", None])
def test_a_key_without_a_colon_is_sent_as_it_is(signing):
    sent = signed(card(signing=signing), "plain-key", "GET", "https://p.example/x", {}, b"", NOW)
    assert sent == {"authorization": "Bearer plain-key"}
    named = signed(card(auth_header="x-key", auth="Key {key}"), "id:secret", "GET", "https://p.example/x", {}, b"", NOW)
    assert named == {"x-key": "Key id:secret"}


@pytest.mark.parametrize("signing", ["sigv4", "kling_jwt"])
@pytest.mark.parametrize("key", ["half:", ":half", ":"])
def test_half_a_pair_is_no_key_and_is_not_repeated(signing, key):
    with pytest.raises(BadKey) as caught:
        signed(card(signing=signing), key, "GET", "https://p.example/x", {}, b"", NOW)
    assert "half" not in str(caught.value)


def unpacked(word):
    return base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))


@given(access=WORDS, secret=WORDS)
def test_klings_token_is_a_jwt_of_the_pair_that_holds_from_just_before_now_for_half_an_hour(access, secret):
    sent = signed(card(signing="kling_jwt"), f"{access}:{secret}", "POST", "https://p.example/x", {}, b"", NOW)
    head, claims, proof = sent["authorization"].removeprefix("Bearer ").split(".")
    at = int(NOW.timestamp())
    assert json.loads(unpacked(head)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(unpacked(claims)) == {"iss": access, "exp": at + 1800, "nbf": at - 5}
    assert unpacked(proof) == hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert "=" not in sent["authorization"].removeprefix("Bearer ")
