"""Scores that each rule of thresholds would give a finished run, from its record's logits and its data's labels.

Thresholds are tuned on validation rows. A rule that is chosen by its test scores is tuned on test rows all the same, so
each rule also has a score from validation rows alone, by cross-validation within them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fecbench.core.errors import DataError
from fecbench.results.label_set_bootstrap import RESAMPLES, interval, resampled_scores, scores_by_weights
from fecbench.results.labelled_probabilities import LabelledProbabilities
from fecbench.runs.predictor import data_of
from fecbench.runs.record import VALIDATION
from fecbench.training.label_set_metrics import macro_f1
from fecbench.training.scoring import FIXED
from fecbench.training.threshold_rule import ThresholdRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fecbench.runs.record import Record

FOLDS = 5


@dataclass(frozen=True)
class Estimate:
    """A score with its bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RuleScores:
    """The scores of a rule on the test rows.

    Attributes:
        rule: the rule.
        is_own: True for the run's own rule.
        thresholds: those of the labels, ``[C]``.
        scores: macro F1, micro F1 and Jaccard of the test rows.
        gain: the macro F1 less that of the run's own rule.
        without_label: share of test texts that are given no label.
        validation: macro F1 of the validation rows, each decided by thresholds from the other folds; None with fewer
            than two validation rows.
    """

    rule: ThresholdRule
    is_own: bool
    thresholds: tuple[float, ...]
    scores: Mapping[str, Estimate]
    gain: Estimate
    without_label: float
    validation: float | None


@dataclass(frozen=True)
class ThresholdStudy:
    """The rules of thresholds on a run.

    Attributes:
        record: the run's record.
        labels: label names, by index.
        test: test rows.
        validation: validation rows; None for a method that doesn't score them.
        resamples: number of bootstrap resamples.
    """

    record: Record
    labels: tuple[str, ...]
    test: LabelledProbabilities
    validation: LabelledProbabilities | None
    resamples: int = RESAMPLES

    @classmethod
    def of(cls, record: Record, data_dir: Path | None = None, resamples: int = RESAMPLES) -> ThresholdStudy:
        """Read the study of a complete run; the labels are read from its data set.

        Raises:
            DataError: the texts have one label each, or the test split has no labels.
            DataNotFound: the rows aren't available.
            RunError: the run isn't complete, its files are broken, or the rows have changed since.
        """
        record.check_complete()
        if record.run_file.dataset.labelling == "single":
            raise DataError(
                f"thresholds need data with several labels a text, but {record.run_file.dataset.name} gives one; use "
                "runs on another data set"
            )
        data, labels = data_of(record, data_dir), tuple(record.run_file.dataset.labels)
        if "test" not in data.splits:
            raise DataError(
                f"thresholds are compared by test scores, but the test split of {data.name} has no labels; use a run "
                "on data whose test split has labels"
            )
        test = LabelledProbabilities.of(record, data, "test")
        has_validation = (record.folder / VALIDATION).is_file()
        validation = LabelledProbabilities.of(record, data, "validation") if has_validation else None
        return cls(record, labels, test, validation, resamples)

    @cached_property
    def own(self) -> ThresholdRule:
        """The run's own rule."""
        return ThresholdRule.of(self.record.settings())

    @property
    def rules(self) -> tuple[ThresholdRule, ...]:
        """The rules to compare: the usual ones, the run's own, and its own with ``at_least_one`` the other way."""
        usual = [ThresholdRule("fixed", value) for value in FIXED]
        if self.validation is not None:
            usual += [ThresholdRule("global"), ThresholdRule(shrink=0), ThresholdRule()]
        other = replace(self.own, at_least_one=not self.own.at_least_one)
        return tuple(dict.fromkeys([*usual, self.own, other]))

    def thresholds(self, rule: ThresholdRule) -> np.ndarray:
        """Return the thresholds ``[C]`` of a rule; those in the record for the run's own."""
        recorded = self.record.result_file.thresholds
        if recorded is not None and replace(rule, at_least_one=self.own.at_least_one) == self.own:
            return np.array([recorded[label] for label in self.labels])
        if self.validation is None:
            return rule.untuned(len(self.labels))
        return rule.tuned(self.validation.true, self.validation.probabilities)

    def compare(self) -> list[RuleScores]:
        """Return the scores of every rule."""
        own = self._resampled(self.own)
        return [self._scores(rule, own) for rule in self.rules]

    def _given(self, rule: ThresholdRule) -> np.ndarray:
        """Return the labels that a rule gives to each test text, bool ``[N, C]``."""
        return rule.given(self.test.probabilities, self.thresholds(rule))

    def _resampled(self, rule: ThresholdRule) -> dict[str, np.ndarray]:
        """Return a rule's scores by metric ``[1 + R]``: of all test rows, then of each resample."""
        true, given = self.test.true, self._given(rule)
        whole = scores_by_weights(true, given, np.ones((1, len(true)), np.float32))
        drawn = resampled_scores(true, given, self.resamples)
        return {name: np.concatenate([whole[name], drawn[name]]) for name in whole}

    def _scores(self, rule: ThresholdRule, own: Mapping[str, np.ndarray]) -> RuleScores:
        values = self._resampled(rule)
        return RuleScores(
            rule=rule,
            is_own=rule == self.own,
            thresholds=tuple(self.thresholds(rule).tolist()),
            scores={name: _estimate(value) for name, value in values.items()},
            gain=_estimate(values["macro_f1"] - own["macro_f1"]),
            without_label=float(np.mean(~self._given(rule).any(1))),
            validation=None if self.validation is None else cross_validated(rule, self.validation),
        )


def cross_validated(
    rule: ThresholdRule, rows: LabelledProbabilities, folds: int = FOLDS, seed: int = 0
) -> float | None:
    """Return the macro F1 of labels given with thresholds that were tuned on the other folds of the same rows.

    None if there are fewer than two rows.
    """
    if len(rows.true) < 2:
        return None
    number = np.random.default_rng(seed).permutation(len(rows.true)) % folds
    given = np.zeros_like(rows.true)
    for fold in range(folds):
        others = rows.part(number != fold)
        thresholds = rule.tuned(others.true, others.probabilities)
        given[number == fold] = rule.given(rows.probabilities[number == fold], thresholds)
    return macro_f1(rows.true, given)


def _estimate(values: np.ndarray) -> Estimate:
    """Return the first value with the interval of the others."""
    return Estimate(float(values[0]), *interval(values[1:]))
