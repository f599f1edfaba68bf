"""A file is read by the feed whose format it has, told by what is in it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.schema import ProviderCard
from router.feeds import (
    arena,
    arena_pages,
    artificial_analysis,
    deprecations,
    fal,
    litellm,
    modelsdev,
    openrouter,
    portkey,
    sources,
    vercel,
)
from router.feeds.readings import Unreadable

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)

FILES = [
    ({"meta": {"leaderboard": "text"}, "models": []}, arena_pages),
    ({"meta": {"subset": "text"}, "rows": []}, arena),
    ({"meta": {"endpoint": "text-to-image"}, "models": []}, artificial_analysis),
    ({"status": 200, "data": [{"elo": 1, "name": "a"}]}, artificial_analysis),
    ({"data": [{"id": "a", "canonical_slug": "a"}]}, openrouter),
    ({"data": [{"id": "a", "pricing_skus": {}}]}, openrouter),
    ({"object": "list", "data": [{"id": "a", "owned_by": "b"}]}, vercel),
    ({"prices": {"a": {}}}, fal),
    ({"models": [{"endpoint_id": "a"}], "has_more": False}, fal),
    ({"default": {"pricing_config": {}}}, portkey),
    ({"a": {"litellm_provider": "x"}}, litellm),
    ({"maker": {"id": "maker", "models": {}}}, modelsdev),
    ([{"provider": "a", "shutdown_date": ""}], deprecations),
]


@pytest.mark.parametrize(("document", "feed"), FILES)
def test_every_format_is_told_from_the_others(document, feed):
    assert sources.open_file("folder/file.json", json.dumps(document).encode()).feed is feed


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"plain words", b"[]", b"{}", b'{"a": 1}', b'{"a":', b"a,b\n1,2\n", b"\x00"]
)
def test_a_file_of_no_feed_is_refused(body):
    with pytest.raises(Unreadable):
        sources.open_file("file.json", body)


def test_what_says_no_date_is_of_the_last_day_in_its_files_name():
    body = json.dumps({"a": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": 1e-6}}).encode()
    assert sources.read_file("2020-01-01/list_2026-07-24.json", body, NOW).readings[0].taken_at.date().isoformat() == (
        "2026-07-24"
    )
    assert sources.read_file("list_v1.109.1.json", body, NOW).readings[0].taken_at == NOW


def test_a_day_that_is_said_comes_before_the_one_in_the_name_and_after_the_sources_own():
    body = json.dumps({"a": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": 1e-6}}).encode()
    said = NOW - timedelta(days=9)
    assert sources.read_file("list_2026-07-24.json", body, NOW, said).readings[0].taken_at == said
    page = {"meta": {"leaderboard": "text", "fetched_at": "2026-03-19T14:51:18Z"}, "models": [
        {"model": "a", "score": 2, "ci": 1, "votes": 3}]}  # fmt: skip
    found = sources.read_file("a.json", json.dumps(page).encode(), NOW, said)
    assert found.readings[0].taken_at == datetime(2026, 3, 19, 14, 51, 18, tzinfo=UTC)


def test_every_board_that_is_kept_apart_is_one_that_is_read():
    assert {f"arena/{board}" for board in arena.BOARDS} >= sources.APART
    assert {feed.SOURCE.name for feeds in sources.KINDS.values() for feed in feeds} == set(sources.FEEDS)


@pytest.mark.parametrize(
    ("path", "board"),
    [("x/2026-08-22_text_to_video.json", "text-to-video"), ("text/latest.parquet", "text"), ("nothing.json", ""),
     ("image-edit.json", "image-edit"), ("image-editing.json", "image-editing")],
)  # fmt: skip
def test_the_board_of_a_file_is_the_longest_that_its_path_names(path, board):
    assert sources._board_in(path) == board


def test_portkeys_provider_is_in_the_files_name():
    body = b'{"default": {"pricing_config": {}}}'
    assert sources.open_file("prices/2026-04-15_together-ai.json", body).call.memo["provider"] == "together-ai"


def test_every_feed_asks_its_own_host_and_puts_no_key_into_its_calls():
    assert len(sources.FEEDS) == len(sources.BOARDS + sources.PRICES + sources.NOTICES)
    for feed in sources.FEEDS.values():
        for call in feed.requests(("fal-ai/veo9",)):
            assert call.method == "GET" and call.url.startswith(feed.SOURCE.origin + "/")
            assert not call.headers
        assert feed.SOURCE.every_h > 0 and feed.SOURCE.attribution and feed.SOURCE.licence
        assert feed.SOURCE.auth_header in (ProviderCard.model_fields["auth_header"].default, "x-api-key")
