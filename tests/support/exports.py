"""Expected labels, texts and ONNX predictions of exported models."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

NATIVE = {"head": "native", "pooling": "first"}


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
