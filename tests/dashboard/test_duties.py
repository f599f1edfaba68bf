"""What an operator looks after, in words: ticks, breakers, prices that move, alerts."""

from datetime import UTC, datetime, timedelta

from dashboard import duties

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOTHING = {"attempts": 0, "succeeded": 0, "failed": 0, "canceled": 0, "share": None, "faults": {}}


def at(minutes):
    return (NOW + timedelta(minutes=minutes)).isoformat()


def tick(name, due=5, failures=0, leased_by=None, said="fine"):
    return {"name": name, "due_at": at(due), "failures": failures, "leased_by": leased_by, "said": said,
            "succeeded_at": at(-3), "runs": 2}  # fmt: skip


def breaker(subject="fal", state="open", until=2):
    return {"subject": subject, "state": state, "fault": "out_of_credit", "failures": 2, "since": at(-9),
            "until": at(until)}  # fmt: skip


def provider(name="fal", day=NOTHING, **changes):
    plain = {"provider": name, "title": name, "obstacle": None, "self_hosted": False, "open": 0, "hour": NOTHING,
             "day": day, "breaker": None, "offer_breakers": [], "offers": 3}  # fmt: skip
    return plain | changes


def test_what_fails_is_first_and_then_what_is_late():
    rows = duties.ticks([tick("c"), tick("b", due=-10), tick("a", due=-10, leased_by="w"), tick("d", failures=1)], NOW)
    assert [(row["tick"], row["state"]) for row in rows] == [
        ("d", "failing"), ("b", "late"), ("a", "running"), ("c", "on time"),
    ]  # fmt: skip
    assert rows[0]["last went well"] == "3 minutes ago"


def test_a_breaker_says_why_and_for_how_long():
    assert duties.breaker_words(breaker(), NOW) == "left alone for 2 minutes more, after 2 failures in a row " + (
        "(out of credit)"
    )
    assert duties.breaker_words(breaker(state="on trial"), NOW).startswith("on trial after")


def test_a_price_that_moves_says_by_how_much_and_which_way():
    proposal = {"before_usd": "0.06", "after_usd": "0.084", "unit": "output_megapixel"}
    assert duties.change_words(proposal) == "0.06 → 0.084 USD for one output megapixel (40% dearer)"
    cheaper = proposal | {"after_usd": "0.03"}
    assert duties.change_words(cheaper).endswith("(50% cheaper)")
    assert duties.change_share(proposal | {"before_usd": "0"}) is None


def test_where_nothing_is_wrong_nothing_is_said():
    budget = {"budget": "All", "filled": 0.79}
    hook = {"disabled_for": None}
    assert duties.alerts([tick("a")], [provider()], [budget], [hook], NOW) == []


def test_every_kind_of_trouble_is_an_alert_with_a_way_to_it():
    ticks = [tick("a", failures=2), tick("b", due=-60), tick("books", said="the books do not balance: key:1")]
    providers = [
        provider(breaker=breaker()),
        provider("box", self_hosted=True, obstacle="has not answered for 40 s"),
        provider("other", offer_breakers=[breaker("other/m/one"), breaker("other/m/two", "on trial")]),
    ]
    found = duties.alerts(ticks, providers, [{"budget": "All", "filled": 0.8}], [{"disabled_for": "nobody"}], NOW)
    assert [(each.words, each.part) for each in found] == [
        ("The books do not balance", "Health"),
        ("fal: left alone for 2 minutes more, after 2 failures in a row (out of credit)", "Health"),
        ("box has not answered for 40 s", "Health"),
        ("1 offer left alone", "Health"),
        ("All: 80% of its budget", "Budgets"),
        ("1 tick failing: a", "Health"),
        ("1 tick late: b", "Health"),
        ("1 webhook turned off", "Webhooks"),
    ]


def test_providers_that_need_a_look_come_first():
    well = NOTHING | {"share": 1.0}
    ill = NOTHING | {"share": 0.5, "faults": {"timed_out": 3, "bad_reply": 1}}
    rows = duties.providers([provider("a", well), provider("b", ill), provider("c", breaker=breaker())], NOW)
    assert [row["provider"] for row in rows] == ["c", "b", "a"]
    assert rows[1]["faults (24 h)"] == "timed out 3, bad reply 1"


def test_the_commonest_fault_is_first_whoever_had_it():
    one, two = NOTHING | {"faults": {"timed_out": 2, "bad_reply": 3}}, NOTHING | {"faults": {"timed_out": 4}}
    rows = duties.faults([provider("a", one), provider("b", two)])
    assert [(row["fault"], row["provider"]) for row in rows] == [
        ("timed out", "b"), ("timed out", "a"), ("bad reply", "a"),
    ]  # fmt: skip
