"""`podium names check` prints precision and recall of a table, and refuses one that is none."""

import json

import pytest
from typer.testing import CliRunner

from gateway.cli import app

TABLE = """canonical_id,family,vendor,modality,alias,namespace,source
google/veo-9,veo,google,t2v+i2v,veo-9.0-480p,arena,made up
google/veo-9,veo,google,t2v+i2v,veo-9.0-720p,arena,made up
google/veo-9,veo,google,t2v+i2v,fal-ai/veo9/image-to-video,fal,made up
google/veo-9,veo,google,t2v+i2v,"Veo 9 (January)",aa,made up
google/veo-9-fast,veo,google,t2v+i2v,veo-9-fast-preview,arena,made up
google/veo-9-fast,veo,google,t2v+i2v,fal-ai/veo9/fast,fal,made up
"""


def run(tmp_path, table, *more):
    file = tmp_path / "aliases.csv"
    file.write_text(table)
    return CliRunner().invoke(app, ["names", "check", str(file), *more])


def test_the_figures_of_a_table_are_one_document(tmp_path):
    result = run(tmp_path, TABLE, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["labels"], document["models"]) == (6, 2)
    held_out = document["held_out"]
    assert held_out["right"] + held_out["wrong"] + held_out["unresolved"] > 0
    assert (held_out["precision"], document["wrong"]) == (1.0, [])
    assert document["strangers"] == {"unresolved": 6, "taken_for_another": 0}


def test_people_see_precision_and_recall(tmp_path):
    shown = run(tmp_path, TABLE).stdout
    assert "held-out labels" in shown and "precision" in shown and "recall" in shown
    assert "0 are taken for another" in shown


@pytest.mark.parametrize("table", ["", "a,b\n1,2\n", TABLE.splitlines()[0] + "\n"])
def test_a_table_of_something_else_is_refused_in_one_line(tmp_path, table):
    result = run(tmp_path, table)
    assert result.exit_code == 1
    assert result.stderr.startswith("podium: ") and result.stderr.count("\n") == 1
