"""Metrics declare what they need and what data they are for, third parties' too."""

import numpy as np
import pytest
import torch

from fecbench import Metric, TokenColumn
from fecbench.core import registry
from fecbench.core.errors import PluginError, UsageError
from fecbench.data.batches import LabelSetSplit, TokenisedSplit
from fecbench.testing import MetricConformance
from fecbench.training import metrics
from fecbench.training.metric import MetricFacts
from fecbench.training.scoring import ScoredRows, scores_of
from fecbench.training.standard_metrics import standard
from tests.support.shares import registered

LABELS = ("a", "b", "c")
TOKENS = {"text": TokenColumn(np.arange(2), np.arange(3))}
TARGETS = np.array([[1, 0, 1], [0, 0, 1]], np.float32)
LOGITS = torch.tensor([[2.0, -1, 1], [-2, 0.5, 3]])


class Recorder(Metric):
    """A metric of third parties that keeps what it is called with."""

    labellings = ("single", "multi")

    def __call__(self, true, predicted, classes):
        type(self).seen = self.labelling, true, predicted, classes
        return 0.5


class OfTargets(Recorder):
    needs = "targets"
    higher_is_better = False
    display = "Odd loss"


class OfProbabilities(Recorder):
    needs = "probabilities"


class OnRequest(Recorder):
    on_request = True


class ForSets(Recorder):
    labellings = ("multi",)


def several():
    return ScoredRows(LabelSetSplit(TOKENS, targets=TARGETS), LOGITS, "multi", np.array([0.5, 0.7, 0.5]))


def single():
    return ScoredRows(TokenisedSplit(TOKENS, np.array([0, 2]), classes=3), LOGITS, "single")


def seen_by(kind, rows):
    """Return what a metric is called with when rows are scored."""
    with registered("metrics", mine=kind):
        metric = metrics.get_metric("mine", LABELS, rows.labelling)
        assert scores_of(rows, {"mine": metric})["mine"] == 0.5
    return kind.seen


def test_labels_of_one_label_a_text_are_numbers():
    labelling, true, predicted, classes = seen_by(Recorder, single())
    assert (labelling, classes) == ("single", 3)
    assert (true.tolist(), predicted.tolist()) == ([0, 2], [0, 2])


def test_labels_of_several_labels_a_text_are_masks():
    labelling, true, given, _ = seen_by(Recorder, several())
    assert labelling == "multi"
    assert true.tolist() == [[True, False, True], [False, False, True]]
    assert given.tolist() == [[True, False, True], [False, False, True]]  # sigmoid(.5) is below .7


@pytest.mark.parametrize("rows", [single, several])
def test_probabilities_and_targets_are_arrays_of_every_label(rows):
    made = rows()
    expected = LOGITS.double().softmax(1) if made.labelling == "single" else LOGITS.double().sigmoid()
    _, true, probabilities, _ = seen_by(OfProbabilities, made)
    assert probabilities.tolist() == expected.tolist()
    assert true.tolist() == made.true.tolist()
    _, targets, probabilities, _ = seen_by(OfTargets, made)
    assert targets.dtype == np.float64
    assert targets.tolist() == ([[1, 0, 0], [0, 0, 1]] if made.labelling == "single" else TARGETS.tolist())
    assert probabilities.tolist() == expected.tolist()


def test_a_plain_function_is_for_labels_of_one_label_a_text():
    facts = MetricFacts.of(metrics.accuracy)
    assert facts == MetricFacts("labels", ("single",), True, True, "", False)


def test_facts_are_found_by_name():
    with registered("metrics", mine=OfTargets):
        assert metrics.facts_of("mine") == MetricFacts("targets", ("single", "multi"), False, True, "Odd loss", False)
    assert metrics.facts_of("micro_f1:without=neutral").display == "Micro-F1"
    assert not metrics.facts_of("nll").higher_is_better
    assert not metrics.facts_of("nll").is_fraction
    assert metrics.facts_of("macro_f1_at_0.5") == MetricFacts()


