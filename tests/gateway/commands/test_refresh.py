"""`podium refresh`, `churn`, `replay` and `names` on files as users bring them, in a database of their own."""

import json
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from gateway import migrations
from gateway.cli import app
from gateway.settings import settings
from tests.readings import arena_file
from tests.supplies import forget_environment

FIRST = date(2026, 3, 1)


@pytest.fixture
def place(tmp_path, monkeypatch):
    forget_environment(monkeypatch, tmp_path)
    url = f"sqlite+aiosqlite:///{tmp_path}/podium.db"
    monkeypatch.setenv("PODIUM_DATABASE_URL", url)
    migrations.upgrade(url)
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def days(place):
    """A board of which the first place changes hands on the tenth day, and the second leaves on the twentieth."""
    for day in range(0, 41, 5):
        ratings = {"veo-3.1": 1200, "old-two": 1190, "kling-3.0": 1100}
        ratings |= {"secret-newcomer": 1300} if day >= 10 else {}
        ratings = {label: each for label, each in ratings.items() if label != "old-two" or day < 20}
        arena_file(place / "days", (FIRST + timedelta(day)).isoformat(), **ratings)
    return place / "days"


def ask(*words):
    return CliRunner().invoke(app, list(words))


def document(*words, exit_code=0):
    result = ask(*words, "--json")
    assert result.exit_code == exit_code, result.output
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def refusal(*words):
    result = ask(*words)
    assert result.exit_code == 1 and result.stderr.count("\n") == 1, result.output
    return result.stderr


def test_a_folder_is_read_oldest_first_and_twice_changes_nothing(days):
    found = document("refresh", "boards", "--from", str(days))
    assert (len(found["read"]), found["new"], found["refused"]) == (9, 9, [])
    first = found["read"][0]
    assert (first["subject"], first["taken_at"], first["rows"], first["resolved"]) == (
        "arena/text-to-video", "2026-03-01T06:00:00Z", 3, 2
    )  # fmt: skip
    assert document("refresh", "boards", "--from", str(days))["new"] == 0


def test_what_is_empty_is_refused_said_and_leaves_the_last_good_one(days):
    (days / "2026-06-01_text-to-video.json").write_text('{"meta": {"leaderboard": "text-to-video"}, "models": []}')
    found = document("refresh", "boards", "--from", str(days))
    [refused] = found["refused"]
    assert len(found["read"]) == 9 and "without a single row" in refused["why"] and "2026-06-01" in refused["file"]
    assert "refused 2026-06-01_text-to-video.json" in ask("refresh", "boards", "--from", str(days)).stdout
    alone = ask("refresh", "boards", "--from", str(days / "2026-06-01_text-to-video.json"))
    assert alone.exit_code == 1 and "nothing was believed" in alone.stderr
    assert document("churn", "--board", "arena/text-to-video")["until"] == "2026-04-10"


def test_a_file_of_another_kind_source_or_none_is_refused(days):
    path = next(days.iterdir())
    assert (
        "prices were asked for" in document("refresh", "prices", "--from", str(path), exit_code=1)["refused"][0]["why"]
    )
    other = document("refresh", "boards", "--from", str(path), "--source", "artificial-analysis", exit_code=1)
    assert "it is of arena" in other["refused"][0]["why"]
    (days / "notes.txt").write_text("not a board")
    assert any(
        "no feed writes" in each["why"] for each in document("refresh", "boards", "--from", str(days))["refused"]
    )


