"""Battles as rows: nothing of who made what before the vote, and words for what the vote did."""

from dashboard import battles

LINK = "http://127.0.0.1:8700/v1/assets/ast_7/content?expires=1&signature=x"
BLIND = {
    "id": "btl_1", "status": "ready", "task": "text-to-image", "request": {"prompt": "a fox", "width": 64},
    "left": {"outputs": [{"url": LINK, "mime": "image/png", "text": None}]}, "right": {"outputs": []},
    "vote": None, "void": None, "created_at": "2026-11-21T04:00:00Z",
}  # fmt: skip
VOTED = BLIND | {
    "status": "voted", "left": BLIND["left"] | {"model": "a/dear", "cost_usd": "0.04", "seconds": 2.0},
    "right": {"outputs": [], "model": "b/cheap", "cost_usd": "0.01", "seconds": 4.0},
    "vote": {"choice": "left", "winner": "a/dear", "counted": True},
}  # fmt: skip
STANDING = {
    "task": "text", "position": 1, "model": "a/dear", "name": "Dear", "rating": 1010.0, "low": 900.0, "high": 1100.0,
    "votes": 3, "win_rate": 0.66, "wins": 2, "losses": 1, "ties": 0, "both_bad": 0, "on_board": False,
}  # fmt: skip


def test_a_row_of_a_battle_names_models_only_once_they_are_revealed():
    blind, voted = battles.mine({"data": [BLIND, VOTED]})
    assert (blind["left"], blind["right"], blind["vote"], blind["status"]) == (None, None, None, "waits for your vote")
    assert (voted["left"], voted["right"], voted["vote"]) == ("dear", "cheap", "left")


def test_each_choice_has_a_key_of_its_own():
    assert len({each.key for each in battles.CHOICES}) == len(battles.CHOICES) == 4
    assert {each.name for each in battles.CHOICES} == {"left", "right", "tie", "both_bad"}


def test_the_asset_is_read_out_of_a_signed_link():
    assert battles.asset_of(LINK) == "ast_7"


def test_the_next_battle_asks_the_same_and_names_nobody():
    assert battles.again(VOTED) == {"task": "text-to-image", "prompt": "a fox", "width": 64}


def test_what_a_vote_did_is_said_and_so_is_one_that_does_not_count():
    assert battles.verdict(VOTED) == "You found the left one better."
    assert "moves no rating" in battles.verdict(VOTED | {"vote": VOTED["vote"] | {"counted": False}})
    assert "the left side failed" in battles.verdict(VOTED | {"status": "void", "void": "the left side failed"})


def test_cost_and_time_are_compared_in_a_sentence_where_both_are_known():
    assert battles.cheaper(VOTED) == (
        "The left one cost 4.0 times as much as the right; the right one took 2.0 times as long as the left."
    )
    same = VOTED | {"right": VOTED["right"] | {"cost_usd": "0.04", "seconds": 2.0}}
    assert battles.cheaper(same) == "Both cost as much; both took as long."
    assert battles.cheaper(VOTED | {"right": VOTED["right"] | {"cost_usd": None}}) is None


def test_standings_are_of_one_task_and_say_who_is_on_the_board():
    rows = battles.standings({"data": [STANDING, STANDING | {"task": "text-to-image"}]}, "text")
    assert [(row["name"], row["where"]) for row in rows] == [("Dear", "too few votes yet")]
