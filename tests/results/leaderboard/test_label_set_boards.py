"""Boards of runs on texts with several labels: columns, directions, ranks, tests, and no mixing with single labels."""

import csv
import json
from io import StringIO

import numpy as np
import pytest
import torch

from fecbench.bench.planned_run import PlannedRun
from fecbench.bench.published_records import complete_records
from fecbench.bench.selection import Selection
from fecbench.core.errors import UnknownName
from fecbench.core.files import read_tensors, write_tensors
from fecbench.results.leaderboard.assemble import board_of_records, board_of_selection
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.formats.terminal import terminal
from fecbench.results.leaderboard.publish import publish
from fecbench.results.shown_metrics import BESIDE, MAIN, SCORES
from fecbench.runs.plan import plan
from fecbench.runs.record import PREDICTIONS, VALIDATION
from fecbench.training.metrics import PRIMARY
from fecbench.training.standard_metrics import standard
from tests.support.boards import names
from tests.support.label_set_records import LABELS, TRUE, finish_label_sets, logits_of
from tests.support.page import write
from tests.support.records import SMALL


def table_of(records, **how):
    (table,) = board_of_records(records, **how).tables
    return table, {column.metric: column for column in table.columns}


def test_the_columns_are_the_main_metrics_with_their_directions(six):
    table, columns = table_of(six)
    assert tuple(columns) == MAIN["multi"]
    assert layout.column_names(table) == ["Macro-F1 ↑", "Micro-F1 ↑", "mAP ↑", "Jaccard ↑", "NLL ↓"]
    assert table.labelling == "multi"
    caption, arrows, *_ = layout.legend(table)
    assert caption == ("Test scores in percent (NLL in nats a text), mean ± sample standard deviation over 3 seeds.")
    assert arrows == "↑: higher is better; ↓: lower is better."


def test_every_metric_of_a_record_is_shown_or_known_to_stand_beside(six):
    recorded = {*standard("multi", soft=False), *SCORES}
    assert recorded == {*MAIN["multi"], *BESIDE} == six[0].result["metrics"]["test"].keys()
    assert MAIN["single"] == PRIMARY


def test_the_lowest_likelihood_loss_is_best(six):
    table, columns = table_of(six)
    loss = {row.name: row.cells[0].scores["nll"].mean for row in table.rows}
    assert loss["aml"] < loss["ce"]
    (best,) = columns["nll"].best
    assert table.rows[best].name == "aml"
    (text,) = [layout.line(table, best)[4]]
    assert text.best
    assert text.text.startswith(f"{loss['aml']:.3f} ± ")


def test_a_gain_in_a_loss_is_negative(six):
    table, columns = table_of(six)
    (gain,) = table.gains
    gains = dict(zip(columns, gain.values, strict=True))
    loss = {row.name: row.cells[0].scores["nll"].mean for row in table.rows}
    assert gains["nll"] == pytest.approx(loss["aml"] / loss["ce"] - 1)
    assert gains["nll"] < 0 < gains["macro_f1"]


def test_every_column_is_tested_by_both_tests(six):
    table, columns = table_of(six)
    for metric in MAIN["multi"]:
        (pair,) = columns[metric].comparisons
        assert (pair.reason, pair.examples, pair.seeds) == ("", 320, (0, 1, 2)), metric
        assert table.rows[pair.best].name == "aml"
        assert pair.p == max(pair.p_examples, pair.p_seeds) == pair.holm < 0.05, metric
    (line,) = [line for line in layout.legend(table) if line.startswith("†")]
    assert "over test examples (for mAP, NLL: a jackknife test over blocks of them) and in a paired t-test" in line


def test_two_equal_methods_are_not_told_apart(make_sets):
    records = [make_sets(method, signal=1.0, seed=seed) for method in ("ce", "supcon") for seed in range(3)]
    table, columns = table_of(records)
    assert all(pair.significant is False for column in columns.values() for pair in column.comparisons)
    assert any(line.startswith("In no test is the best of a column") for line in layout.legend(table))


def test_a_method_without_probabilities_has_no_score_of_them(six):
    for record in six[:3]:
        content = json.loads(json.dumps(dict(record.result)))
        for name in ("mean_average_precision", "nll"):
            del content["metrics"]["test"][name]
        write(record, "result.json", content)
    table, columns = table_of(six)
    texts = [text.text for text in layout.line(table, [row.name for row in table.rows].index("ce"))]
    assert [text == "–" for text in texts] == [False, False, True, False, True]  # noqa: RUF001  an en dash
    assert columns["nll"].best == ()


