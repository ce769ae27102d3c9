"""Metrics with options: ``micro_f1`` equals scikit-learn's, and a wrong name is answered with the nearest."""

import catalogue
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from sklearn.metrics import f1_score

from fecbench import Config, Metric
from fecbench.core import registry
from fecbench.core.errors import PluginError, UnknownName, UsageError
from fecbench.testing import MetricConformance
from fecbench.training import metrics
from fecbench.training.metric import split_name

LABELS = ("anger", "joy", "neutral", "joy, mixed")
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=40)


def value(name: str, true, predicted, labels=LABELS) -> float:
    return metrics.get_metric(name, labels)(np.array(true), np.array(predicted), len(labels))


@given(ROWS, st.sets(st.integers(0, 2), max_size=3))
def test_micro_f1_is_scikit_learns(pairs, left_out):
    true, predicted = (np.array(part) for part in zip(*pairs, strict=True))
    counted = [label for label in range(4) if label not in left_out]
    expected = f1_score(true, predicted, labels=counted, average="micro", zero_division=0)
    name = f"micro_f1:without={','.join(LABELS[label] for label in left_out)}"
    assert value(name, true, predicted) == pytest.approx(expected, abs=1e-12)


def test_micro_f1_by_hand():
    # without neutral: TP rows 0 and 2; FN row 1 (as neutral); FP row 3 (true neutral) and row 5; FN row 5
    true, predicted = [0, 0, 1, 2, 2, 1], [0, 2, 1, 0, 2, 0]
    assert value("micro_f1:without=neutral", true, predicted) == pytest.approx(2 * 2 / (2 * 2 + 2 + 2))
    assert value("micro_f1:without=neutral", true, [-1] * 6) == 0.0
    assert value("micro_f1:without=neutral", [2, 2], [2, 2]) == 0.0


@given(ROWS.filter(lambda pairs: all(predicted >= 0 for _, predicted in pairs)))
def test_without_options_it_is_the_accuracy(pairs):
    true, predicted = (np.array(part) for part in zip(*pairs, strict=True))
    assert value("micro_f1", true, predicted) == pytest.approx(metrics.accuracy(true, predicted, 4))


def test_several_labels_are_left_out_and_a_name_may_hold_a_comma():
    true, predicted = [0, 1, 2, 3], [0, 1, 2, 0]
    assert value("micro_f1:without=neutral, joy", true, predicted) == pytest.approx(2 / 4)  # rows 0 and 3
    assert value("micro_f1:without=joy, mixed", true, predicted) == pytest.approx(6 / 7)  # the label of that name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("micro_f1:without=neutrl", "no label in micro_f1:without=neutrl is called 'neutrl'; did you mean 'neutral'?"),
        ("micro_f1:without=joy,sad", "is called 'sad'"),
        ("micro_f1:witout=joy", "no option of the metric micro_f1 is called 'witout'; did you mean 'without'?"),
        ("mikro_f1:without=joy", "no metric is called 'mikro_f1'; did you mean 'micro_f1'?"),
        ("accuracy:without=joy", "no option of the metric accuracy is called 'without'. Known: none"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, says):
    with pytest.raises(UnknownName) as caught:
        metrics.get_metric(name, LABELS)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["micro_f1:", "micro_f1:neutral", "micro_f1:=joy", "micro_f1:without=a;without=b"])
def test_options_must_be_written_as_option_and_value(name):
    with pytest.raises(UsageError, match="must be written as METRIC:OPTION=VALUE, each once"):
        metrics.check_metric_name(name)


def test_a_label_must_be_left():
    with pytest.raises(UsageError, match="needs a label that counts"):
        metrics.get_metric("micro_f1:without=a,b", ("a", "b"))


def test_names_and_options():
    assert split_name("accuracy") == ("accuracy", {})
    assert split_name("m: a = DESC:manner ; b=2=3") == ("m", {"a": "DESC:manner", "b": "2=3"})


class BetaConfig(Config):
    beta: float = Field(1.0, gt=0, description="weight of recall")


class FBeta(Metric):
    """A metric of third parties with a typed option and the data set's labels."""

    Config = BetaConfig

    def __call__(self, true, predicted, classes):
        assert classes == len(self.labels)
        return self.config.beta / 10


class FirstLabel(Metric):
    """A metric of third parties without options: computed for every run."""

    def __call__(self, true, predicted, classes):
        return float(len(self.labels[0])) / 10


class Choosy(FirstLabel):
    """A metric that fits no data set."""

    def __init__(self, config, labels):
        raise UsageError("a label called x is needed")


class Wrong(Metric):
    Config = dict


@pytest.fixture
def register():
    """Register metrics for this test alone."""
    names = []

    def add(**plugins) -> None:
        for name, plugin in plugins.items():
            registry.metrics.register(name, plugin)
            names.append(name)

    yield add
    for name in names:
        catalogue._remove(("fecbench", "metrics", name))
        del registry.metrics._here[name]


def test_a_third_partys_metric_has_typed_options(register):
    register(fbeta=FBeta)
    assert value("fbeta:beta=2", [0], [0]) == pytest.approx(0.2)
    assert value("fbeta", [0], [0]) == pytest.approx(0.1)
    with pytest.raises(UsageError, match=r"the metric fbeta:beta=0: --beta 0: it must be greater than 0"):
        metrics.check_metric_name("fbeta:beta=0")


def test_metrics_with_options_are_computed_where_they_are_named_and_others_always(register):
    register(fbeta=FBeta, first=FirstLabel, choosy=Choosy, wrong=Wrong)
    found, reasons = metrics.all_metrics(LABELS)
    assert {"fbeta", "micro_f1", "choosy", "wrong"}.isdisjoint(found)
    assert found["first"](np.array([0]), np.array([0]), 4) == 0.5
    assert any("a label called x is needed" in reason for reason in reasons)
    assert any("must have a Config that is a subclass of fecbench.Config" in reason for reason in reasons)
    assert metrics.named_metrics(["fbeta:beta=2"], LABELS).keys() == {"fbeta:beta=2"}


def test_a_config_of_another_kind_is_the_plugins_fault(register):
    register(wrong=Wrong)
    with pytest.raises(PluginError, match="the metric 'wrong'"):
        metrics.get_metric("wrong", LABELS)


class TestMicroF1(MetricConformance):
    name = "micro_f1"


class TestMicroF1WithoutALabel(MetricConformance):
    name = "micro_f1:without=joy"
