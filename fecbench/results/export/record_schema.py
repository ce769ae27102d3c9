"""What of a record goes into a model card: its files are checked for it before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from fecbench.runs import schema
from fecbench.runs.record import RESULT, RUN

if TYPE_CHECKING:
    from fecbench.runs.record import Record


class Data(schema.Texts):
    """The data set and where it came from."""

    title: str
    licence: str
    rows: schema.Rows


class Encoder(schema.Encoder):
    """The encoder, told in full."""

    name: str
    revision: str | None


class About(schema.Loadable):
    """``run.json``."""

    dataset: Data
    encoder: Encoder
    versions: dict[str, str]
    started: str
    precision: str
    device: str
    ranks: int
    notes: list[str]


class LabelScores(BaseModel):
    """Scores of a label, as fractions, and how many test rows are of it."""

    precision: float
    recall: float
    f1: float
    support: float


class Result(schema.Result):
    """``result.json``."""

    epochs: int
    best_epoch: int | None
    per_class: dict[str, LabelScores]


def check_about(record: Record) -> None:
    """Whether ``run.json`` tells what a card says. Raises RunError, which names the key, where it doesn't."""
    schema.check(record.about, About, record.folder / RUN)


def check_result(record: Record) -> None:
    """Whether ``result.json`` does. Raises RunError."""
    schema.check(record.result, Result, record.folder / RESULT)
