"""``hf``: encoder and native head put together again as the family's ``AutoModelForSequenceClassification``."""

from __future__ import annotations

from inspect import signature
from shutil import copymode
from typing import TYPE_CHECKING, cast

import torch

from fecbench.core.errors import UsageError
from fecbench.model.encoders.network import classifier_network, quiet
from fecbench.model.encoders.pretrained import read_tokenizer
from fecbench.model.encoders.source import EncoderSource
from fecbench.model.family_heads import NativeHead
from fecbench.objective.objective import Objective
from fecbench.results.export.tokenizer import labelled_config, write_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


def write(record: Record, predictor: Predictor, folder: Path) -> None:
    """Write model, tokenizer and labels.

    Raises:
        UsageError: the head isn't the family's own, or the objective predicts by more than encoder and head.
    """
    head, settings = predictor.model.head, record.settings()
    if not isinstance(head, NativeHead):
        raise UsageError(
            f"--format hf needs a run with --head native, but {record.id} has --head {settings['head']}; use --format onnx"
        )
    if type(predictor.objective).predict is not Objective.predict:
        name = record.run_file.objective.name
        raise UsageError(
            f"--format hf holds an encoder and its head, but {name} predicts in a way of its own (its predict); use --format onnx"
        )
    config = labelled_config(record, predictor.labels)
    whole = classifier_network(EncoderSource(record.id, predictor.tokenizer, config, None), predictor.labels)
    encoder = {
        f"{whole.base_model_prefix}.{name}": tensor
        for name, tensor in predictor.model.encoder.network.state_dict().items()
    }
    whole.load_state_dict(
        {**encoder, **head.network.state_dict()}
    )  # the head holds the encoder's pooler, under the family's name for it
    with quiet():
        whole.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        copymode(folder / "config.json", weights)  # safetensors makes files that only their owner can read
    accepted = signature(whole.forward).parameters
    write_tokenizer(predictor, [name for name in predictor.tokenizer.model_input_names if name in accepted], folder)


@torch.no_grad()
def logits(folder: Path, texts: Sequence[str]) -> Tensor:
    """Logits ``[N, C]`` of ``texts``, by transformers alone."""
    from transformers import AutoModelForSequenceClassification

    with quiet():
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        ).eval()
    return cast(
        "Tensor",
        network(**read_tokenizer(folder)(list(texts), truncation=True, padding=True, return_tensors="pt")).logits,
    )
