"""What the tests of exports share: runs and exports that are made once, and how what was written predicts."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.network import encoder_network
from fecbench.results.export.export import export
from fecbench.runs.experiment import Workplace, run
from fecbench.runs.plan import plan
from fecbench.runs.record import Record

LABELS = {"glad", "mad", "sad"}
NATIVE = {"head": "native", "pooling": "first"}


@pytest.fixture(scope="session")
def kept(tmp_path_factory) -> Path:
    """Where the runs and exports of these tests are, made once each."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def trained(kept, toy, source, tokenizer):
    """A complete run on the toy data: ``trained("roberta", "ce", head="native")``."""

    def make(family: str = "scratch", objective: str = "ce", **flags) -> Record:
        folder = kept / "-".join(["run", family, objective, *map(str, flags.values())])
        if not folder.exists():
            encoder = kept / family
            if family != "scratch" and not encoder.exists():
                network = encoder_network(source(family))
                for weights in network.parameters():
                    weights.data.mul_(
                        10 if weights.dim() > 1 else 1
                    )  # so that texts differ in more than the last digits
                network.save_pretrained(encoder)
                tokenizer.save_pretrained(encoder)
            asked = {
                "encoder": "scratch" if family == "scratch" else str(encoder),
                "epochs": 3,
                "batch_size": 16,
                "lr": 1e-3,
            }
            run(plan(objective, {"dataset": str(toy), **asked, **flags}), Workplace(DataLocations(), folder))
        return Record(folder)

    return make


@pytest.fixture
def exported(kept, trained):
    """An export of such a run: ``record, folder = exported("onnx", "roberta", "ce", head="native")``."""

    def make(kind: str, *names: str, **flags) -> tuple[Record, Path]:
        record = trained(*names, **flags)
        folder = kept / f"{kind}-{record.id}"
        if not folder.exists():
            export(record, folder, kind)
        return record, folder

    return make


def texts_of_the_test_split(toy: Path) -> list[str]:
    with (toy / "test.csv").open() as file:
        return [row["text"] for row in csv.DictReader(file)]


def by_onnxruntime(folder: Path, texts: list[str]) -> torch.Tensor:
    onnxruntime = pytest.importorskip("onnxruntime")
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(folder / "model.onnx")
    assert [given.shape for given in session.get_inputs()] == [["batch", "length"]] * 2
    encoded = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    inputs = {
        "input_ids": np.array([text.ids for text in encoded]),
        "attention_mask": np.array([text.attention_mask for text in encoded]),
    }
    return torch.from_numpy(session.run(["logits"], inputs)[0])
