"""Records that a board leaves out and names: unfinished, broken and foreign ones."""

import json

import pytest

from fecbench.bench.selection import Selection
from fecbench.core.errors import UsageError
from fecbench.core.files import read_tensors, write_tensors
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from fecbench.runs.find import find_records
from fecbench.runs.record import Record
from fecbench.runs.write_record import write_failure
from tests.support.boards import cells, names

OFF = {"another label predicted": 7, "half a label predicted": 0.5}


def test_unfinished_and_broken_records_are_left_out_and_named(three, make, tmp_path):
    failed = make("supcon")
    (failed.folder / "result.json").unlink()
    write_failure(failed, "failed", "NumericalError: too hot\nand more")
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{}")
    half = make("lcl", folder=tmp_path / "runs" / "half")
    (half.folder / "result.json").write_text("{}")
    board = board_of_records(find_records([tmp_path]))
    assert names(board) == [["ce", "aml"]]
    assert f"left out because not complete: {failed.id} (failed: NumericalError: too hot)" in board.notes
    assert "left out because their records are broken: broken, half" in board.notes


def test_runs_are_found_at_any_depth_and_once(three, tmp_path):
    assert len(find_records([tmp_path, tmp_path / "runs", three[0].folder])) == 6
    assert find_records([three[0].folder])[0].folder == three[0].folder
    with pytest.raises(UsageError, match="nowhere must be a run's folder or a folder of runs"):
        find_records([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    "what",
    [
        "no weighted_f1",
        "not finite",
        "a label without support",
        "endless support",
        "another label predicted",
        "half a label predicted",
    ],
)
def test_a_foreign_record_stops_no_table(make, what):
    records = [make("ce", seed=seed) for seed in range(4)]
    result = json.loads((records[3].folder / "result.json").read_text())
    if what == "no weighted_f1":
        del result["metrics"]["test"]["weighted_f1"]
    elif what == "not finite":
        result["metrics"]["test"]["accuracy"] = float("nan")
    elif what == "a label without support":
        del result["per_class"]["glad"]
    elif what == "endless support":
        result["per_class"]["glad"]["support"] = float("inf")
    else:
        tensors, _ = read_tensors(records[3].folder / "predictions.safetensors")
        write_tensors(
            records[3].folder / "predictions.safetensors", tensors | {"predicted": tensors["predicted"] + OFF[what]}
        )
    (records[3].folder / "result.json").write_text(json.dumps(result))
    (table,) = (board := board_of_records([*records, *(make("aml", seed=seed) for seed in range(4))])).tables
    if what in OFF:
        assert "other labels" in table.columns[0].comparisons[0].reason
    else:
        assert any("records are broken" in note for note in board.notes)
        assert {len(cell.runs) for row in table.rows for cell in row.cells} == {3, 4}


def unscored(record):
    """Make it the record of a run on a test split without labels."""
    result = json.loads((record.folder / "result.json").read_text())
    del result["metrics"]["test"], result["per_class"]
    (record.folder / "result.json").write_text(json.dumps(result))
    return Record(record.folder)


def test_a_run_without_test_scores_is_left_out_with_the_reason(three, make):
    board = board_of_records([*three, unscored(make("supcon"))])
    assert names(board) == [["ce", "aml"]]
    (note,) = board.notes
    assert note.startswith("left out because they have no test scores, because the test split has no labels: r007")
    (table,) = board_of_selection(Selection("t", ("demo",), tuple(cells("mine", "ce"))), [unscored(three[0])]).tables
    assert "missing: mine, seed 0: no test scores, because the test split has no labels" in table.notes


def test_a_record_that_lost_its_test_scores_is_broken(make):
    record = make("ce")
    result = json.loads((record.folder / "result.json").read_text())
    del result["metrics"]["test"]
    (record.folder / "result.json").write_text(json.dumps(result))
    assert any("records are broken" in note for note in board_of_records([Record(record.folder)]).notes)
