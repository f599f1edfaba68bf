"""Seconds and dollars: predictions worked out elsewhere, and what must hold of every model on every machine."""

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from adapters.schema import MediaRequest, Modality, Task
from gateway.catalog.machines import load_tables
from router.compute import roofline
from router.compute.roofline import (
    Unknown,
    architecture_of,
    estimate,
    expected_s,
    frames_for,
    machine_of,
    size_of,
    usual_size,
    utilisation_of,
)

TABLES = load_tables()
SHARES = {"h100": 0.50, "h200": 0.50, "b200": 0.45, "a100": 0.57, "l40s": 0.50, "rtx-4090": 0.62, "mi300x": 0.35,
          "mi325x": 0.35}  # fmt: skip
PREDICTED = {
    "flux-1-dev": [(4.2, "0.0035"), (4.2, "0.0047"), (2.1, "0.0034"), (11.7, "0.0045"), (11.5, "0.0027"),
                           (20.3, "0.0025"), (4.6, "0.0025"), (4.6, "0.0027")],
    "wan-2.2-a14b": [(1055.3, "0.8765"), (1055.3, "1.1697"), (515.4, "0.8562"), (2934.5, "1.1330"),
                             (2883.2, "0.6888"), (5095.1, "0.6227"), (1140.8, "0.6306"), (1140.8, "0.6655")],
    "hunyuan-video": [(1220.3, "1.0135"), (1220.3, "1.3525"), (596.0, "0.9900"), (3393.0, "1.3101"),
                              (3333.8, "0.7964"), (5891.4, "0.7201"), (1319.1, "0.7292"), (1319.1, "0.7695")],
    "movie-gen": [(2062.9, "1.7134"), (2062.9, "2.2864"), (1007.5, "1.6736"), (5736.1, "2.2148"),
                          (5636.0, "1.3464"), (9959.7, "1.2173"), (2230.0, "1.2327"), (2230.0, "1.3008")],
}  # fmt: skip
"""Of the transformer alone, at the shares above and the rents of the table; worked out apart from this code, and
with the peak of the AMD machines rounded to 1307."""


@pytest.mark.parametrize("name", list(PREDICTED))
def test_seconds_and_dollars_are_those_worked_out_elsewhere(name):
    architecture = TABLES.architectures[name].model_copy(update={"text_s": 0.0, "vae_s": 0.0})
    for (machine, share), (seconds, usd) in zip(SHARES.items(), PREDICTED[name], strict=True):
        found = estimate(architecture, TABLES.machines[machine], usual_size(architecture), share=share)
        assert found.seconds == found.compute_s == pytest.approx(seconds, rel=4e-4, abs=0.051), machine
        assert found.usd_each == pytest.approx(Decimal(usd), rel=Decimal("0.0004"), abs=Decimal("0.000051")), machine


names = st.sampled_from(sorted(TABLES.architectures))
machines = st.sampled_from(sorted(TABLES.machines))


def found(name, machine, count=1, **size):
    architecture = TABLES.architectures[name]
    on = TABLES.machines[machine].model_copy(update={"count": count})
    return estimate(architecture, on, usual_size(architecture)._replace(**size))


@given(names, machines, st.integers(1, 500), st.integers(1, 500))
def test_more_steps_are_never_faster(name, machine, one, other):
    fewer, more = sorted((one, other))
    assert found(name, machine, steps=fewer).seconds <= found(name, machine, steps=more).seconds


@given(names, machines, st.integers(1, 64))
def test_more_devices_are_slower_at_most_by_what_they_send_one_another(name, machine, count):
    before, after = found(name, machine, count), found(name, machine, count + 1)
    assert after.seconds <= before.seconds * (1 + 1e-12) + after.communication_s


@given(names, machines, st.integers(2, 64))
def test_devices_never_work_more_than_their_number_times_as_fast(name, machine, count):
    alone, together = found(name, machine), found(name, machine, count)
    assert alone.seconds <= together.seconds * count * (1 + 1e-12)


@given(names, machines, st.integers(2, 16))
def test_an_output_is_no_quicker_than_memory_or_arithmetic_allow(name, machine, count):
    each = found(name, machine, count)
    assert each.seconds >= max(each.compute_s, each.memory_s, each.communication_s)


def test_a_slow_memory_is_what_one_waits_for():
    machine = TABLES.machines["h100"].model_copy(update={"bandwidth_gb_s": 1.0})
    architecture = TABLES.architectures["flux-1-dev"]
    each = estimate(architecture, machine, usual_size(architecture))
    assert each.denoise_s == each.memory_s > each.compute_s
    assert each.memory_s == pytest.approx(each.work.bytes / 1e9)


