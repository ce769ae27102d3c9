"""Runs that share a row of a board, and rows that share a table."""

import json

import pytest

from fecbench.core.errors import UnknownName
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.page.conditions import conditions_of
from fecbench.runs.identity import differing_settings
from tests.support.boards import names


def test_seeds_share_a_row_and_are_averaged(three):
    (table,) = board_of_records(three).tables
    assert [row.name for row in table.rows] == ["ce", "aml"]
    score = table.rows[0].cells[0].scores["accuracy"]
    values = [record.result["metrics"]["test"]["accuracy"] for record in three[:3]]
    assert dict(score.seeds) == dict(enumerate(values))
    assert score.mean == pytest.approx(sum(values) / 3)
    assert score.std == pytest.approx((sum((v - score.mean) ** 2 for v in values) / 2) ** 0.5)
    assert layout.caption(table) == "Test scores in percent, mean ± sample standard deviation over 3 seeds."
    assert table.columns[0].best == (1,)
    assert table.columns[0].second == (0,)


def test_other_settings_are_another_row_that_says_what_differs(make):
    board = board_of_records(
        [make("aml", seed=0), make("aml", seed=1), make("aml", seed=0, k_pos=5), make("ce", lr=0.1)]
    )
    assert names(board) == [["ce", "aml (k_pos 10)", "aml (k_pos 5)"]]
    assert any("no Δ: several rows are of aml" in note for note in board.tables[0].notes)
    assert board.tables[0].gains == ()


def written_before_descriptions(record):
    """Give a record the values that older records have where a newer one has none."""
    path = record.folder / "run.json"
    content = json.loads(path.read_text())
    for name, value in {"text_column": "text", "label_column": "label", "quotes": "csv"}.items():
        content["settings"][name] = {"value": value, "origin": "default"}
    path.write_text(json.dumps(content))
    record.reload()
    return record


def test_how_the_data_are_read_is_no_other_setting(make):
    older, newer = written_before_descriptions(make("ce", seed=0)), make("ce", seed=1)
    assert names(board_of_records([older, newer])) == [["ce"]]


def test_the_page_lists_no_difference_in_how_the_data_are_read(make):
    (table,) = board_of_records([written_before_descriptions(make("ce")), make("aml")]).tables
    own = dict(conditions_of(table).own)
    assert "k_pos 10" in own["aml"]
    assert not [text for text in own.values() if "column" in text or "quotes" in text]


def test_a_device_is_no_other_setting(make):
    assert names(board_of_records([make("ce", seed=0), make("ce", seed=1, device="cpu")])) == [["ce"]]


def test_of_equal_runs_the_newest_counts(make):
    old, new = make("ce", accuracy=0.2, seed=0), make("ce", accuracy=0.9, seed=0)
    (table,) = board_of_records([new, old]).tables
    assert table.rows[0].cells[0].runs[0].record == new
    assert "left out: 1 older run of the same settings and seed" in table.notes


def test_other_rows_are_another_table(make):
    other = {"dataset": {"name": "demo", "fingerprint": "0123456789abcdef", "labels": ["angry", "glad", "sad"]}}
    board = board_of_records([make("ce"), make("aml", about=other), make("ce", dataset="ge-prepared")])
    assert [table.title for table in board.tables] == [
        "demo (rows 0123456789ab)",
        "demo (rows rows of demo)",
        "ge-prepared",
    ]
    assert all(len(table.rows) == 1 for table in board.tables)


def test_columns_join_rows_whose_presets_differ(make):
    records = [
        make(method, dataset=name, seed=seed)
        for method in ("ce", "aml")
        for name in ("ed-prepared", "ge-prepared")
        for seed in (0, 1)
    ]
    board = board_of_records([*records, make("supcon", dataset="ge-prepared")], ["ed-prepared", "ge-prepared"])
    (table,) = board.tables
    assert [row.name for row in table.rows] == ["ce", "supcon", "aml"]
    assert {cell.settings["k_pos"] for cell in table.rows[2].cells} == {10, 20}
    assert [text.text for text in layout.line(table, 1)][:3] == ["missing"] * 3
    assert "missing: supcon on ed-prepared: not run" in table.notes
    assert len(table.columns) == 6
    with pytest.raises(UnknownName, match=r"no data set .* is called 'ge-prepard'; did you mean 'ge-prepared'"):
        board_of_records(records, ["ge-prepard"])


def test_columns_take_the_version_that_was_run_last(make):
    other = {"dataset": {"name": "demo", "fingerprint": "new rows", "labels": ["angry", "glad", "sad"]}}
    board = board_of_records([make("ce"), make("aml", about=other)], ["demo"])
    assert names(board) == [["aml"]]
    assert board.tables[0].datasets[0].fingerprint == "new rows"
    assert "left out: runs on other versions of demo than the one that was run last" in board.notes


def test_seeds_are_shown_where_their_number_differs(make):
    (table,) = board_of_records([make("ce", seed=0), make("ce", seed=1), make("aml", seed=0)]).tables
    assert layout.line(table, 0)[0].text.endswith("(n=2)")
    assert layout.line(table, 1)[0].text.endswith("(n=1)")
    assert "±" not in layout.line(table, 1)[0].text


def test_a_setting_newer_than_a_record_counts_as_its_default(make):
    older = {key: value for key, value in make("ce", seed=0).about["settings"].items() if key != "label_texts"}
    old, new, other = make("ce", about={"settings": older}), make("ce", seed=1), make("ce", seed=2, label_texts="names")
    assert [len(row.cells[0].runs) for row in board_of_records([old, new]).tables[0].rows] == [2]
    assert names(board_of_records([old, new, other])) == [["ce (label_texts described)", "ce (label_texts names)"]]
    assert differing_settings([old, new]) == {"seed": [0, 1]}
