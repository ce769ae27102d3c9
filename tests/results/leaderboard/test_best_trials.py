"""``--best-trial``: one row for each method, encoder and budget, chosen on validation rows."""

import json

import pytest

from fecbench.results.leaderboard.assemble import board_of_records


def validated(record, score):
    """Give a record another validation score of its best epoch."""
    path = record.folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"validation_score": score}))
    record.reload()
    return record


@pytest.fixture
def trials(make):
    """Two rates of ``aml``: validation prefers the lower one, which does worse on test rows. One of ``ce``."""
    return [
        validated(make("aml", lr=1e-4, accuracy=0.5), 1.5),
        validated(make("aml", lr=1e-3, accuracy=0.9), 1.2),
        make("ce", accuracy=0.6),
    ]


def test_validation_chooses_the_row_and_a_note_says_so(trials):
    (table,) = board_of_records(trials, best_trial=True).tables
    assert [row.name for row in table.rows] == ["ce", "aml"]
    (run,) = table.rows[1].cells[0].runs
    assert run.settings["lr"] == 1e-4
    assert "aml: validation chose aml (lr 0.0001) among 2 trials" in table.notes
    assert "validation chose the settings of each method" in table.short_notes


def test_without_it_every_trial_has_a_row(trials):
    (table,) = board_of_records(trials).tables
    assert [row.name for row in table.rows] == ["ce", "aml (lr 0.0001)", "aml (lr 0.001)"]


def test_each_data_set_has_its_own_choice(trials, make):
    others = [
        validated(make("aml", lr=1e-4, dataset="ed"), 0.2),
        validated(make("aml", lr=1e-3, dataset="ed"), 0.8),
    ]
    (table,) = board_of_records([*trials, *others], ["demo", "ed"], best_trial=True).tables
    row = next(row for row in table.rows if row.name == "aml")
    assert [cell.runs[0].settings["lr"] for cell in row.cells] == [1e-4, 1e-3]
    assert "aml on ed: validation chose aml (lr 0.001) among 2 trials" in table.notes


def test_trials_are_compared_on_the_seeds_that_all_have(make):
    records = [
        validated(make("aml", lr=1e-4, seed=0), 1.0),
        validated(make("aml", lr=1e-4, seed=1), 0.1),
        validated(make("aml", lr=1e-3, seed=0), 0.9),
    ]
    (table,) = board_of_records(records, best_trial=True).tables
    assert [run.seed for run in table.rows[0].cells[0].runs] == [0, 1]


def test_other_budgets_are_no_trials(make):
    records = [make("aml", epochs=1), make("aml", epochs=2)]
    (table,) = board_of_records(records, best_trial=True).tables
    assert [row.name for row in table.rows] == ["aml", "aml"]


def test_the_command_takes_it_without_a_spec_alone(trials, fecbench, tmp_path):
    code, out, err = fecbench("leaderboard", tmp_path / "runs", "--best-trial")
    assert code == 0, err
    assert sum(line.startswith("aml ") for line in out.splitlines()) == 1
    code, _, err = fecbench("leaderboard", "--spec", "s.toml", "--best-trial")
    assert (code, "leave out --best-trial" in err) == (2, True)


def test_a_trial_on_one_data_set_alone_is_no_choice(trials, make):
    (table,) = board_of_records([*trials, make("aml", lr=1e-4, dataset="ed")], ["demo", "ed"], best_trial=True).tables
    chosen = [note for note in table.notes if "validation chose" in note]
    assert chosen == ["aml on demo: validation chose aml (lr 0.0001) among 2 trials"]


def without_validation(record):
    """Take the validation scores out of a record, as of a method that is scored on test rows alone."""
    path = record.folder / "result.json"
    content = json.loads(path.read_text())
    content["metrics"].pop("validation", None)
    path.write_text(json.dumps(content | {"validation_score": None}))
    record.reload()
    return record


def test_trials_without_validation_scores_stay_apart(make):
    records = [without_validation(make("aml", lr=rate, accuracy=score)) for rate, score in ((1e-4, 0.5), (1e-3, 0.9))]
    (table,) = board_of_records(records, best_trial=True).tables
    assert [row.name for row in table.rows] == ["aml (lr 0.0001)", "aml (lr 0.001)"]
    for notes in (table.notes, table.short_notes):
        assert "no validation scores to choose by: aml (lr 0.0001), aml (lr 0.001)" in notes
        assert not any("validation chose" in note for note in notes)


def test_batch_sizes_are_told_apart(make):
    records = [validated(make("aml", batch_size=size), score) for size, score in ((8, 1.0), (16, 1.5))]
    (table,) = board_of_records(records, best_trial=True).tables
    assert "aml: validation chose aml, batch 16 among 2 trials" in table.notes
