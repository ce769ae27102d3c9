"""The choices of a grid in one line."""

import pytest

from fecbench.bench.matrix import expand
from fecbench.bench.spec import read_spec
from fecbench.results.leaderboard.assemble import board_of_selection
from fecbench.results.leaderboard.rows.choices import folded_choices


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text("""
        title = "Rates"
        objectives = ["ce", "supcon"]
        datasets = ["demo"]
        seeds = [0, 1]
        notes = ["a note of the spec"]
        settings = { encoder = "scratch", epochs = 1 }
        grid = { select = "validation", settings = { lr = [1e-4, 1e-3] } }
    """)
    return expand(read_spec(path))


def test_all_choices_are_one_line(spec):
    said = "validation chose lr for each of 2 rows and data sets among 2 trials under the first seed"
    assert list(folded_choices(spec.select(lambda _: 1.0))) == [said]
    assert list(folded_choices(spec.select(lambda _: None))) == [f"{said}; 2 not chosen yet"]


def test_a_spec_without_a_grid_has_none(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text('title = "One"\nobjectives = ["ce"]\ndatasets = ["demo"]\nseeds = [0]\n')
    assert list(folded_choices(expand(read_spec(path)).select(lambda _: None))) == []


def test_the_short_notes_of_a_spec_have_the_line_and_the_specs_own_notes(spec):
    selection = spec.select(lambda _: 1.0)
    (table,) = board_of_selection(selection, []).tables
    assert len(selection.choices) == 2
    assert set(selection.choices) <= set(table.notes)
    assert not set(selection.choices) & set(table.short_notes)
    assert table.short_notes[0] == "a note of the spec"
    assert table.short_notes[1].startswith("validation chose lr for each of 2")
