"""The page of a board of texts with several labels: units, labels given instead of others, validation curves."""

import json

import numpy as np
import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats.page import confusions, training
from fecbench.results.leaderboard.formats.page.render import page
from fecbench.results.leaderboard.formats.page.seed_scores import seed_scores_of
from fecbench.training.label_confusions import label_confusions
from tests.support.label_set_records import LABELS, TRUE, logits_of
from tests.support.page import Document, write


def grown(record):
    """Give a record the history of two epochs."""
    events = []
    for epoch in (1, 2):
        events.append({"event": "updates", "epoch": epoch, "step": 10, "logs": {"model_loss": 2.0 / epoch}})
        metrics = {"mean_average_precision": 0.2 * epoch, "nll": 3.0 / epoch}
        events.append({"event": "evaluation", "epoch": epoch, "split": "validation", "metrics": metrics, "best": True})
    (record.folder / "history.jsonl").write_text("\n".join(map(json.dumps, events)))
    return record


@pytest.fixture
def shown(six):
    return board_of_records([grown(record) for record in six])


def words(board) -> str:
    return " ".join(Document(page(board)).text.split())


def test_units_stand_where_scores_do(shown):
    text = words(shown)
    assert "Test scores in percent (NLL in nats a text), mean ± sample standard deviation over 3 seeds." in text
    assert "Each dot is the test score of one seed in percent (NLL in nats a text)." in text
    assert "Test scores in percent (NLL in nats a text). Start times are in UTC." in text
    assert "4 labels, several to a text" in text


def test_a_column_of_losses_sorts_the_least_first(shown):
    kinds = {}
    part = None
    for tag, attributes in Document(page(shown)).tags:
        part = attributes.get("data-kind") if tag == "th" and "data-kind" in attributes else part
        kinds.setdefault(part, 0)
        kinds[part] += tag == "th" and "data-kind" in attributes
    assert kinds["least"] == 2  # in the table of scores and in the list of runs


def test_every_seed_is_a_dot_in_its_own_unit(shown):
    (found,) = seed_scores_of(shown.tables[0])
    assert [scale.label for scale in found.scales][-1] == "NLL ↓"
    strip = dict(found.rows)["aml"][-1]
    score = shown.tables[0].rows[-1].cells[0].scores["nll"]
    assert strip.mean == score.mean
    assert [dot.text for dot in strip.dots] == [f"{value:.3f}" for value in score.seeds.values()]
    assert 0 < min(dot.at for dot in strip.dots) < max(dot.at for dot in strip.dots) < 100


def test_labels_given_instead_of_others_are_counted(shown):
    (found,) = confusions.confusions_of(shown.tables[0])
    assert (found.several, found.beside.methods) == (True, ("aml", "ce"))
    each = [label_confusions(TRUE, logits_of(0.6, seed, sum(map(ord, "ce"))) >= 0) for seed in range(3)]
    mean = np.mean(each, axis=0)
    names = (*LABELS, "no label")
    for pair in found.beside.pairs:
        row, column = LABELS.index(pair.gold), names.index(pair.predicted)
        assert pair.confused[1].number == pytest.approx(mean[row, column])
        assert pair.confused[1].share == pytest.approx(mean[row, column] / TRUE[:, row].sum())
        assert pair.rows == TRUE[:, row].sum()
    text = words(shown)
    assert "Missed label" in text
    assert "the text has the first label but isn’t given it" in text  # noqa: RUF001  the typographic sign is meant


def test_shares_of_a_cross_validation_are_of_the_mean_rows_of_its_folds(make_sets):
    """The first fold has no text with the label wry."""
    folds = [np.random.default_rng(fold).random((320, 4)) < (0.4, 0.3, 0.2, 0.2 * fold) for fold in range(2)]
    board = board_of_records(
        grown(
            make_sets(
                method,
                signal=0.3,
                true=true,
                folds=2,
                fold=fold,
                data={"fingerprint": f"rows of fold {fold}", "whole": "both folds"},
            )
        )
        for method in ("aml", "ce", "supcon")
        for fold, true in enumerate(folds)
    )
    (found,) = confusions.confusions_of(board.tables[0])
    rows = dict(zip(LABELS, np.mean([true.sum(0) for true in folds], axis=0), strict=True))
    assert "wry" in {pair.gold for pair in found.every.pairs}
    for pair in (*found.beside.pairs, *found.every.pairs):
        assert [of.share for of in pair.confused] == [
            pytest.approx(of.number / rows[pair.gold]) for of in pair.confused
        ]
    text = words(board)
    assert "Numbers are means over 2 folds." in text
    assert "Each dot is the test score of one fold" in text


@pytest.mark.parametrize("matrix", [None, [[1]], [["a"] * 5] * 4, [[9999] * 5] * 4, [[-1] * 5] * 4])
def test_counts_that_contradict_their_record_are_left_out_and_said(six, matrix):
    write(six[0], "result.json", {**six[0].result, "label_confusions": matrix})
    board = board_of_records(six)
    (found,) = confusions.confusions_of(board.tables[0])
    assert found.lacking == ("ce",)
    assert "the records of ce hold no valid confusion matrix" in page(board)


def test_validation_curves_are_of_the_average_precision(shown):
    ce, _ = training.training_of(shown.tables[0])
    validation, *_ = ce.datasets[0].charts
    assert validation.title == "validation mAP, percent"
    assert [len(curve.points) for curve in validation.curves] == [2, 2, 2]


def test_both_labellings_stand_on_one_page(shown, three):
    board = board_of_records([*(run.record for run in shown.runs()), *three])
    text = words(board)
    assert "Test scores in percent, mean ±" in text
    assert "Test scores in percent (NLL in nats a text), mean ±" in text


@pytest.mark.slow
def test_the_first_click_puts_the_best_first(browse, shown, tmp_path):
    (tmp_path / "board.html").write_text(page(shown), encoding="utf-8")
    opened = browse(tmp_path / "board.html")
    table = opened.locator("table").first
    for label, order in (("NLL", "ascending"), ("Jaccard", "descending")):
        column = table.locator("th", has_text=label)
        column.get_by_role("button").click()
        assert column.get_attribute("aria-sort") == order
        assert table.locator("tbody th").all_text_contents() == ["aml", "ce"]


def test_settings_of_thresholds_stand_where_texts_have_several_labels(shown, three):
    assert "thresholds per-class" in words(shown)
    assert "thresholds per-class" not in words(board_of_records(three))