def test_what_says_no_date_is_of_the_day_that_is_said(place):
    path = place / "list.json"
    path.write_text(json.dumps({"a": {"litellm_provider": "x", "mode": "chat", "input_cost_per_token": 1e-6}}))
    found = document("refresh", "prices", "--from", str(path), "--taken-at", "2026-05-01")
    assert found["read"][0]["taken_at"] == "2026-05-01T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["refresh", "weather"], "choose one of boards"), (["refresh", "boards", "--from", "none.json"], "is not there"),
     (["refresh", "boards", "--source", "litellm"], "choose one of arena"),
     (["refresh", "boards", "--taken-at", "2026-01-01"], "--from"),
     (["refresh", "boards", "--from", ".", "--taken-at", "soon"], "no day"),
     (["refresh", "listings"], "no provider with a list has a key"),
     (["refresh", "listings", "--source", "fal"], "podium refresh prices --source fal"),
     (["refresh", "listings", "--source", "nobody"], "there is no provider nobody"),
     (["churn"], "podium refresh boards"), (["churn", "--board", "arena/none"], "no reading of arena/none"),
     (["replay", "nowhere"], "is not there"), (["churn", "--task", "dance"], "there is no task"),
     (["names", "settle", "x", "no/such-model"], "nothing here is named"), (["names", "settle", " ", "none"], "empty"),
     (["names", "settle", "x", "undo"], "nothing was settled")],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(place, words, said):
    assert said in refusal(*words)


def test_a_source_that_is_away_is_reported_and_nothing_is_believed(place, monkeypatch):
    monkeypatch.setenv("PODIUM_FEED_DEPRECATIONS_RSS_URL", "http://127.0.0.1:9")
    result = ask("refresh", "notices", "--json")
    assert result.exit_code == 1 and "nothing was believed" in result.stderr
    assert "cannot be reached" in json.loads(result.stdout)["refused"][0]["why"]


def test_churn_counts_who_came_and_went(days):
    document("refresh", "boards", "--from", str(days))
    found = document("churn", "--board", "lmarena/text-to-video", "--top", "2")
    assert (found["board"], found["readings"], found["top"]) == ("lmarena/text-to-video", 9, 2)
    assert (found["spells"], found["exits"]) == (3, 1)  # old-two is third from the tenth day on
    assert (
        found["stages"]["secretnewcomer"] == "active" == found["stages"]["google/veo-3.1"] != found["stages"]["oldtwo"]
    )
    assert [month["added"] for month in found["months"]] == [1, 0]
    drawn = ask("churn", "--task", "text-to-video").stdout
    assert "half-life" in drawn and "still there" in drawn and "google/veo-3.1" in drawn


def test_replay_has_the_six_choices_in_order_and_perfect_beside_them(days):
    found = document("replay", str(days), "--board", "lmarena/text-to-video")
    assert [each["name"] for each in found["choices"]] == [
        "static", "stale-30", "stale-14", "stale-7", "yesterday", "podium"
    ]  # fmt: skip
    regrets = [each["regret_elo"] for each in found["choices"]]
    assert regrets == sorted(regrets, reverse=True) and regrets[0] > 70 and regrets[-1] < 5
    assert (found["days"], found["perfect"]["switches"]) == (40, 1)
    assert {"regret_elo", "regret_win", "switches"} <= found["choices"][0].keys()
    assert "stale-30" in ask("replay", str(days)).stdout


def test_replay_of_one_file_or_of_no_board_is_refused(days):
    assert "two at least" in refusal("replay", str(next(days.iterdir())))
    assert "there is no reading of arena/text" in refusal("replay", str(days), "--board", "arena/text")
    (days.parent / "empty").mkdir()
    assert "0 files" in refusal("replay", str(days.parent / "empty"))


def test_labels_that_nobody_resolves_are_listed_and_settled_with_one_command(days):
    document("refresh", "boards", "--from", str(days))
    labels = {each["label"]: each for each in document("names", "unresolved")["data"]}
    assert labels["secret-newcomer"]["is_ranked"]
    assert labels["secret-newcomer"]["seen_in"] == [{"source": "arena", "subject": "arena/text-to-video"}]
    assert "veo-3.1" not in labels and "secret-newcomer" in ask("names", "unresolved").stdout
    assert document("names", "settle", "Secret-Newcomer", "veo3.1")["model"] == "google/veo-3.1"
    assert "secret-newcomer" not in {each["label"] for each in document("names", "unresolved")["data"]}
    assert "is open again" in ask("names", "settle", "secret-newcomer", "undo").stdout
    assert "secret-newcomer" in {each["label"] for each in document("names", "unresolved")["data"]}
    assert "none of ours" in ask("names", "settle", "secret-newcomer", "none").stdout
    assert "secret-newcomer" not in {each["label"] for each in document("names", "unresolved")["data"]}
