"""Estimates beside published runs: the promise on their errors, and that the fits are what the table says."""

from statistics import median

import pytest

from gateway.catalog.machines import load_tables
from router.compute.checking import check_runs, fit_classes, fit_scaling, implied_share, run_size, summary
from router.compute.roofline import estimate
from router.compute.tables import Tables

TABLES = load_tables()


def test_half_of_the_runs_on_one_gpu_are_estimated_within_ten_percent():
    found = summary([each for each in check_runs(TABLES) if each.is_one_device])
    assert found.runs >= 30
    assert found.median_error <= 0.10
    assert found.held_out_median_error <= 0.125
    assert found.worst.run.architecture == "wan-2.1-1.3b" and found.worst.run.machine == "a100"


def test_the_four_classes_with_most_runs_are_within_ten_percent_by_themselves():
    four = {("h100", "optimised"), ("h100", "eager"), ("a100", "any"), ("rtx-4090", "any")}
    runs = [each for each in check_runs(TABLES) if each.is_one_device and (each.run.machine, each.run.stack) in four]
    assert summary(runs).median_error <= 0.10


def test_the_table_has_the_utilisation_and_the_scaling_that_the_runs_imply():
    for each in (*fit_classes(TABLES), *fit_scaling(TABLES)):
        assert each.listed == pytest.approx(each.fitted, abs=0.006), each


def test_only_what_is_fitted_on_runs_says_that_it_is():
    classes = {(run.machine, run.stack) for run in TABLES.runs if run.count == 1}
    listed = {(machine.name, each.stack) for machine in TABLES.machines.values() for each in machine.utilisation
              if each.fitted}  # fmt: skip
    assert listed == classes


def test_at_its_implied_share_a_run_takes_the_time_that_was_published():
    for run in TABLES.runs:
        machine = TABLES.machines[run.machine].model_copy(update={"count": run.count})
        share = implied_share(TABLES, run)
        if share <= 1:
            found = estimate(TABLES.architectures[run.architecture], machine, run_size(TABLES, run), share=share)
            assert (found.denoise_s if run.part == "denoise" else found.seconds) == pytest.approx(run.seconds)


def test_a_run_is_held_out_of_its_own_fit():
    runs = [run for run in TABLES.runs if run.machine == "a100" and run.count == 1]
    worst = next(each for each in check_runs(TABLES) if each.run is runs[3])
    others = median(implied_share(TABLES, run) for run in runs if run is not runs[3])
    assert worst.held_out_s == pytest.approx(worst.estimated_s * 0.57 / others)


def test_every_run_and_peak_is_of_a_model_and_a_machine_that_are_known():
    assert {each.architecture for each in (*TABLES.runs, *TABLES.peaks)} <= TABLES.architectures.keys()
    assert {run.machine for run in TABLES.runs} <= TABLES.machines.keys()


def test_without_runs_there_is_nothing_to_sum_up():
    with pytest.raises(ValueError, match="no published run"):
        summary(check_runs(Tables({}, {})))
