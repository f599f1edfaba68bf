"""Money in words and rows: names, holds, what a limit would do, and what a cheaper model would save."""

from datetime import UTC, date, datetime
from decimal import Decimal

from dashboard import pareto, purses
from tests.dashboard.documents import decision, ranked

ROW = {"spent": "5.20", "limit": "10.00"}


def test_amounts_are_read_as_people_write_them():
    assert [purses.usd_of(each) for each in (" 12,50 ", "3", "", "-1", "much", "NaN")] == [
        Decimal("12.50"), Decimal(3), None, None, None, None,
    ]  # fmt: skip


def test_what_a_limit_would_do_is_told_before():
    full = purses.consequence(ROW, "5", True, "Monday")
    assert full == "It would be full at once, for 5.20 USD are spent or held: new jobs are refused until Monday."
    assert "4.80 USD would be left until Monday (52% used)" in purses.consequence(ROW, "10", True, "Monday")
    assert "it only tells" in purses.consequence(ROW, "5", False, "Monday")
    assert "no amount" in purses.consequence(ROW, "five", True, "Monday")


def test_two_keys_of_one_name_are_told_apart():
    rows = [{"id": "key_abcd", "name": "shop"}, {"id": "key_efgh", "name": "shop"}, {"id": "key_x", "name": "lab"}]
    assert purses.names_of(rows) == {"key_abcd": "shop (abcd)", "key_efgh": "shop (efgh)", "key_x": "lab"}


def test_statements_are_offered_for_this_month_and_those_before():
    assert purses.months_back(date(2026, 1, 31), 3) == ["2026-01", "2025-12", "2025-11"]


def test_the_oldest_hold_is_first_and_the_sum_is_exact():
    def job(name, at, held):
        return {"id": name, "created_at": at, "status": "running", "task": "text", "offer": "p/a/b", "key": "key_1",
                "cost": {"held_usd": held}}  # fmt: skip

    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    jobs = [job("b", "2026-11-21T11:59:30Z", "0.1"), job("a", "2026-11-21T10:00:00Z", "0.000000002")]
    rows = purses.holds(jobs, now, {"key_1": "shop"})
    assert {row["key"] for row in rows} == {"shop"}
    assert [(row["job"], row["for"]) for row in rows] == [("a", "2 hours"), ("b", "30 seconds")]
    assert purses.total(rows) == Decimal("0.100000002")


def test_only_what_is_held_is_listed_by_key():
    balances = [
        {"account": "key:key_1:held", "usd": "0.00"}, {"account": "key:key_2:held", "usd": "1.5"},
        {"account": "key:key_2:available", "usd": "3"}, {"account": "gateway:margin", "usd": "3"},
    ]  # fmt: skip
    assert purses.held_by_key(balances, {"key_2": "shop"}) == [{"key": "shop", "held (USD)": "1.5", "id": "key_2"}]


def test_a_model_as_good_and_cheaper_says_what_it_would_have_saved():
    points = pareto.frontier(decision(ranked("p/a/dear", "0.10", 0.8), ranked("p/b/same", "0.04", 0.79)))
    dear, cheap = points[1]["model"], points[0]["model"]
    found = purses.swap("text-to-image", dear, 50.0, points)
    assert found.instead == cheap and abs(found.saves - 0.6) < 1e-9
    [row] = purses.swaps_table([found])
    assert abs(row["would have saved about"] - 30.0) < 1e-9
    assert purses.swap("text-to-image", cheap, 50.0, points).instead is None
    assert "no quote" in purses.swap("text-to-image", "nobody/knows", 1.0, points).why
