"""Precision and recall are counted on what the names were not built from."""

import pytest

from adapters.schema import Task
from router import identity
from router.identity import Alias, Score, against, check, is_held_out, score

VIDEO = frozenset({Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO})


def aliases(model, *labels, namespace="board"):
    return [Alias(model, label, VIDEO, namespace) for label in labels]


def test_a_label_is_held_out_or_not_for_good_and_a_third_of_many_are():
    labels = [f"model-{number}" for number in range(3_000)]
    assert 900 < sum(map(is_held_out, labels)) < 1_100
    assert all(is_held_out(label) == is_held_out(f" {label.upper()}") for label in labels)


def test_a_score_counts_right_wrong_and_none():
    counted = score([("a", "a"), ("a", "b"), ("a", None), ("b", "b")])
    assert counted == Score(2, 1, 1)
    assert (counted.precision, counted.recall) == (2 / 3, 0.5)
    assert (Score(0, 0, 3).precision, Score(0, 0, 0).recall) == (1.0, 1.0)


def test_spellings_that_were_held_out_are_found_by_rule():
    known = aliases("google/veo-9", *(f"veo-9.0-{tier}" for tier in ("480p", "720p", "1080p", "4k", "preview", "001")))
    measured = check(
        [*known, *aliases("google/veo-9-fast", *(f"veo-9-fast-{tier}" for tier in ("480p", "720p", "audio")))]
    )
    assert measured.held_out.wrong == 0 and measured.held_out.unresolved == 0 and measured.held_out.right > 0
    assert measured.strangers == Score(9, 0, 0)
    assert measured.wrong == ()


def test_a_label_that_means_nothing_to_the_rules_costs_recall_and_not_precision():
    secrets = aliases("google/veo-9", *(f"codename {number}" for number in range(30)))
    measured = check(secrets)
    assert measured.held_out.right == measured.held_out.wrong == 0
    assert measured.held_out.unresolved == sum(is_held_out(alias.label) for alias in secrets) > 0
    assert (measured.held_out.precision, measured.held_out.recall) == (1.0, 0.0)


def test_two_models_under_one_label_are_counted_as_mistaken_pairs():
    measured = check([*aliases("a/one", "veo-9", "Veo 9"), *aliases("b/two", "veo-9.0")])
    assert measured.clusters == Score(1, 2, 0)


def test_a_wrong_answer_is_named():
    tiers = [f"veo-9-{number}p" for number in range(100, 400)]
    wrong = check([*aliases("a/veo-9", "veo-9"), *aliases("b/other", *tiers)]).wrong
    assert wrong and all(right == "b/other" and answer == "a/veo-9" for _, right, answer in wrong)


def test_against_other_names_only_their_own_models_count():
    answers = {"a/one": "ours/one", "label": "ours/one", "slip": "ours/two"}
    rows = [*aliases("a/one", "label", "slip", "lost"), *aliases("b/absent", "label")]
    assert against(rows, answers.get) == Score(1, 1, 1)


def test_a_table_without_end_is_refused():
    with pytest.raises(ValueError, match="labels"):
        check(aliases("a/one", "veo-9") * (identity.ALIASES_MOST + 1))
