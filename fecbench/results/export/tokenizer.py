"""What stands beside the weights in every format: the tokenizer, cutting and padding as the run did, and the labels' names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.model.encoders.pretrained import read_config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transformers import PretrainedConfig

    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


TOKENIZER = "tokenizer.json"


def labelled_config(record: Record, labels: Sequence[str]) -> PretrainedConfig:
    """The architecture of the run's encoder, with the names of its labels."""
    config = read_config(record.encoder)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.problem_type = "single_label_classification"
    return config


def write_tokenizer(predictor: Predictor, inputs: Sequence[str], folder: Path) -> None:
    """Write the run's tokenizer, which gives a network its ``inputs``.

    The library tokenizers reads ``tokenizer.json`` alone, so cutting and padding stand there too; transformers sets both anew on each call.
    """
    tokenizer = predictor.tokenizer
    rules = tokenizer.backend_tokenizer
    pad_id = tokenizer.pad_token_id or 0  # as in the model, for tokenizers without a padding token
    rules.enable_truncation(predictor.max_length, direction=tokenizer.truncation_side)
    rules.enable_padding(pad_id=pad_id, pad_token=rules.id_to_token(pad_id))
    settings = {"padding_side": "right", "model_input_names": list(inputs), "model_max_length": predictor.max_length}
    for name, value in settings.items():
        setattr(tokenizer, name, value)
    tokenizer.init_kwargs |= settings  # only what stands there is written
    tokenizer.save_pretrained(folder)
