"""Folds in a spec: each row of the table gets all folds for each seed."""

import pytest

from fecbench.bench.comparable_records import Records
from fecbench.bench.matrix import expand
from fecbench.bench.spec import read_spec
from fecbench.core.errors import DataError, UsageError
from fecbench.results.leaderboard.assemble import board_of_selection
from fecbench.runs.find import find_records
from tests.support.benches import prepared, tiny, write


def spec_of(rows, tmp_path, more: str, **how):
    return write(tmp_path, tiny(rows / "train.csv", more=more, **how))


@pytest.mark.parametrize("where", ["folds = 3", "[settings.x]", "[dataset]"], ids=["top", "settings", "dataset"])
def test_seeds_times_folds(toy, tmp_path, where):
    text = tiny(toy / "train.csv", seeds="[0, 1]", more="folds = 3" if where == "folds = 3" else "")
    if where == "[settings.x]":
        text = text.replace("epochs = 1", "epochs = 1, folds = 3")
    if where == "[dataset]":
        text += f'\n[dataset."{toy / "train.csv"}"]\nfolds = 3\n'
    (entry,) = expand(read_spec(write(tmp_path, text))).entries
    (runs,) = entry.runs
    found = [(planned.plan.settings.seed, planned.plan.settings.fold) for planned in runs]
    assert found == [(seed, fold) for seed in (0, 1) for fold in range(3)]
    assert runs[4].flags == ["--fold=1"]
    assert runs[4].name("k" * 20).endswith("-s1-f1-kkkkkkkkkk")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("objective.ce = { folds = 3 }", "folds must be the same for all rows of a data set"),
        ("[grid]\nselect = 'validation'\nsettings = { folds = [2, 3] }", "folds must be the same"),
        ("dataset.x = { fold = 3 }", "fold can't be settings of a spec"),
        ("folds = 1", "folds: it must be at least 2"),
        ("folds = 101", "--folds 101"),
        ("folds = 30000", "may have at most"),
    ],
)
def test_mistakes_are_named(toy, tmp_path, more, message):
    with pytest.raises(UsageError, match=message):
        expand(read_spec(spec_of(toy, tmp_path, more)))


def test_a_grid_chooses_on_the_first_fold(toy, tmp_path):
    grid = 'folds = 2\ngrid = { select = "validation", settings = { lr = [1e-4, 1e-3] } }'
    matrix = expand(read_spec(spec_of(toy, tmp_path, grid)))
    (entry,) = matrix.entries
    assert [(p.plan.settings.lr, p.plan.settings.fold) for p in entry.first()] == [(1e-4, 0), (1e-3, 0)]
    assert "first seed and fold; 0 of 2 trials complete" in matrix.select(lambda _: None).notes[0]


def test_a_data_set_with_a_test_split_is_refused_before_anything_starts(toy, tmp_path):
    with pytest.raises(DataError, match="--folds cuts test splits"):
        prepared(write(tmp_path, tiny(toy, more="folds = 3")), tmp_path / "root")


@pytest.mark.slow
def test_a_bench_of_folds_gives_one_row(fecbench, runs_here, toy, tmp_path):
    spec = spec_of(toy, tmp_path, "folds = 3")
    code, _, err = fecbench("bench", spec, "--root", tmp_path / "root")
    assert (code, "3 of 3 runs complete" in err) == (0, True), err
    _, _, err = fecbench("bench", spec, "--root", tmp_path / "root")
    assert "already complete: 3 runs" in err
    records = find_records([tmp_path / "root"])
    found = Records(records)
    selection = expand(read_spec(spec)).select(lambda _: None)
    assert all(found.of(planned) for planned in selection.runs)
    (table,) = board_of_selection(selection, records).tables
    assert [list(row.cells[0].scores["accuracy"].seeds) for row in table.rows] == [["0/0", "0/1", "0/2"]]
