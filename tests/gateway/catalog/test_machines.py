"""The tables of models and machines: ours, an operator's laid over them, and files that are wrong."""

import pytest

from adapters.registry import BadCatalog, load_catalog
from gateway.catalog.machines import FILE_BYTES, lay_over, load_tables
from router.compute.tables import Tables

MACHINE = """
machines:
  - name: h100
    title: The one in the next room
    peak_tflops: {bf16: 900}
    memory_gib: 80
    bandwidth_gb_s: 3000
    purchase_usd: 25000
    power_w: 900
    utilisation: [{stack: optimised, share: 0.6}]
    source: its meter
"""


def test_every_figure_of_ours_has_a_source():
    tables = load_tables()
    lines = (*tables.architectures.values(), *tables.machines.values(), *tables.runs, *tables.peaks)
    assert all(line.source for line in lines)


def test_figures_that_no_run_supports_are_marked():
    for machine in load_tables().machines.values():
        assert machine.unsure or all(each.fitted for each in machine.utilisation), machine.name


def test_architectures_name_models_of_the_catalog_each_once():
    named = [model for each in load_tables().architectures.values() for model in each.models]
    assert set(named) <= load_catalog().models.keys()
    assert len(named) == len(set(named))


def test_an_operators_machine_takes_the_place_of_ours_of_the_same_name(tmp_path):
    (tmp_path / "compute").mkdir()
    (tmp_path / "compute" / "mine.yaml").write_text(MACHINE)
    tables = load_tables(tmp_path)
    assert tables.machines["h100"].title == "The one in the next room"
    assert tables.machines["a100"] == load_tables().machines["a100"]
    assert load_tables().machines["h100"].title != "The one in the next room"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("machines: [", "wrong.yaml: "),
        ("- h100", "wrong.yaml: a mapping is expected at the top"),
        ("engines: []", "wrong.yaml: there is no table engines"),
        ("machines: {h100: 1}", "wrong.yaml: machines: a list is expected"),
        (MACHINE.replace("0.6", "6"), "wrong.yaml: machines.0.utilisation.0.share: "),
        (MACHINE.replace("bf16", "bf17"), "wrong.yaml: machines.0.peak_tflops.bf17"),
        (MACHINE + "    colour: green", "wrong.yaml: machines.0.colour: "),
        ("#" * (FILE_BYTES + 1), "wrong.yaml: is larger than"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(tmp_path, text, fault):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(BadCatalog) as refused:
        lay_over(Tables({}, {}), path)
    assert str(refused.value).startswith(fault)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BadCatalog, match="there is no such file"):
        lay_over(Tables({}, {}), tmp_path / "none.yaml")