def test_there_is_no_row_of_the_most_frequent_class(six):
    table, _ = table_of(six)
    assert table.most_frequent is None
    assert "most frequent" not in terminal(board_of_records(six))


def test_notes_tell_fixed_thresholds_and_texts_without_a_label(six):
    table, _ = table_of(six)
    scores = {row.name: row.cells[0].scores for row in table.rows}
    half, less, empty = (
        [f"{100 * scores[name][metric].mean:.2f}" for name in ("ce", "aml")]
        for metric in ("macro_f1_at_0.5", "macro_f1_at_0.3", "without_label")
    )
    assert (
        "macro F1 with a threshold of 0.5 (of 0.3) for every label: "
        f"ce {half[0]} ({less[0]}); aml {half[1]} ({less[1]})"
    ) in table.notes
    assert f"test texts that are given no label, in percent: ce {empty[0]}; aml {empty[1]}" in table.notes


def test_further_metrics_are_shown_where_they_are_named(six):
    _, columns = table_of(six, metrics=["lrap", "hamming"])
    assert tuple(columns) == (*MAIN["multi"], "hamming", "lrap")
    assert [columns[name].comparisons[0].significant for name in ("hamming", "lrap")] == [True, True]
    assert columns["hamming"].lower
    with pytest.raises(UnknownName, match="did you mean"):
        board_of_records(six, metrics=["micro_f2"])


def test_a_metric_that_no_run_has_is_said(six):
    name = "micro_f1:without=wry"
    table, columns = table_of(six, metrics=[name])
    assert name not in columns
    assert any(note.startswith(f"no run of this table has a score of {name}") for note in table.notes)


def test_a_third_partys_metric_has_a_column_and_no_test(make_sets):
    records = [
        make_sets(method, signal=signal, seed=seed, extra={"kappa": signal / 2})
        for method, signal in (("ce", 0.6), ("aml", 1.4))
        for seed in range(3)
    ]
    _, columns = table_of(records)
    assert columns["kappa"].label == "kappa"
    assert columns["kappa"].comparisons[0].reason == "there is no test for this metric"


@pytest.mark.parametrize("damage", ["gone", "old", "swapped", "short", "types", "more hits", "labels"])
def test_predictions_that_cannot_be_trusted_tell_nothing(six, damage):
    path = six[4].folder / PREDICTIONS
    tensors, _ = read_tensors(path)
    if damage == "gone":
        path.unlink()
    elif damage == "old":
        write_tensors(path, {name: tensor for name, tensor in tensors.items() if name != "hits"})
    elif damage == "swapped":
        write_tensors(
            path, tensors | {"given": tensors["given"].flip(1).clone(), "hits": tensors["hits"].flip(1).clone()}
        )
    elif damage == "short":
        write_tensors(path, {name: tensor[:-1].clone() for name, tensor in tensors.items()})
    elif damage == "types":
        write_tensors(path, tensors | {"given": tensors["given"].float()})
    elif damage == "more hits":
        write_tensors(path, tensors | {"hits": torch.ones_like(tensors["hits"])})
    else:
        write_tensors(path, tensors | {name: tensors[name][:, :-1].clone() for name in ("given", "hits")})
    reasons = {
        "gone": "holds no predictions",
        "old": "don't tell the labels given",
        "types": "have other types than labels",
        "labels": "have other labels than the record",
    }
    _, columns = table_of(six)
    assert reasons.get(damage, "don't give its scores") in columns["macro_f1"].comparisons[0].reason
    assert columns["nll"].comparisons[0].reason == ""


@pytest.mark.parametrize("damage", ["none", "other", "few"])
def test_without_blocks_of_rows_the_likelihood_is_not_tested(six, damage):
    content = dict(six[4].result)
    if damage == "none":
        del content["without_block"]
    elif damage == "few":
        content["without_block"] = {}
    else:
        content["without_block"] = {name: scores[:-1] for name, scores in content["without_block"].items()}
    write(six[4], "result.json", content)
    _, columns = table_of(six)
    reason = "different numbers of blocks" if damage == "other" else "holds no scores without blocks of test rows"
    assert reason in columns["nll"].comparisons[0].reason
    assert columns["jaccard"].comparisons[0].significant


