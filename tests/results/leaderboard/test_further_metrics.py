"""``fecbench leaderboard --metric``: a column for a metric that records hold, or that is computed from their counts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from fecbench.core.errors import UnknownName, UsageError
from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.further_metrics import with_metrics
from fecbench.results.leaderboard.run import read_run
from fecbench.training import metrics
from tests.support.records import GOLD, guess, unseal

NAME = "micro_f1:without=glad"


def count(record, predicted) -> None:
    """Write the confusion matrix of ``predicted`` into a made record."""
    path = record.folder / "result.json"
    content = json.loads(path.read_text())
    content["confusion_matrix"] = metrics.confusion_matrix(GOLD, predicted, 3).tolist()
    path.write_text(json.dumps(content))
    unseal(record.folder)
    record.reload()


@pytest.fixture
def counted(make):
    """A record with a confusion matrix, and its predictions."""
    record = make("ce", accuracy=0.6)
    predicted = guess(0.6, 0, sum(map(ord, "ce")))
    count(record, predicted)
    return record, predicted


def test_a_metric_is_computed_from_the_counts_of_a_record(counted):
    record, predicted = counted
    (run,) = with_metrics([read_run(record)], [NAME])
    assert run.scores[NAME] == metrics.get_metric(NAME, run.labels)(GOLD, predicted, 3)
    assert run.scores["accuracy"] == record.result["metrics"]["test"]["accuracy"]


def test_rows_without_an_answer_count_as_missed(make):
    predicted = np.where(np.arange(len(GOLD)) % 3 == 0, -1, GOLD)
    record = make("ce")
    count(record, predicted)
    (run,) = with_metrics([read_run(record)], [NAME])
    true_counts = record.result["per_class"]
    assert sum(row["support"] for row in true_counts.values()) == len(GOLD)
    assert run.scores[NAME] == metrics.get_metric(NAME, run.labels)(GOLD, predicted, 3)


def test_the_column_stands_after_the_papers(counted):
    (table,) = board_of_records([counted[0]], metrics=[NAME, "weighted_f1"]).tables
    assert [column.metric for column in table.columns] == ["accuracy", "weighted_f1", "macro_f1", NAME]
    assert table.columns[-1].label == NAME


def test_a_score_of_the_record_is_kept(make):
    (table,) = board_of_records([make("ce", extra={NAME: 0.25})], metrics=[NAME]).tables
    assert table.score(0, table.columns[-1]).mean == 0.25


def test_a_record_without_counts_has_no_such_score(counted, make):
    (table,) = board_of_records([counted[0], make("aml")], metrics=[NAME]).tables
    scores = {row.name: table.score(number, table.columns[-1]) for number, row in enumerate(table.rows)}
    assert scores["aml"] is None
    assert scores["ce"] is not None


def test_counts_that_contradict_each_other_are_not_used(counted):
    record, _ = counted
    path = record.folder / "result.json"
    content = json.loads(path.read_text())
    content["confusion_matrix"][0][0] += 1000
    path.write_text(json.dumps(content))
    record.reload()
    assert NAME not in with_metrics([read_run(record)], [NAME])[0].scores


def test_a_data_set_without_the_label_has_no_such_score(make):
    runs = [read_run(make("ce", about={"dataset": data})) for data in (described("angry"), described("cross"))]
    first, second = with_metrics(runs, ["micro_f1:without=angry"])
    assert first.labels != second.labels
    assert "micro_f1:without=angry" not in second.scores


def test_a_data_set_whose_labels_are_all_left_out_has_no_such_score(counted):
    name = "micro_f1:without=angry, glad, sad"
    few = read_run(counted[0])
    more = replace(few, labels=(*few.labels, "calm"), support={**few.support, "calm": 0})
    assert [name in run.scores for run in with_metrics([few, more], [name])] == [False, False]
    with pytest.raises(UsageError, match="leaves out all"):
        with_metrics([few], [name])


def described(first: str) -> dict[str, object]:
    return {"name": "demo", "fingerprint": first, "labels": [first, "glad", "sad"]}


def test_a_label_that_no_data_set_has_is_refused(counted, fecbench, tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'glad'"):
        board_of_records([counted[0]], metrics=["micro_f1:without=gald"])
    code, _, err = fecbench("leaderboard", tmp_path / "runs", "--metric", "micro_f1:without=gald")
    assert code == 2
    assert "did you mean 'glad'?" in err


def test_the_command_shows_it_in_every_format(counted, fecbench, tmp_path):
    for form in ("terminal", "markdown", "latex", "csv", "json", "html"):
        code, out, err = fecbench("leaderboard", tmp_path / "runs", "--metric", NAME, "--format", form)
        assert code == 0, err
        assert "without=glad" in out, form
    assert (
        r"micro\_f1:without=glad"
        in fecbench("leaderboard", tmp_path / "runs", "--metric", NAME, "--format", "latex")[1]
    )


def test_an_older_record_shares_the_row_of_a_newer_one(make):
    older, newer = make("ce", seed=0), make("ce", seed=1)
    path = older.folder / "run.json"
    content = json.loads(path.read_text())
    for option in ("class_weights", "class_weight_beta", "logit_adjust"):
        del content["settings"][option]
    path.write_text(json.dumps(content))
    older.reload()
    (table,) = board_of_records([older, newer]).tables
    assert [row.name for row in table.rows] == ["ce"]
    weighted = make("ce", seed=0, class_weights="balanced")
    (table,) = board_of_records([older, newer, weighted]).tables
    assert [row.name for row in table.rows] == ["ce (class_weights balanced)", "ce (class_weights none)"]
