"""Boards of a spec's selection: its runs are found, and what is missing is named with its reason."""

from fecbench.bench.selection import Selection
from fecbench.results.leaderboard.assemble import board_of_selection
from fecbench.results.leaderboard.formats import layout
from fecbench.runs.find import find_records
from fecbench.runs.write_record import write_failure
from tests.support.boards import cells, names


def test_a_selection_finds_its_runs_and_says_what_is_missing_and_why(three, make):
    failed = make("supcon", seed=0)
    (failed.folder / "result.json").unlink()
    write_failure(failed, "failed", "NeedsError: none")
    unfinished = make("supcon", seed=1)
    (unfinished.folder / "result.json").unlink()
    make("ce", seed=7)  # complete, and not wanted
    wanted = [*cells("cross-entropy", "ce"), *cells("AML", "aml", range(4)), *cells("SupCon", "supcon")]
    board = board_of_selection(
        Selection("T", ("demo",), tuple(wanted), ("chosen by validation",)), find_records([three[0].folder.parent])
    )
    (table,) = board.tables
    assert board.title == "T"
    assert [row.name for row in table.rows] == ["cross-entropy", "AML", "SupCon"]
    assert [len(row.cells[0].runs) for row in table.rows] == [3, 3, 0]
    assert table.notes[0] == "chosen by validation"
    missing = [note for note in table.notes if note.startswith("missing")]
    assert missing == [
        "missing: AML, seed 3: not run",
        "missing: SupCon, seed 0: failed: NeedsError: none",
        "missing: SupCon, seed 1: stopped without an error message",
        "missing: SupCon, seed 2: not run",
    ]
    assert layout.line(table, 2)[0].text == "missing"
    assert table.gains[0].row == 1


def test_a_selection_takes_one_version_of_the_data_and_exact_settings(make):
    make("ce", seed=0)
    make("ce", seed=1, about={"dataset": {"name": "demo", "fingerprint": "others", "labels": ["angry", "glad", "sad"]}})
    newest = make("ce", seed=2, device="cpu")
    make("ce", seed=1, lr=0.5)
    board = board_of_selection(
        Selection("T", ("demo",), tuple(cells("ce", "ce"))), find_records([newest.folder.parent])
    )
    (row,), notes = board.tables[0].rows, board.tables[0].notes
    assert sorted(row.cells[0].scores["accuracy"].seeds) == [0, 2]
    assert "missing: ce, seed 1: run on another version of the data set than the newest run of the column" in notes


def test_declared_rows_are_compared_across_encoders_and_budgets(make):
    wanted = [*cells("one epoch", "ce"), *cells("two epochs", "ce", epochs=2)]
    records = [make("ce", accuracy=0.4, seed=s) for s in range(3)] + [
        make("ce", accuracy=0.9, seed=s, epochs=2) for s in range(3)
    ]
    for declared, count in ((True, 1), (False, 0)):
        (table,) = board_of_selection(
            Selection("T", ("demo",), tuple(wanted), declared=declared), records, against="two epochs"
        ).tables
        assert len(table.columns[0].comparisons) == count
        assert bool(table.gains) == declared  # alone in its budget it has no baseline, and no line for Δ


def test_a_row_for_which_nothing_is_chosen_on_a_data_set(make):
    record = make("ce", dataset="ge-prepared")
    wanted = tuple(cells("ce", "ce", [0], dataset="ge-prepared"))
    trials = tuple(cells("ce", "ce", [0], dataset="demo"))
    (table,) = board_of_selection(Selection("T", ("demo", "ge-prepared"), wanted, trials=trials), [record]).tables
    assert [text.text for text in layout.line(table, 0)][:3] == ["missing"] * 3
    assert "missing: ce on demo: its settings aren't chosen yet" in table.notes


def test_a_row_for_which_nothing_is_chosen_yet_stands_in_the_table(make):
    record = make("ce", seed=0)
    trial = cells("tried", "aml", [0])
    board = board_of_selection(
        Selection("T", ("demo",), tuple(cells("ce", "ce", [0])), trials=tuple(trial), rows=("tried", "ce")), [record]
    )
    assert names(board) == [["tried", "ce"]]
    assert "missing: tried: its settings aren't chosen yet" in "\n".join(
        note for table in board.tables for note in table.notes
    )


def test_a_row_that_the_spec_does_not_run_on_a_data_set_is_not_missing_there(make):
    record = make("ce", dataset="ge-prepared")
    wanted = tuple(cells("ce", "ce", [0], dataset="ge-prepared"))
    (table,) = board_of_selection(Selection("T", ("demo", "ge-prepared"), wanted), [record]).tables
    assert [text.text for text in layout.line(table, 0)][:3] == [layout.NOTHING] * 3
    assert not any(note.startswith("missing") for note in table.notes)
