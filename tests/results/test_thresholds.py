"""Other thresholds are tuned on validation rows; the scores of a run's own rule are the record's."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fecbench.core.errors import DataError, RunError
from fecbench.data.datasets.rows import split_from_columns
from fecbench.results import thresholds
from fecbench.results.labelled_probabilities import LabelledProbabilities
from fecbench.results.thresholds import ThresholdStudy, cross_validated
from fecbench.runs.predictor import data_of
from fecbench.training import label_set_metrics as metrics
from fecbench.training.threshold_rule import ThresholdRule
from tests.support.train import train

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return train("ce", "demo-multi", tmp_path_factory.mktemp("runs") / "run", epochs=4)


@pytest.fixture(scope="module")
def study(record):
    return ThresholdStudy.of(record, resamples=200)


@pytest.fixture(scope="module")
def compared(study):
    return {scores.rule: scores for scores in study.compare()}


def test_the_runs_own_rule_has_the_scores_of_its_record(record, study, compared):
    (own,) = [scores for scores in compared.values() if scores.is_own]
    assert own.rule == ThresholdRule()
    assert dict(zip(study.labels, own.thresholds, strict=True)) == record.result["thresholds"]
    test = record.result["metrics"]["test"]
    for name in ("macro_f1", "micro_f1", "jaccard"):
        assert own.scores[name].value == pytest.approx(test[name])
    assert own.without_label == test["without_label"]
    assert (own.gain.value, own.gain.low, own.gain.high) == (0, 0, 0)


def test_its_thresholds_could_be_tuned_again(study):
    tuned = study.own.tuned(study.validation.true, study.validation.probabilities)
    assert study.thresholds(study.own).tolist() == tuned.tolist()


def test_every_rule_is_compared(record, study, compared):
    assert list(compared) == [
        ThresholdRule("fixed", 0.5),
        ThresholdRule("fixed", 0.3),
        ThresholdRule("global"),
        ThresholdRule(shrink=0),
        ThresholdRule(),
        ThresholdRule(at_least_one=True),
    ]
    test = record.result["metrics"]["test"]
    for fixed in (0.5, 0.3):
        scores = compared[ThresholdRule("fixed", fixed)]
        assert scores.scores["macro_f1"].value == pytest.approx(test[f"macro_f1_at_{fixed}"])
    tuned = ThresholdRule("global").tuned(study.validation.true, study.validation.probabilities)
    given = study.test.probabilities >= tuned
    assert compared[ThresholdRule("global")].scores["jaccard"].value == pytest.approx(
        metrics.jaccard(study.test.true, given)
    )
    assert compared[ThresholdRule(at_least_one=True)].without_label == 0
    for scores in compared.values():
        for estimate in (*scores.scores.values(), scores.gain):
            assert estimate.low <= estimate.high
        macro = scores.scores["macro_f1"]
        own = compared[ThresholdRule()].scores["macro_f1"]
        assert scores.gain.value == pytest.approx(macro.value - own.value)


def test_a_choice_by_validation_rows_is_never_scored_on_the_rows_it_was_tuned_on():
    random = np.random.default_rng(0)
    rows = LabelledProbabilities(random.random((60, 3)) < 0.3, random.random((60, 3)))
    rule = ThresholdRule(shrink=0)
    tuned = rule.tuned(rows.true, rows.probabilities)
    optimistic = metrics.macro_f1(rows.true, rows.probabilities >= tuned)
    assert cross_validated(rule, rows) < optimistic
    fixed = ThresholdRule("fixed", 0.4)
    assert cross_validated(fixed, rows) == pytest.approx(metrics.macro_f1(rows.true, rows.probabilities >= 0.4))


def test_a_single_validation_row_has_no_other_folds():
    two = LabelledProbabilities(np.array([[True, False]] * 2), np.array([[0.4, 0.2]] * 2))
    assert cross_validated(ThresholdRule("fixed", 0.3), two) == 0.5
    assert cross_validated(ThresholdRule(), two.part(np.array([True, False]))) is None


def test_a_test_split_without_labels_is_refused(record, monkeypatch):
    data = data_of(record, None)
    rest = {name: rows for name, rows in data.splits.items() if name != "test"}
    unlabelled = replace(data, splits=rest, unlabelled=data.splits["test"].remove_columns("labels"))
    monkeypatch.setattr(thresholds, "data_of", lambda *_: unlabelled)
    with pytest.raises(DataError, match="the test split of demo-multi has no labels; use a run on data"):
        ThresholdStudy.of(record)


def test_a_record_without_validation_logits_has_fixed_thresholds_alone(record, tmp_path):
    copy = type(record)(shutil.copytree(record.folder, tmp_path / "copy"))
    (copy.folder / "validation.safetensors").unlink()
    found = ThresholdStudy.of(copy, resamples=200).compare()
    assert [scores.rule.thresholds for scores in found] == ["fixed", "fixed", "per-class", "per-class"]
    assert all(scores.validation is None for scores in found)


def renumbered(data):
    """The data set with its labels in the opposite order."""
    last = len(data.labels) - 1
    splits = {
        name: split_from_columns(
            {"text": split["text"][:], "labels": [[last - label for label in labels] for labels in split["labels"][:]]}
        )
        for name, split in data.splits.items()
    }
    return replace(data, labels=data.labels[::-1], splits=splits)


def test_labels_are_numbered_as_in_the_record(record, study, monkeypatch):
    data = renumbered(data_of(record))
    monkeypatch.setattr(thresholds, "data_of", lambda *_: data)
    again = ThresholdStudy.of(record, resamples=200)
    assert again.labels == study.labels
    assert np.array_equal(again.test.true, study.test.true)
    assert np.array_equal(again.validation.true, study.validation.true)


def test_a_record_of_other_rows_is_refused(record, monkeypatch):
    data = data_of(record)
    fewer = replace(data, splits={**data.splits, "test": data.splits["test"].select(range(5))})
    monkeypatch.setattr(thresholds, "data_of", lambda *_: fewer)
    with pytest.raises(RunError, match="must hold predictions of 5 rows and 12 labels, but holds"):
        ThresholdStudy.of(record)


def test_one_label_a_text_has_no_thresholds(tmp_path):
    single = train("ce", "demo", tmp_path / "run", epochs=1, limit=32)
    with pytest.raises(DataError, match="thresholds need data with several labels a text, but demo gives one"):
        ThresholdStudy.of(single)


def test_the_command_prints_a_row_for_each_rule(record, fecbench):
    code, out, err = fecbench("thresholds", record.folder, "--resamples", 100, "--by-label")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("ce on demo-multi (run), thresholds from 90 validation rows, scores of 90 test rows")
    assert [line for line in lines if line.startswith("per-class, shrink 1 *")]
    assert sum(line.startswith(("fixed", "global", "per-class")) for line in lines) == 6
    (joyful,) = [line.split() for line in lines if line.startswith("joyful")]
    assert float(joyful[-1]) == pytest.approx(record.result["thresholds"]["joyful"], abs=5e-4)
    assert "Choose a rule by this column alone" in " ".join(out.split())


def test_the_command_prints_json(record, fecbench):
    code, out, err = fecbench("thresholds", record.folder, record.folder, "--resamples", 100, "--json")
    assert code == 0, err
    first, second = json.loads(out)
    assert first == second
    assert first["rows"] == {"validation": 90, "test": 90}
    (own,) = [rule for rule in first["rules"] if rule["own"]]
    assert own["by_label"] == record.result["thresholds"]
    assert own["test"]["macro_f1"]["value"] == pytest.approx(record.result["metrics"]["test"]["macro_f1"])