def test_slow_wires_are_what_many_devices_wait_for():
    architecture, machine = TABLES.architectures["wan-2.1-14b"], TABLES.machines["h100"]
    wires = machine.model_copy(update={"count": 8, "link_gb_s": 0.1})
    each = estimate(architecture, wires, usual_size(architecture))
    ideal_s = each.work.flop / (8 * 989e12 * 0.5)
    assert each.denoise_s > each.compute_s
    assert each.denoise_s == pytest.approx(ideal_s + each.communication_s)


def test_idle_hours_are_paid_for_by_the_outputs_that_are_made():
    architecture, machine = TABLES.architectures["flux-1-dev"], TABLES.machines["h100"]
    whole, half = (estimate(architecture, machine, usual_size(architecture), busy=busy) for busy in (1.0, 0.5))
    assert half.seconds == whole.seconds
    assert half.usd_each == pytest.approx(whole.usd_each * 2)
    assert half.outputs_per_hour == whole.outputs_per_hour / 2


def test_half_the_bytes_and_twice_the_peak_take_half_the_time():
    architecture, machine = TABLES.architectures["wan-2.1-14b"], TABLES.machines["b200"]
    size = usual_size(architecture)
    assert estimate(architecture, machine, size, "fp8").compute_s * 2 == estimate(architecture, machine, size).compute_s


def test_what_the_tables_do_not_know_is_said_with_what_they_know():
    architecture, machine = TABLES.architectures["flux-1-dev"], TABLES.machines["a100"]
    size = usual_size(architecture)
    with pytest.raises(Unknown, match="a100 has no peak for fp8: there are bf16"):
        estimate(architecture, machine, size, "fp8")
    with pytest.raises(Unknown, match="a100 has no utilisation for eager: there are any"):
        estimate(architecture, machine, size, stack="eager")
    with pytest.raises(Unknown, match="no machine named abacus is known: there are a100"):
        machine_of(TABLES, "abacus")
    with pytest.raises(Unknown, match="no architecture named dreams"):
        architecture_of(TABLES, "dreams")


def test_a_machine_without_a_rent_has_no_price():
    assert found("flux-1-dev", "h20").usd_each is None


def test_utilisation_is_of_the_first_stack_and_of_the_modality():
    galaxy = TABLES.machines["wormhole-galaxy"]
    assert utilisation_of(galaxy, None, Modality.IMAGE).share < utilisation_of(galaxy, None, Modality.VIDEO).share
    assert utilisation_of(TABLES.machines["h100"], None, Modality.VIDEO).stack == "optimised"


def test_a_models_catalog_id_names_its_architecture():
    assert architecture_of(TABLES, "alibaba/wan-2.2-a14b").name == "wan-2.2-a14b"


@pytest.mark.parametrize(
    ("name", "duration_s", "fps", "frames"),
    [("wan-2.1-14b", 5, None, 81), ("wan-2.2-ti2v-5b", 5, None, 121), ("mochi-1", 5.4, None, 163),
     ("movie-gen", 16, None, 256), ("wan-2.1-14b", 1.01, None, 21), ("wan-2.1-14b", 5, 24, 121)],
)  # fmt: skip
def test_a_clip_has_the_frames_that_its_vae_takes(name, duration_s, fps, frames):
    assert frames_for(TABLES.architectures[name], duration_s, fps) == frames


def test_a_request_says_what_it_says_and_the_model_says_the_rest():
    wan, flux = TABLES.architectures["wan-2.2-a14b"], TABLES.architectures["flux-1-dev"]
    assert size_of(flux, MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="x")) == usual_size(flux)
    asked = MediaRequest(task=Task.TEXT_TO_VIDEO, prompt="x", resolution="480p", duration_s=3, steps=8)
    assert size_of(wan, asked) == (848, 480, 49, 8, 2)
    square = MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="x", width=512, height=512)
    assert size_of(flux, square)[:2] == (512, 512)


def test_the_time_to_expect_is_of_all_outputs_of_a_request():
    flux, h100 = TABLES.architectures["flux-1-dev"], TABLES.machines["h100"]
    one, four = (MediaRequest(task=Task.TEXT_TO_IMAGE, prompt="x", count=count) for count in (1, 4))
    assert expected_s(flux, h100, one) == estimate(flux, h100, usual_size(flux)).seconds
    assert expected_s(flux, h100, four) == 4 * expected_s(flux, h100, one)


def test_text_and_vae_keep_pace_with_the_machine():
    fast, slow = found("wan-2.1-14b", "h100"), found("wan-2.1-14b", "a100")
    rate = (989 * 0.5) / (312 * 0.57)
    assert slow.vae_s == pytest.approx(fast.vae_s * rate)
    assert fast.vae_s == pytest.approx(0.043 * 1280 * 720 * 81 / 1e6)
    assert slow.text_s == pytest.approx(0.33 * rate)
    assert roofline.REFERENCE_FLOP_S == 989e12 * 0.5
