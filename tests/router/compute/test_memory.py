"""Memory: what is counted, what fits where, and published peaks."""

import pytest

from gateway.catalog.machines import load_tables
from router.compute.checking import check_peaks
from router.compute.memory import GIB, available, need
from router.compute.roofline import estimate, usual_size

TABLES = load_tables()


def fits(name, machine, precision="bf16"):
    architecture = TABLES.architectures[name]
    return estimate(architecture, TABLES.machines[machine], usual_size(architecture), precision).fits_memory


def test_weights_are_two_bytes_each_and_one_in_eight_bits():
    architecture = TABLES.architectures["flux-1-dev"]
    size = usual_size(architecture)
    assert need(architecture, size).weights == 24e9
    assert need(architecture, size, "fp8").weights == 12e9
    assert need(architecture, size).whole - need(architecture, size).least == 2 * 4.9e9


def test_both_experts_are_held_though_one_is_read():
    architecture = TABLES.architectures["wan-2.2-a14b"]
    assert need(architecture, usual_size(architecture)).weights == 54e9


def test_activations_are_shared_by_devices_and_weights_are_not():
    architecture = TABLES.architectures["wan-2.1-14b"]
    one, eight = (need(architecture, usual_size(architecture), devices=devices) for devices in (1, 8))
    assert one.activations == 8 * eight.activations
    assert one.weights == eight.weights
    assert one.activations == 75_600 * (6 * 5120 + 2 * 13824) * 2


def test_twelve_billion_weights_need_more_than_24_gib_unless_they_are_made_smaller():
    assert not fits("flux-1-dev", "rtx-4090")
    assert fits("flux-1-dev", "rtx-4090", "fp8")
    assert fits("wan-2.1-1.3b", "rtx-4090")
    assert fits("wan-2.2-a14b", "h100")
    assert not fits("wan-2.2-a14b", "l40s")


def test_a_part_of_the_memory_is_left_free():
    assert available(TABLES.machines["h100"]) < 80 * GIB


def test_published_peaks_are_met_within_five_percent():
    for each in check_peaks(TABLES):
        assert each.error == pytest.approx(0, abs=0.05), each.peak.architecture
