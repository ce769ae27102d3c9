"""Fixtures of the tests of exports: runs and exports, made once a session."""

from pathlib import Path

import pytest

from fecbench.model.encoders.network import encoder_network
from fecbench.results.export.export import export
from fecbench.runs.record import Record
from tests.support.train import train


@pytest.fixture(scope="session")
def kept(tmp_path_factory) -> Path:
    """Return the folder of the runs and exports of these tests, each made once."""
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
                    # so that the logits of two texts differ in more than the last digits
                    weights.data.mul_(10 if weights.dim() > 1 else 1)
                network.save_pretrained(encoder)
                tokenizer.save_pretrained(encoder)
            source_of_weights = "scratch" if family == "scratch" else str(encoder)
            train(objective, toy, folder, encoder=source_of_weights, **{"epochs": 3, "lr": 1e-3, **flags})
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