def test_records_may_number_their_labels_differently(six):
    _, expected = table_of(six)
    record, order = six[4], [2, 0, 3, 1]  # aml, seed 1: the same run, its labels in another order
    about = json.loads((record.folder / "run.json").read_text())
    about["dataset"]["labels"] = [LABELS[number] for number in order]
    (record.folder / "run.json").write_text(json.dumps(about))
    finish_label_sets(record, logits_of(1.4, 1, sum(map(ord, "aml")))[:, order], TRUE[:, order])
    _, found = table_of(six)
    for metric, column in expected.items():
        assert found[metric].comparisons[0].p_examples == pytest.approx(column.comparisons[0].p_examples, rel=1e-3)


def test_single_and_several_labels_are_never_in_one_table(six, three):
    board = board_of_records([*six, *three])
    assert [(table.title, table.labelling) for table in board.tables] == [("demo", "single"), ("sets", "multi")]
    board = board_of_records([*six, *three], columns=["sets", "demo"])
    assert [(table.title, table.labelling) for table in board.tables] == [("sets", "multi"), ("demo", "single")]
    assert names(board) == [["ce", "aml"], ["ce", "aml"]]
    assert [column.label for column in board.tables[1].columns] == ["Acc", "Weighted-F1", "Macro-F1"]


def test_data_sets_of_one_labelling_share_a_table(six, make_sets):
    other = {"name": "more", "fingerprint": "rows of more"}
    records = [*six, *(make_sets(method, seed=0, data=other) for method in ("ce", "aml"))]
    (table,) = board_of_records(records, columns=["sets", "more"]).tables
    assert layout.column_names(table)[4:6] == ["sets NLL ↓", "more Macro-F1 ↑"]
    assert any(note.startswith("macro F1 on more with a threshold of 0.5") for note in table.notes)


def planned(row: str, dataset: str) -> list[PlannedRun]:
    return [PlannedRun(row, plan("ce", {**SMALL, "dataset": dataset, "seed": seed})) for seed in range(3)]


def test_a_spec_of_both_kinds_has_a_table_for_each(make, make_sets):
    data = {"name": "demo-multi", "fingerprint": "rows of demo-multi"}
    records = [make("ce", seed=seed) for seed in range(3)] + [
        make_sets("ce", seed=seed, data=data) for seed in range(3)
    ]
    runs = (*planned("plain", "demo"), *planned("plain", "demo-multi"), *planned("single only", "demo"))
    selection = Selection("both", ("demo", "demo-multi"), runs, notes=("a note",))
    board = board_of_selection(selection, records)
    assert [(table.title, table.labelling) for table in board.tables] == [("demo", "single"), ("demo-multi", "multi")]
    assert names(board) == [["plain", "single only"], ["plain"]]
    assert all("a note" in table.notes for table in board.tables)
    assert [len(row.cells) for table in board.tables for row in table.rows] == [1, 1, 1]


def test_a_spec_without_a_run_on_several_labels_has_a_table_for_them(make):
    runs = (*planned("mine", "demo"), *planned("mine", "demo-multi"))
    board = board_of_selection(Selection("both", ("demo", "demo-multi"), runs), [make("ce")])
    assert [[column.metric for column in table.columns] for table in board.tables] == [
        list(MAIN["single"]),
        list(MAIN["multi"]),
    ]


def test_a_spec_without_a_run_on_several_labels_keeps_its_columns(make_sets):
    data = {"name": "demo-multi", "fingerprint": "rows of demo-multi"}
    records = [make_sets("ce", seed=seed, data=data) for seed in range(2)]
    (table,) = board_of_selection(Selection("t", ("demo-multi",), tuple(planned("mine", "demo-multi"))), records).tables
    assert [column.metric for column in table.columns] == list(MAIN["multi"])
    assert "missing: mine, seed 2: not run" in table.notes


def test_runs_on_shares_of_labels_are_left_out_and_named(six, make_sets):
    soft = make_sets("supcon", data={"soft": True})
    board = board_of_records([*six, soft])
    assert names(board) == [["ce", "aml"]]
    assert f"left out because they have shares of labels, which boards don't compare: {soft.id}" in board.notes