def test_third_parties_metrics_are_computed_for_every_run_on_their_data():
    with registered("metrics", mine=Recorder, mine_asked=OnRequest, mine_sets=ForSets):
        of_one, reasons = metrics.all_metrics(LABELS, "single")
        of_sets, _ = metrics.all_metrics(LABELS, "multi")
    assert not reasons
    assert list(of_one) == ["accuracy", "weighted_f1", "macro_f1", "mine"]
    assert {"mine", "mine_sets"} <= of_sets.keys()
    assert "mine_asked" not in of_sets
    assert of_sets["mine"].labelling == "multi"


@pytest.mark.parametrize(
    ("name", "labelling", "says"),
    [
        ("accuracy", "multi", "the metric accuracy is for data with one label a text, but .* that give several"),
        ("jaccard", "single", "the metric jaccard is for data with several labels a text, but .* that give one"),
    ],
)
def test_a_metric_for_other_data_is_refused(name, labelling, says):
    with pytest.raises(UsageError, match=says):
        metrics.get_metric(name, LABELS, labelling)


@pytest.mark.parametrize(
    "odd", [{"needs": "logits"}, {"labellings": ()}, {"labellings": "multi"}, {"labellings": ("several",)}]
)
def test_facts_that_dont_exist_are_the_plugins_fault(odd):
    with (
        registered("metrics", mine=type("Odd", (Recorder,), odd)),
        pytest.raises(PluginError, match="must declare needs as one of labels, probabilities, targets and labellings"),
    ):
        metrics.get_metric("mine", LABELS)


def test_a_metric_with_odd_facts_leaves_the_others_in_place():
    with registered("metrics", mine=type("Odd", (Recorder,), {"labellings": 5})):
        found, (reason,) = metrics.all_metrics(LABELS, "multi")
    assert "mine" not in found
    assert "must declare needs" in reason


def test_every_run_on_shares_has_the_soft_metrics():
    soft = {"nll", "excess_nll", "soft_micro_f1", "soft_macro_f1", "po_jsd", "manhattan", "entropy_correlation"}
    assert soft <= standard("single", True).keys()
    assert soft <= standard("multi", True).keys()
    assert list(standard("single", False)) == list(metrics.PRIMARY)
    assert (soft & standard("multi", False).keys()) == {"nll"}


def test_a_text_without_an_answer_is_given_nothing_and_has_no_probability():
    logits = torch.tensor([[-torch.inf] * 3, [1.0, 2, 3]])
    rows = ScoredRows(LabelSetSplit(TOKENS, targets=TARGETS), logits, "multi", np.zeros(3))
    assert rows.given.tolist() == [[False] * 3, [True] * 3]
    one = ScoredRows(TokenisedSplit(TOKENS, np.array([0, 2]), classes=3), logits, "single")
    assert one.given.tolist() == [-1, 2]
    assert one.probabilities[0].tolist() == [0, 0, 0]


def test_shares_count_as_the_label_with_the_most_votes_or_with_more_than_half():
    shares = np.array([[0.4, 0.6, 0], [0.5, 0.5, 0]], np.float32)
    split = LabelSetSplit(TOKENS, targets=shares)
    assert ScoredRows(split, LOGITS, "single").true.tolist() == [1, 0]
    assert ScoredRows(split, LOGITS, "multi").true.tolist() == [[False, True, False], [False, False, False]]
    assert ScoredRows(split, LOGITS, "single").targets.tolist() == shares.astype(float).tolist()


@pytest.mark.parametrize("registered_name", list(registry.metrics))
def test_fecbenchs_own_metrics_conform(registered_name):
    class Kit(MetricConformance):
        name = registered_name

    Kit().test_it_scores_whatever_is_predicted()
    Kit().test_the_order_of_the_rows_does_not_matter()


class TestTopTwo(MetricConformance):
    name = "top_k:k=2"


def test_fecbenchs_own_facts_need_no_entry_points(monkeypatch):
    """An editable installation may be older than its code: a loss is no percentage then either."""
    monkeypatch.setattr(registry.metrics, "origins", lambda name=None: [])
    assert (metrics.facts_of("nll").is_fraction, metrics.facts_of("nll").higher_is_better) == (False, False)
    assert metrics.facts_of("mean_average_precision").display == "mAP"
