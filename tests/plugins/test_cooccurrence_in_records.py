"""Records of contrastive methods keep the labels that occur together."""

import pytest
import torch

from fecbench import Predictor, cooccurrence_kernel
from fecbench.core.files import read_tensors
from fecbench.data.datasets.rows import targets_of
from fecbench.runs.predictor import data_of
from tests.support.train import train


@pytest.mark.slow
@pytest.mark.parametrize("name", ["supcon", "taco"])
def test_a_record_keeps_the_labels_that_occur_together_in_training_rows(name, tmp_path):
    record = train(name, "demo-multi", tmp_path / "run", overlap="cooccurrence", epochs=1, limit=100)
    targets = torch.from_numpy(targets_of(data_of(record).splits["train"].select(range(100)), 12))
    kept = read_tensors(record.folder / "best.safetensors")[0]
    assert kept["objective.pairs.kernel"].equal(cooccurrence_kernel(targets, 0.5))
    if name == "taco":
        assert kept["objective.cooccurrence"].equal(cooccurrence_kernel(targets, 1.0))
    assert Predictor.load(record).probabilities(["I wept and laughed."]).shape == (1, 12)
