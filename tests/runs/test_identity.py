"""Sameness of runs: the digests and names that records and benches have keep their values."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from fecbench.runs.digests import run_digest, tensor_digest
from fecbench.runs.identity import RowsAndCode, run_key
from fecbench.runs.local_paths import name_of
from fecbench.runs.provenance import weights_digest
from fecbench.runs.record import Record
from tests.support import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PUBLISHED = [path.parent for path in sorted(RESULTS.glob("*/*/run.json"))][::4]
WEIGHTS = "17e3db47d83f985c5b6844a4c77309489d4ea6d92cf185c9eb4bc1bd2ef27e37"
TENSORS = "78b21a234792c9f4d5d924b78f3f95bc72a28e69df5ba65ac5d0249a65299b24"
BFLOAT16 = "5b4c56925d705b6d08b96f1c25602fe01eaf7aaacef2680b8dd4636af5751d35"


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_a_published_record_has_the_digest_of_its_run_and_the_name_of_its_key(folder):
    record = Record(folder)
    digest = run_digest(json.loads((folder / "run.json").read_text()))
    assert record.result_file.seal.get("run", digest) == digest  # older records have none
    settings = {key: setting.value for key, setting in record.run_file.settings.items()}
    run_file = record.run_file
    key = run_key(run_file.objective.name, settings, run_file.dataset.fingerprint, run_file.code)
    assert folder.name.endswith(key[:10])


def test_a_record_whose_digest_has_a_path_as_given_is_read(tmp_path):
    about = {
        "format": 1,
        "objective": {"name": "llm-prompt"},
        "dataset": {"name": "demo", "fingerprint": "f", "labels": ["glad", "sad"]},
        "settings": {
            key: {"value": value, "origin": "flag"}
            for key, value in {"dataset": "demo", "seed": 0, "model": "/home/me/llama"}.items()
        },
        "code": "c",
    }
    as_version_0_7_0 = "b90c1a956c47842769895c4e90a732867c802d08d168d140f2f3fc843ebd0ab5"
    (tmp_path / "run.json").write_text(json.dumps(about))
    (tmp_path / "result.json").write_text(json.dumps({"metrics": {}, "seal": {"run": as_version_0_7_0}}))
    assert Record(tmp_path).result_file.seal["run"] == as_version_0_7_0 != run_digest(about)


def test_label_texts_that_an_older_record_lacks_are_not_compared():
    def about(texts):
        described = {} if texts is None else {"label_texts": texts}
        return RowsAndCode.of({"dataset": {"fingerprint": "f", "labels": ["glad", "sad"], **described}, "code": "c"})

    now, edited, older = about(["glad", "sad: unhappy"]), about(["glad", "sad: low"]), about(None)
    assert now.difference(edited) == "the texts of its labels"
    assert now.difference(older) == older.difference(now) == now.difference(now) == ""


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("a", torch.tensor(3, dtype=torch.int64))
        self.register_buffer("short", torch.ones(3, dtype=torch.bfloat16))


def test_digests_of_tensors_are_those_of_older_records():
    assert weights_digest(Network()) == WEIGHTS
    tensors = {"b": torch.arange(6.0).reshape(2, 3).T, "a": torch.tensor([True, False]), "i": torch.arange(3)}
    assert tensor_digest(tensors) == TENSORS
    assert tensor_digest({name: np.asarray(tensor) for name, tensor in tensors.items()}) == TENSORS
    assert tensor_digest({"h": torch.ones(3, dtype=torch.bfloat16)}) == BFLOAT16


@pytest.mark.parametrize(
    ("setting", "value", "name"),
    [
        ("dataset", "demo", "demo"),
        ("dataset", "/home/me/toy", "toy"),
        ("dataset", "data/toy", "toy"),
        ("dataset", "~/toy", "toy"),
        ("dataset", ".", "."),
        ("dataset", "hf:owner/name", "hf:owner/name"),
        ("encoder", "owner/name", "owner/name"),
        ("encoder", "./models/tiny", "tiny"),
        ("encoder", "/models/tiny", "tiny"),
        ("answers", "owner/of/model", "owner/of/model"),
        ("answers", "../kept/answers.jsonl", "answers.jsonl"),
        ("answers", "~kept", "~kept"),
        ("lr", 0.1, 0.1),
        ("limit", None, None),
    ],
)
def test_the_name_of_a_local_path(setting, value, name):
    assert name_of(setting, value) == name
