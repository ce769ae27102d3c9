"""The configuration file of an exported model: the encoder's architecture, its labels, and how these are decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fecbench.model.encoders.pretrained import read_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import PretrainedConfig

    from fecbench.runs.predictor import Predictor
    from fecbench.runs.record import Record


ProblemType = Literal["single_label_classification", "multi_label_classification"]
# transformers' pipeline applies a softmax or a sigmoid by them
PROBLEM_TYPES: Mapping[str, ProblemType] = {
    "single": "single_label_classification",
    "multi": "multi_label_classification",
}


def labelled_config(record: Record, predictor: Predictor) -> PretrainedConfig:
    """Return the configuration of the run's encoder with label names, problem type and perhaps thresholds by label."""
    config = read_config(record.encoder)
    config.id2label = dict(enumerate(predictor.labels))
    config.label2id = {label: index for index, label in enumerate(predictor.labels)}
    config.problem_type = PROBLEM_TYPES[record.run_file.dataset.labelling]
    if predictor.decision:
        config.thresholds = dict(zip(predictor.labels, predictor.decision.thresholds, strict=True))
    return config
