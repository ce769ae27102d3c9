"""View of a board: ranks, order, columns, names and notes. Scores and tests stay as they are."""

from dataclasses import replace

import pytest

from fecbench.core.errors import UnknownName
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.paper_table import published
from fecbench.results.leaderboard.view.order import reordered
from fecbench.results.leaderboard.view.view import View


@pytest.fixture
def four(make):
    """Four methods under three seeds; ``taco`` is best, then ``aml``."""
    means = {"ce": 0.45, "aml": 0.8, "taco": 0.95, "supcon": 0.6}
    return [make(method, accuracy=accuracy, seed=seed) for method, accuracy in means.items() for seed in range(3)]


@pytest.fixture
def two_budgets(make):
    means = {("ce", 1): 0.3, ("aml", 1): 0.6, ("taco", 2): 0.65, ("supcon", 2): 0.95}
    return board_of_records(
        make(method, accuracy=mean, seed=seed, epochs=epochs)
        for (method, epochs), mean in means.items()
        for seed in range(3)
    )


def names(table):
    return [row.name for row in table.rows]


def test_rows_are_ordered_by_the_first_metric_and_have_a_rank(four):
    (table,) = View().of(board_of_records(four)).tables
    assert names(table) == ["taco", "aml", "supcon", "ce"]
    assert table.ranks == (1, 2, 3, 4)
    assert layout.heads(table)[-1] == layout.RANK
    assert [layout.about(table, row)[-1] for row in table.rows] == ["1", "2", "3", "4"]
    assert "Rank: by Acc." in layout.legend(table)


def test_means_that_differ_by_rounding_share_a_rank_and_none_is_ahead(make):
    """The means of equal sums of test texts: 0.4000000000000001 and 0.39999999999999997."""
    right = {"ce": (44, 41, 59), "aml": (50, 48, 46)}
    extra = {method: [{"kappa": count / 120} for count in counts] for method, counts in right.items()}
    board = board_of_records(
        make(method, seed=seed, extra=extra[method][seed]) for method in right for seed in range(3)
    )
    (table,) = View(rank_by="kappa").of(board).tables
    place, column = next((place, column) for place, column in enumerate(table.columns) if column.metric == "kappa")
    assert table.ranks == (1, 1)
    assert (column.best, column.second) == ((0, 1), ())
    assert table.gains[0].values[place] is None


def test_best_rows_groups_tests_and_gains_follow_their_rows(four):
    board = board_of_records(four)
    (before,), (after,) = board.tables, View().of(board).tables
    for old, new in zip(before.columns, after.columns, strict=True):
        assert {before.rows[n].name for n in old.best} == {after.rows[n].name for n in new.best}
        assert {before.rows[n].name for n in old.second} == {after.rows[n].name for n in new.second}
        pairs = [
            {(table.rows[pair.best].name, table.rows[pair.other].name, pair.holm) for pair in column.comparisons}
            for table, column in ((before, old), (after, new))
        ]
        assert pairs[0] == pairs[1]
        assert sorted(number for group in new.groups for number in group) == [0, 1, 2, 3]
    assert [after.rows[gain.row].name for gain in after.gains] == [before.rows[gain.row].name for gain in before.gains]
    assert [gain.values for gain in after.gains] == [gain.values for gain in before.gains]


def test_reordering_there_and_back_changes_nothing(four):
    (table,) = board_of_records(four).tables
    assert reordered(reordered(table, [2, 0, 3, 1]), [1, 3, 0, 2]) == table


def test_ranks_hold_within_an_encoder_and_budget_and_groups_stay_together(two_budgets):
    (table,) = View().of(two_budgets).tables
    assert names(table) == ["aml", "ce", "supcon", "taco"]
    assert table.ranks == (1, 2, 1, 2)
    assert layout.starts(table) == {2}
    assert r"\addlinespace" in render(View().of(two_budgets), "latex")
    assert layout.starts(two_budgets.tables[0]) == set()


def test_equal_means_share_a_rank(make):
    records = [make("ce", accuracy=1.0), make("aml", accuracy=1.0), make("supcon", accuracy=0.5)]
    (table,) = View().of(board_of_records(records)).tables
    assert sorted(table.ranks) == [1, 1, 3]


def test_a_lower_score_ranks_first_where_lower_is_better(make):
    records = [make("ce", extra={"nll": 0.5}), make("aml", extra={"nll": 1.5})]
    (table,) = View(rank_by="nll").of(board_of_records(records)).tables
    assert names(table) == ["ce", "aml"]
    assert table.ranks == (1, 2)


def test_rows_that_a_spec_declares_keep_their_order_unless_told(four):
    board = board_of_records(four)
    declared = replace(board, tables=(replace(board.tables[0], declared=True),))
    (kept,), (ordered,) = View().of(declared).tables, View(sort=True).of(declared).tables
    assert names(kept) == names(board.tables[0])
    assert dict(zip(names(kept), kept.ranks, strict=True)) == {"taco": 1, "aml": 2, "supcon": 3, "ce": 4}
    assert ordered.ranks == (1, 2, 3, 4)


