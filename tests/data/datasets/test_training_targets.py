"""The labels of another data set's training rows, without its texts and its other splits."""

import pytest
import torch

from fecbench.core.errors import DataNotFound, UsageError
from fecbench.data.datasets.builtin.demo import LABELS, demo_multi
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of
from fecbench.data.datasets.training_targets import training_targets
from tests.support.toy_data import write_toy


def test_the_targets_are_those_of_the_training_rows():
    labels, targets = training_targets("demo-multi")
    data = demo_multi.load(DataLocations())
    assert labels == LABELS
    assert targets.dtype == torch.float32
    assert targets.numpy().tolist() == targets_of(data.splits["train"], 12).tolist() == data.targets("train").tolist()


def test_single_labels_are_one_hot(tmp_path):
    labels, targets = training_targets(str(write_toy(tmp_path / "toy")))
    assert targets.shape == (30, len(labels))
    assert targets.sum(1).tolist() == [1.0] * 30


def test_all_rows_of_a_single_file_are_training_rows(tmp_path):
    file = write_toy(tmp_path / "toy") / "train.csv"
    assert len(training_targets(str(file)).targets) == 30


@pytest.mark.parametrize(("name", "error"), [("nonsense", UsageError), ("./nowhere", DataNotFound)])
def test_an_unknown_data_set_is_refused(name, error):
    with pytest.raises(error):
        training_targets(name)