@pytest.mark.parametrize("name", ["markdown", "latex", "csv", "json", "html", "terminal"])
def test_every_format_shows_the_loss_in_nats(six, name):
    board = board_of_records(six)
    text = terminal(board) if name == "terminal" else render(board, name)
    (table,) = board.tables
    score = next(row for row in table.rows if row.name == "aml").cells[0].scores["nll"]
    assert (repr(score.mean) if name in ("csv", "json") else f"{score.mean:.3f}") in text
    direction = {"latex": r"NLL $\downarrow$", "csv": "lower", "json": '"lower_is_better": true'}
    assert direction.get(name, "NLL ↓") in text


def test_csv_and_json_tell_direction_and_unit(six):
    board = board_of_records(six)
    lines = list(csv.DictReader(StringIO(render(board, "csv"))))
    assert {line["metric"]: line["better"] for line in lines} == {
        metric: "lower" if metric == "nll" else "higher" for metric in MAIN["multi"]
    }
    (place,) = {line["place"] for line in lines if (line["metric"], line["method"]) == ("nll", "aml")}
    assert place == "best"
    (table,) = json.loads(render(board, "json"))["tables"]
    assert table["labelling"] == "multi"
    assert table["columns"][4] == {
        "dataset": "sets",
        "metric": "nll",
        "label": "NLL",
        "lower_is_better": True,
        "unit": "nats a text",
    }


def test_latex_shows_the_direction_of_every_column(six):
    text = render(board_of_records(six), "latex")
    assert r"Jaccard $\uparrow$ & NLL $\downarrow$ \\" in text


def test_published_copies_hold_the_logits_of_the_validation_rows(six, tmp_path):
    (copy, *_) = publish(board_of_records(six), tmp_path / "public")
    assert {path.name for path in copy.iterdir()} == {"run.json", "result.json", PREDICTIONS, VALIDATION}


def test_the_list_of_runs_shows_each_kinds_scores(six, three, fecbench, tmp_path):
    code, out, err = fecbench("runs", tmp_path / "runs")
    assert code == 0, err
    heads, *lines = out.splitlines()
    assert heads.split()[6:] == [*MAIN["single"], *MAIN["multi"][1:]]
    (line,) = [line for line in lines if six[0].id in line]
    scores = six[0].result["metrics"]["test"]
    assert line.split()[6:] == [
        *(f"{100 * scores[metric]:.2f}" for metric in MAIN["multi"][:-1]),
        f"{scores['nll']:.3f}",
    ]
    rows = {row["id"]: row for row in json.loads(fecbench("runs", tmp_path / "runs", "--json")[1])}
    assert rows[six[0].id]["lrap"] == scores["lrap"]
    assert (rows[six[0].id]["labelling"], rows[three[0].id]["labelling"]) == ("multi", "single")


def test_swaps_of_texts_with_no_label_given_count_too(make_sets):
    """A text without labels that is given none has a Jaccard index of 1."""
    true = TRUE.copy()
    true[:100] = False
    records = [
        make_sets(method, signal=signal, seed=seed, true=true)
        for method, signal in (("ce", 0.6), ("aml", 1.4))
        for seed in range(3)
    ]
    _, columns = table_of(records)
    assert columns["jaccard"].comparisons[0].significant
    assert np.isfinite(columns["jaccard"].comparisons[0].p)


def test_folds_are_tested_on_their_own_texts(make_sets):
    """The runs of fold k of both methods are paired, and the folds' blocks of texts are independent."""
    records = []
    for fold, texts in enumerate((330, 320, 340)):
        true = np.random.default_rng(fold).random((texts, 4)) < (0.4, 0.3, 0.2, 0.1)
        data = {"fingerprint": f"rows of fold {fold}", "whole": "all 3 folds"}
        records += [
            make_sets(method, signal=signal, true=true, folds=3, fold=fold, data=data)
            for method, signal in (("ce", 0.6), ("aml", 1.4))
        ]
    table, columns = table_of(records)
    assert [row.name for row in table.rows] == ["ce", "aml"]
    for metric in MAIN["multi"]:
        (pair,) = columns[metric].comparisons
        assert (pair.reason, pair.examples, pair.seeds) == ("", 990, ("0/0", "0/1", "0/2")), metric
        assert pair.p_examples < 0.001


def test_a_published_record_with_broken_validation_rows_is_not_done(six, tmp_path):
    copies = publish(board_of_records(six), tmp_path / "public")
    assert len(complete_records(tmp_path / "public")[0]) == 6
    (copies[0] / VALIDATION).write_bytes(b"half of a fi")
    done, (reason,) = complete_records(tmp_path / "public")
    assert len(done) == 5
    assert VALIDATION in reason
