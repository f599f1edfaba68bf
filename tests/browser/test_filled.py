"""The made-up past is one that the product could have had: its books balance, its rows are whole, and it repeats."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from benchmarks.seed.boards import boards, readings
from benchmarks.seed.chance import Chance
from router.feeds.readings import parse
from tests.browser.filled import JOBS
from tests.browser.pages import pictures
from tests.stories.house import child_environment

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


def test_the_books_of_a_filled_gateway_balance(lived):
    report = lived.admin.get("/v1/ledger/verify").json()
    assert report["ok"] is True
    assert report["entries"] > 2 * JOBS
    assert report["open_holds"] >= 4


def test_there_are_as_many_jobs_as_were_asked_for_and_some_failed(lived):
    first = datetime.now(UTC).date() - timedelta(days=70)
    spent = lived.admin.get(f"/v1/usage?from={first}").json()["total"]
    assert spent["jobs"] >= JOBS
    assert 0.9 < spent["succeeded"] / spent["jobs"] < 0.999
    failed = lived.admin.get("/v1/jobs?status=failed&limit=50").json()["data"]
    assert {each["error"]["code"] for each in failed} & {"content_rejected", "rate_limited", "provider_fault"}


def test_a_job_of_the_past_has_what_a_job_has(lived):
    job = next(each for each in pictures(lived) if each["cost"]["lines"])
    assert job["attempts"][-1]["status"] == "succeeded"
    asset = lived.admin.get(f"/v1/assets/{job['outputs'][0]['asset']}/content")
    assert asset.status_code == 200 and asset.content.startswith(b"\xff\xd8")
    decision = lived.admin.get(f"/v1/decisions/{job['decision']}").json()
    assert job["attempts"][0]["offer"] == decision["ranked"][0]["offer"]


def test_boards_say_that_they_are_made_up_and_have_a_reading_for_each_day(lived):
    found = {each["board"]: each for each in lived.admin.get("/v1/boards").json()["data"]}
    assert found["made-up/text-to-image"]["readings"] == 60
    board = lived.admin.get("/v1/boards/made-up/text-to-image").json()
    assert "Made up" in board["attribution"]


def test_the_same_seed_tells_the_same_boards_and_another_does_not():
    assert boards(Chance(7), 30) == boards(Chance(7), 30)
    assert boards(Chance(7), 30) != boards(Chance(8), 30)


def test_every_made_up_reading_is_one_that_a_feed_could_have_brought():
    for board in boards(Chance(7), 30):
        for taken_at, payload in readings(board, NOW):
            assert parse(payload).taken_at == taken_at


def test_moments_lie_in_their_span_and_ids_sort_by_them():
    chance = Chance(7)
    moments = chance.moments(500, NOW.replace(month=10), NOW)
    assert moments == sorted(moments) and moments[0] >= NOW.replace(month=10) and moments[-1] <= NOW
    ids = [chance.id("job", at) for at in moments[::50]]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)


def test_a_database_with_a_past_is_refused(seeded):
    environment = child_environment(
        PODIUM_DATABASE_URL=f"sqlite+aiosqlite:///{seeded.folder}/podium.db", PODIUM_STORE_URL="file://unused"
    )
    command = [sys.executable, "-m", "benchmarks.seed", "--jobs", "1"]
    done = subprocess.run(
        command, cwd=seeded.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "has jobs already" in done.stderr