def test_a_row_without_the_score_has_no_rank_and_comes_last(four, make):
    board = board_of_records([*four, make("lcl", extra={"kappa": 0.5})])
    (table,) = View(rank_by="kappa").of(board).tables
    assert (names(table)[0], table.ranks) == ("lcl", (1, None, None, None, None))
    assert layout.about(table, table.rows[1])[-1] == layout.NOTHING


def test_no_ranks_leave_the_table_as_it_was(four):
    board = board_of_records(four)
    assert View(rank_by=None).of(board) == board


def test_metrics_choose_columns_and_their_order(four):
    board = board_of_records(four)
    (table,) = View(rank_by=None, metrics=("macro_f1", "accuracy")).of(board).tables
    assert [column.metric for column in table.columns] == ["macro_f1", "accuracy"]
    (before,) = board.tables
    assert table.columns[1] == before.columns[0]
    assert table.gains[0].values == (before.gains[0].values[2], before.gains[0].values[0])
    assert table.most_frequent.values == (before.most_frequent.values[2], before.most_frequent.values[0])
    assert "Weighted-F1" not in render(View(metrics=("macro_f1",)).of(board), "markdown")


def test_the_first_chosen_metric_ranks(make):
    records = [make("ce", extra={"kappa": 0.9}, accuracy=0.4), make("aml", extra={"kappa": 0.1}, accuracy=0.9)]
    (table,) = View(metrics=("kappa", "accuracy")).of(board_of_records(records)).tables
    assert (names(table), table.ranked_by) == (["ce", "aml"], "kappa")


def test_unknown_metrics_are_refused(four):
    board = board_of_records(four)
    for view in (View(metrics=("acuracy",)), View(rank_by="acuracy")):
        with pytest.raises(UnknownName, match="did you mean 'accuracy'"):
            view.of(board)


def test_the_published_table_is_chosen_from_but_not_ranked():
    board = replace(board_of_records([]), published=published())
    shown = View(metrics=("accuracy",), notes="none").of(board)
    assert shown.published.ranks == ()
    assert [row.name for row in shown.published.rows] == [row.name for row in published().rows]
    assert [column.metric for column in shown.published.columns] == ["accuracy", "accuracy"]


def test_display_names_replace_registered_ones(make):
    records = [*(make("lcl", lr=rate) for rate in (1e-3, 1e-4)), make("ce")]
    board = board_of_records(records)
    (table,) = View(display_names=True, rank_by=None).of(board).tables
    assert set(names(table)) == {"Cross-entropy", "LCL (lr 0.001)", "LCL (lr 0.0001)"}


def test_data_sets_have_display_names_in_headings(make):
    board = board_of_records([make("ce", dataset="ed-prepared")])
    (table,) = View(display_names=True).of(board).tables
    assert (table.title, table.datasets[0].name) == ("Empathetic Dialogues (ED)", "Empathetic Dialogues (ED)")


def test_equal_display_names_are_not_used(make):
    about = [make("ce", dataset=name) for name in ("ed", "ed-prepared")]
    (table,) = View(display_names=True).of(board_of_records(about, ["ed", "ed-prepared"])).tables
    assert [version.name for version in table.datasets] == ["ed", "ed-prepared"]


def test_notes_none_leave_the_caption_alone(four):
    shown = View(notes="none").of(replace(board_of_records(four), notes=("of the board",)))
    assert layout.legend(shown.tables[0]) == [layout.caption(shown.tables[0])]
    assert shown.notes == ()


def test_short_notes_leave_out_remarks_on_single_runs_and_keep_warnings(make):
    about = {"notes": ["LIMITED to the first 10 of 90 training rows: not a benchmark result", "3 texts were cut"]}
    board = board_of_records([make(method, about=about, seed=seed) for method in ("ce", "aml") for seed in range(3)])
    full, short = (layout.legend(View(notes=notes).of(board).tables[0]) for notes in ("full", "short"))
    assert about["notes"][1] in full
    assert set(short) < set(full)
    assert about["notes"][0] in short
    assert about["notes"][1] not in short


def test_missing_runs_are_one_short_note(make):
    board = board_of_records([make("ce"), make("aml", dataset="ed")], ["demo", "ed"])
    (table,) = View(notes="short").of(board).tables
    (line,) = [line for line in layout.legend(table) if "missing" in line]
    assert line in ("runs are missing: ce, aml", "runs are missing: aml, ce")
    assert sum("missing:" in line for line in layout.legend(board.tables[0])) == 2


def test_the_first_data_set_with_scores_ranks(make):
    records = [make(method, dataset="ed", accuracy=score) for method, score in {"ce": 0.2, "supcon": 0.9}.items()]
    table = board_of_records([*records, make("lcl")], ["demo", "ed"]).tables[0]
    empty = replace(table.columns[0], best=(), second=(), comparisons=(), groups=())
    shown = View().of(replace(board_of_records([]), tables=(replace(table, columns=(empty, *table.columns[1:])),)))
    assert shown.tables[0].ranked_by == "ed Acc"
    assert names(shown.tables[0])[:2] == ["supcon", "ce"]
