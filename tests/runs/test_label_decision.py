"""A run gives labels by its thresholds, which it has by the names of its labels."""

import pytest
import torch

from fecbench.core.errors import RunError
from fecbench.core.files import write_json
from fecbench.runs.label_decision import LabelDecision
from fecbench.runs.record import Record


@pytest.fixture
def recorded(tmp_path):
    """Write the record of a run that never was, with labels a and b: ``recorded("multi", {"a": 0.2, "b": 0.4})``."""

    def write(labelling: str, thresholds: dict[str, float] | None, **settings) -> Record:
        values = {"dataset": "mine", "seed": 0, **settings}
        about = {
            "format": 2 if labelling == "multi" else 1,
            "objective": {"name": "ce"},
            "dataset": {"name": "mine", "fingerprint": "f", "labels": ["a", "b"], "labelling": labelling},
            "settings": {key: {"value": value, "origin": "flag"} for key, value in values.items()},
            "code": "c",
        }
        write_json(tmp_path / "run.json", about)
        result = {"metrics": {"test": {}}} | ({} if thresholds is None else {"thresholds": thresholds})
        write_json(tmp_path / "result.json", result)
        return Record(tmp_path)

    return write


def test_one_label_a_text_needs_no_rule(recorded):
    assert LabelDecision.of(recorded("single", None)) is None


def test_thresholds_are_in_the_order_of_the_labels(recorded):
    decision = LabelDecision.of(recorded("multi", {"b": 0.4, "a": 0.2}))
    assert decision == LabelDecision((0.2, 0.4), at_least_one=False)
    shares = torch.tensor([[0.2, 0.4], [0.19, 0.39], [0.9, 0.1]], dtype=torch.float64)
    assert decision.given(shares).tolist() == [[True, True], [False, False], [True, False]]


def test_a_text_is_given_its_most_probable_label_if_the_run_says_so(recorded):
    decision = LabelDecision.of(recorded("multi", {"a": 0.5, "b": 0.5}, at_least_one=True))
    shares = torch.tensor([[0.1, 0.2], [0.6, 0.1], [0.0, 0.0]])
    assert decision.given(shares).tolist() == [[False, True], [True, False], [False, False]]


def test_a_threshold_between_1_and_its_float32_neighbour_is_kept():
    decision = LabelDecision((1 - 1e-9,))
    shares = torch.tensor([[18.0], [24.0]]).double().sigmoid()
    assert decision.given(shares).tolist() == [[False], [True]]


@pytest.mark.parametrize(("thresholds", "missing"), [(None, "a, b"), ({"a": 0.5}, "b")])
def test_a_label_without_threshold_is_named(recorded, thresholds, missing):
    with pytest.raises(RunError, match=rf"must have a threshold for every label, but has none for {missing}; restore"):
        LabelDecision.of(recorded("multi", thresholds))
