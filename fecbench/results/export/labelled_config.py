"""The configuration file of an exported model: the encoder's architecture and the names of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.model.encoders.pretrained import read_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PretrainedConfig

    from fecbench.runs.record import Record


def labelled_config(record: Record, labels: Sequence[str]) -> PretrainedConfig:
    """Return the configuration of the run's encoder with the names of its labels."""
    config = read_config(record.encoder)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.problem_type = "single_label_classification"  # transformers' pipeline then applies a softmax
    return config
