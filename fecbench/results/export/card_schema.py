"""Stricter models of `run.json` and `result.json`: the fields that a model card needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from fecbench.runs import schema
from fecbench.runs.record import RESULT, RUN

if TYPE_CHECKING:
    from fecbench.runs.record import Record


class CardDataset(schema.DescribedDataset):
    """The data set, with title, licence and numbers of rows."""

    title: str
    licence: str
    rows: schema.SplitRows


class CardEncoder(schema.RecordedEncoder):
    """The encoder, with its name and revision."""

    name: str
    revision: str | None


class CardRunFile(schema.ModelRunFile):
    """``run.json`` of a run that a card can describe."""

    dataset: CardDataset
    encoder: CardEncoder
    versions: dict[str, str]
    started: str
    precision: str
    device: str
    ranks: int
    notes: list[str]


class LabelScores(schema.LabelSupport):
    """Scores of a label, as fractions, and its number of test rows."""

    precision: float
    recall: float
    f1: float


class CardResultFile(schema.ResultFile):
    """``result.json`` of a run that a card can describe."""

    epochs: int
    best_epoch: int | None
    per_class: Mapping[str, LabelScores] | None = None

    @model_validator(mode="after")
    def _has_scores_of_each_class(self) -> Self:
        if self.metrics.test is not None and self.per_class is None:
            raise ValueError("per_class: field required")
        return self


def card_run_file(record: Record) -> CardRunFile:
    """Return ``run.json`` with all fields of a card. Raises RunError, which names the key, if one is missing."""
    return schema.validated(record.about, CardRunFile, record.folder / RUN)


def card_result_file(record: Record) -> CardResultFile:
    """Return ``result.json`` with all fields of a card. Raises RunError, which names the key, if one is missing."""
    return schema.validated(record.result, CardResultFile, record.folder / RESULT)
