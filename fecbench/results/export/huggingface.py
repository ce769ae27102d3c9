"""The format ``hf``: a Hugging Face folder.

Encoder and native head are combined into the encoder family's ``AutoModelForSequenceClassification``.
"""

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
from fecbench.results.export.labelled_config import labelled_config
from fecbench.results.export.tokenizer import write_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


def write(record: Record, predictor: Predictor, folder: Path) -> None:
    """Write model, tokenizer and labels.

    Raises:
        UsageError: the head is not the encoder family's own, or the objective overrides ``predict``.
    """
    head, settings = predictor.model.head, record.settings()
    if not isinstance(head, NativeHead):
        raise UsageError(
            f"--format hf needs a run with --head native, but {record.id} has --head {settings['head']}; "
            "use --format onnx"
        )
    if type(predictor.objective).predict is not Objective.predict:
        name = record.run_file.objective.name
        raise UsageError(
            f"--format hf holds an encoder and its head, but {name} overrides Objective.predict; use --format onnx"
        )
    config = labelled_config(record, predictor)
    whole = classifier_network(EncoderSource(record.id, predictor.tokenizer, config, None), predictor.labels)
    encoder = {
        f"{whole.base_model_prefix}.{name}": tensor
        for name, tensor in predictor.model.encoder.network.state_dict().items()
    }
    # The head's network includes the encoder's pooler, under the family's name for it.
    whole.load_state_dict({**encoder, **head.network.state_dict()})
    with quiet():
        whole.save_pretrained(folder)
    for weights in folder.glob("*.safetensors"):
        copymode(folder / "config.json", weights)  # safetensors creates files that only their owner can read
    accepted = signature(whole.forward).parameters
    write_tokenizer(predictor, [name for name in predictor.tokenizer.model_input_names if name in accepted], folder)


@torch.no_grad()
def logits(folder: Path, texts: Sequence[str]) -> Tensor:
    """Return the logits ``[N, C]`` of ``texts``, computed with transformers only."""
    from transformers import AutoModelForSequenceClassification

    with quiet():
        network = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        ).eval()
    tokens = read_tokenizer(folder)(list(texts), truncation=True, padding=True, return_tensors="pt")
    return cast("Tensor", network(**tokens).logits)
