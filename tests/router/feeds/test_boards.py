"""Boards are read whole from what their sources write, or not at all."""

import json
from datetime import UTC, datetime
from io import BytesIO

import pytest

from adapters.schema import Task
from adapters.wire import Call, Reply
from router.feeds import arena, arena_pages, artificial_analysis
from router.feeds.readings import PlacesReading, Unreadable

NOW = datetime(2026, 8, 22, 6, tzinfo=UTC)


def reply(document):
    return Reply(200, {}, json.dumps(document).encode())


def row(name, rating, day="2026-08-17", category="overall"):
    return {
        "model_name": name, "rating": rating, "rating_lower": rating - 5.5, "rating_upper": rating + 5.5,
        "vote_count": 1200, "category": category, "leaderboard_publish_date": day, "organization": "someone",
    }  # fmt: skip


def parquet(rows):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    out = BytesIO()
    files.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


def test_arena_is_asked_for_every_board_without_a_token():
    calls = arena.requests()
    assert [call.memo["board"] for call in calls] == [
        "text-to-image", "image-edit", "text-to-video", "image-to-video", "video-edit", "text", "vision",
    ]  # fmt: skip
    assert all(call.url.startswith("https://huggingface.co/datasets/lmarena-ai/") for call in calls)
    assert calls[2].url.endswith("/resolve/main/text_to_video/latest-00000-of-00001.parquet")
    assert not arena.SOURCE.key_env and not any(call.headers for call in calls)


def test_where_the_file_lies_is_another_call():
    page = arena.read(arena.request("text"), Reply(302, {"location": "https://cdn.example/file?x=1"}), NOW)
    assert page.readings == ()
    assert page.next is not None and page.next.url == "https://cdn.example/file?x=1"
    assert page.next.memo == {"board": "text"}


def test_a_parquet_file_is_one_reading_for_each_day_of_the_category_overall():
    body = parquet([
        row("veo-9", 1400.25), row("wan-9", 1390.0), row("veo-9", 1401.0, "2026-08-18"),
        row("wan-9", 1380.0, "2026-08-18"), row("wan-9", 1500.0, category="anime"),
    ])  # fmt: skip
    readings = arena.read(arena.request("text-to-video"), Reply(200, {}, body), NOW).readings
    assert [(each.board, each.taken_at.day, len(each.rows)) for each in readings] == [
        ("arena/text-to-video", 17, 2), ("arena/text-to-video", 18, 2),
    ]  # fmt: skip
    first = readings[0].rows[0]
    assert (first.label, first.rating, first.low, first.high, first.votes) == ("veo-9", 1400.25, 1394.75, 1405.75, 1200)
    assert readings[0].task is Task.TEXT_TO_VIDEO and readings[0].licence == "CC BY 4.0"


def test_a_parquet_file_that_is_cut_short_is_not_read():
    body = parquet([row("veo-9", 1400.0)])
    with pytest.raises(Unreadable, match="not a whole parquet file"):
        arena.read(arena.request("text"), Reply(200, {}, body[: len(body) // 2]), NOW)


def test_arenas_rows_as_json_are_the_same_board():
    meta = {"subset": "text_to_video", "leaderboard_publish_date": "2026-08-17", "n_rows": 2}
    document = {"meta": meta, "rows": [row("veo-9", 1400.0), row("wan-9", 1390.0)]}
    (reading,) = arena.read(Call(stage="read", method="GET", url="x"), reply(document), NOW).readings
    assert (reading.source, reading.board, str(reading.taken_at)) == (
        "arena", "arena/text-to-video", "2026-08-17 00:00:00+00:00",
    )  # fmt: skip
    document["meta"]["n_rows"] = 3
    with pytest.raises(Unreadable, match="2 rows of the 3"):
        arena.read(Call(stage="read", method="GET", url="x"), reply(document), NOW)


@pytest.mark.parametrize("reach", [{"ci": 4}, {"ci_low": 4, "ci_high": 4}])
def test_a_kept_page_prints_its_interval_as_one_number_or_two(reach):
    meta = {"leaderboard": "image-edit", "fetched_at": "2026-03-19T14:51:18+00:00", "model_count": 1}
    document = {"meta": meta, "models": [{"model": "gpt-image-9 (high)", "score": 1402, "votes": 243, **reach}]}
    (reading,) = arena_pages.read(Call(stage="read", url="x"), reply(document), NOW).readings
    assert (reading.rows[0].low, reading.rows[0].rating, reading.rows[0].high) == (1398, 1402, 1406)
    assert reading.taken_at == datetime(2026, 3, 19, 14, 51, 18, tzinfo=UTC)


def test_a_table_of_changed_days_is_one_whole_board_for_each_day():
    table = (
        "board,date,last_updated,rank,model,vendor,license,score,ci,votes,preliminary\n"
        'text-to-image,2026-03-20,"Mar 5, 2026",1.0,b,V,open,1300.0,5.0,100.0,\n'
        'text-to-image,2026-03-19,"Mar 5, 2026",1.0,a,V,open,1310.0,5.0,100.0,False\n'
    )
    first, second = arena_pages.read(Call(stage="read", url="x"), Reply(200, {}, table.encode()), NOW).readings
    assert [first.rows[0].label, second.rows[0].label] == ["a", "b"]
    with pytest.raises(Unreadable, match="too few columns"):
        arena_pages.read(Call(stage="read", url="x"), Reply(200, {}, table[:-30].encode()), NOW)


def test_the_top_of_a_board_is_places_and_never_standings():
    table = b"board,date,rank,model,org,rating\ntext-to-video,2025-08-28,1,veo-9,google,1400.57\n"
    (reading,) = arena_pages.read(Call(stage="read", url="x"), Reply(200, {}, table), NOW).readings
    assert isinstance(reading, PlacesReading)
    assert (reading.rows[0].label, reading.rows[0].rank) == ("veo-9", 1)


def test_artificial_analysis_is_asked_with_a_key_and_read_as_of_now():
    call = artificial_analysis.request("image-editing")
    assert call.url == "https://artificialanalysis.ai/api/v2/data/media/image-editing"
    assert artificial_analysis.SOURCE.key_env == "ARTIFICIAL_ANALYSIS_API_KEY"
    models = [
        {"name": "Veo 9", "elo": 1100.5, "ci95": "-7/+9", "appearances": 40},
        {"name": "No interval", "elo": 1200.0, "ci95": None, "appearances": 3},
    ]
    (reading,) = artificial_analysis.read(call, reply({"status": 200, "data": models}), NOW).readings
    assert (reading.board, reading.task, reading.taken_at) == (
        "artificial-analysis/image-editing", Task.IMAGE_EDIT, NOW,
    )  # fmt: skip
    assert [(each.label, each.low, each.high, each.votes) for each in reading.rows] == [("Veo 9", 1093.5, 1109.5, 40)]


def test_a_board_that_arrives_empty_is_refused():
    meta = {"endpoint": "text-to-video", "model_count": 0, "fetched_at": "2026-07-10T08:34:09+00:00"}
    with pytest.raises(Unreadable, match="without a single row"):
        artificial_analysis.read(Call(stage="read", url="x"), reply({"meta": meta, "models": []}), NOW)


@pytest.mark.parametrize("status", [301, 404, 429, 500])
def test_an_answer_that_is_none_is_named_by_its_status(status):
    with pytest.raises(Unreadable, match=str(status)):
        arena.read(arena.request("text"), Reply(status, {}, b"{}"), NOW)
