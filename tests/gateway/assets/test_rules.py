import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, strategies as st

from gateway.assets import rules

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def parameters(path):
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def test_a_signed_link_opens_its_asset_for_a_day():
    asked = parameters(rules.signed_path("ast_1", "secret", NOW))
    opens = lambda moment, asset="ast_1", secret="secret": rules.opens(asset, **asked, secret=secret, now=moment)  # noqa: E731
    assert opens(NOW) and opens(NOW + timedelta(hours=23, minutes=59))
    assert not opens(NOW + timedelta(hours=24))
    assert not opens(NOW, asset="ast_2")
    assert not opens(NOW, secret="another")


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_invented_link_opens_anything(expires, signature):
    assert not rules.opens("ast_1", expires, signature, "secret", NOW)


@given(st.integers(1, 10**9), st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_link_altered_anywhere_does_not_open(later_s, place, digit):
    asked = parameters(rules.signed_path("ast_1", "secret", NOW))
    longer = str(int(asked["expires"]) + later_s)
    assert not rules.opens("ast_1", longer, asked["signature"], "secret", NOW)
    altered = asked["signature"][:place] + digit + asked["signature"][place + 1 :]
    same = altered == asked["signature"]
    assert rules.opens("ast_1", asked["expires"], altered, "secret", NOW) is same


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_range_is_inside_the_asset_and_begins_where_it_was_asked_to(size_bytes, first, last):
    try:
        span = rules.span(f"bytes={first}-{last}", size_bytes)
    except ValueError:
        assert first >= size_bytes
        return
    if last < first:
        assert span is None
    else:
        assert span == (first, min(last + 1, size_bytes))


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_suffix_is_the_end_of_the_asset(size_bytes, length):
    try:
        span = rules.span(f"bytes=-{length}", size_bytes)
    except ValueError:
        assert 0 in (size_bytes, length)
        return
    assert span.end == size_bytes and span.end - span.start == min(length, size_bytes)


@given(st.text(max_size=200))
def test_nonsense_asks_for_the_whole(header):
    if not header.strip().startswith("bytes="):
        assert rules.span(header, 100) is None


@pytest.mark.parametrize(
    "header", [None, "", "bytes=", "bytes=-", "bytes=1-2,4-5", "items=0-1", "bytes=a-b", "bytes=5-2", "bytes=٣-٤"]
)
def test_what_is_not_one_range_is_answered_with_the_whole(header):
    assert rules.span(header, 100) is None


def test_an_open_range_goes_to_the_end():
    assert rules.span("bytes=10-", 100) == (10, 100)
    assert rules.span("bytes=0-0", 100) == (0, 1)


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_is_refused(header):
    with pytest.raises(ValueError, match="100 bytes"):
        rules.span(header, 100)


@given(st.binary(max_size=300))
def test_data_uris_are_read_back(data):
    words = base64.b64encode(data).decode()
    assert rules.from_data_uri(f"data:image/png;base64,{words}") == data
    assert rules.from_data_uri("DATA:;base64," + words) == data
    assert rules.from_base64(words) == data


def test_a_data_uri_may_be_percent_encoded():
    assert rules.from_data_uri("data:image/svg+xml,%3Csvg%3E") == b"<svg>"
    assert rules.claimed_by("data:image/svg+xml;utf8,%3Csvg%3E") == "image/svg+xml"
    assert rules.claimed_by("data:,x") == ""


@pytest.mark.parametrize(
    "uri", ["data:image/png;base64,!!!", "data:image/png;base64,abc", "data:image/png", "http://a/,"]
)
def test_a_broken_data_uri_is_refused(uri):
    with pytest.raises(ValueError, match=r"."):
        rules.from_data_uri(uri)


def test_the_name_of_stored_bytes_is_read_back():
    blob = rules.blob_of(b"some bytes")
    assert rules.read_stored_name(rules.stored_name(blob)) == blob
    for wrong in ("", "sha256:abc:1", f"md5:{blob.sha256}:1", f"sha256:{'../' * 21}a:1"):
        with pytest.raises(ValueError, match="stored"):
            rules.read_stored_name(wrong)


def test_words_have_the_same_members_as_media():
    row = dict.fromkeys(("mime", "width", "height", "duration_s", "fps", "frames", "size_bytes", "sha256"), 1) | {
        "id": "a"
    }
    assert rules.view(row, "https://x").keys() == rules.view_text("hello").keys()
    assert rules.view_text("größe")["size_bytes"] == 7
