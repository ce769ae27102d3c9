"""Pydantic models of `run.json` and `result.json`, the two files that describe a run.

A field with a default may be missing: older records lack it. Unknown keys are ignored here; ``Record.about`` and
``Record.result`` keep them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator, model_validator

from fecbench.core.errors import RunError
from fecbench.core.text import lower_first

if TYPE_CHECKING:
    from pathlib import Path


class _Part(BaseModel):
    """An immutable part of a record's file."""

    model_config = ConfigDict(frozen=True)


class RecordedObjective(_Part):
    """The objective of a run. ``variant_of`` is None in older records."""

    name: str
    distribution: str | None = None
    version: str | None = None
    variant_of: str | None = None


class SplitRows(_Part):
    """Numbers of rows by split. The test rows may have no labels."""

    train: int
    validation: int
    test: int


class RecordedDataset(_Part):
    """The data set of a run.

    Attributes:
        name: its name.
        fingerprint: digest of its rows.
        labels: label names, in the run's own numbering.
        label_texts: descriptions of the labels.
        title: its long name.
        licence: its licence.
        homepage: address of its source.
        language: language of its texts.
        citation: paper to cite for it.
        metric: metric that its field reports.
        reading: how the rows were read: files, columns, label map; None for a built-in data set.
        rows: rows of each split that the run read.
        available: training rows before ``--limit``.
        cut: splits that were cut from the training rows.
        whole: digest of the rows before a cut into folds, and of the fold of each row; None without folds.
        labelling: ``multi`` if a text can have several labels.
        background: labels that say that a text has none of the others.
        soft: True if texts have shares of labels.
    """

    name: str
    fingerprint: str
    labels: list[str]
    label_texts: list[str] | None = None
    title: str | None = None
    licence: str | None = None
    homepage: str | None = None
    language: str | None = None
    citation: str | None = None
    metric: str | None = None
    reading: dict[str, Any] | None = None
    rows: SplitRows | None = None
    available: int | None = None
    cut: list[str] | None = None
    whole: str | None = None
    labelling: Literal["single", "multi"] = "single"
    background: list[str] = Field(default_factory=list)
    soft: bool = False

    @property
    def version(self) -> str:
        """The digest that comparable runs share: ``whole`` for folds, else the fingerprint."""
        return self.whole or self.fingerprint


class RecordedEncoder(_Part):
    """The encoder of a run.

    Attributes:
        name: its registered name, hub id or path.
        revision: the hub's commit; None for an encoder that isn't from the hub.
        weights: digest of its weights before training.
        pretrained: False if these were random.
        pooling: the pooling that was used.
    """

    name: str | None = None
    revision: str | None = None
    weights: str | None = None
    pretrained: bool | None = None
    pooling: Literal["first", "mean"] | None = None


class RecordedSetting(_Part):
    """A setting's value and origin."""

    value: str | int | float | bool | None
    origin: str


class RecordedTrial(_Part):
    """The trial of a benchmark's search that a run is: the digest of the search, and the number, from 0."""

    search: str
    number: int = Field(ge=0)


class RunFile(_Part):
    """``run.json``: settings, data, encoder, code and machine of a run."""

    objective: RecordedObjective
    dataset: RecordedDataset
    settings: dict[str, RecordedSetting]
    code: str
    started: str = ""
    sources: dict[str, str] | None = None
    device: str | None = None
    ranks: int | None = None
    encoder: RecordedEncoder | None = None
    precision: str | None = None
    max_length: int | None = None
    versions: dict[str, str] | None = None
    notes: list[str] = Field(default_factory=list)
    trial: RecordedTrial | None = None

    @field_validator("settings")
    @classmethod
    def _names_data_and_seed(cls, settings: dict[str, RecordedSetting]) -> dict[str, RecordedSetting]:
        missing = [name for name in ("dataset", "seed") if name not in settings]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be there")
        if type(settings["seed"].value) is not int:  # isinstance would take true for a number
            raise ValueError("the seed must be a whole number")
        folds, fold = (settings[name].value if name in settings else None for name in ("folds", "fold"))
        if folds is not None and (type(folds) is not int or type(fold) is not int or not 0 <= fold < folds):
            raise ValueError("the fold must be one of the folds")
        return settings


class SplitScores(_Part):
    """Scores by metric, as fractions, of the scored splits: mostly validation and test. Both must have labels."""

    validation: dict[str, FiniteFloat] | None = None
    test: dict[str, FiniteFloat] | None = None

    @field_validator("validation", "test")
    @classmethod
    def _are_fractions(cls, scores: dict[str, float] | None) -> dict[str, float] | None:
        from fecbench.training.metrics import PRIMARY  # imports numpy

        odd = [name for name in PRIMARY if scores and not 0 <= scores.get(name, 0) <= 1]
        if odd:
            raise ValueError(f"{' and '.join(odd)} must be between 0 and 1")
        return scores

    def of(self, split: str) -> dict[str, float]:
        """Return the scores of a split by metric; empty if the split wasn't scored."""
        return self.by_split().get(split, {})

    def by_split(self) -> dict[str, dict[str, float]]:
        """Return the scores of each scored split by metric."""
        splits = {"validation": self.validation, "test": self.test}
        return {split: scores for split, scores in splits.items() if scores is not None}


class LabelSupport(_Part):
    """Number of test rows of a label."""

    support: FiniteFloat


class MajorityScores(_Part):
    """The most frequent training class, and the scores of always predicting it by split and metric."""

    label: str
    scores: dict[str, dict[str, Annotated[FiniteFloat, Field(ge=0, le=1)]]]


class ResultFile(_Part):
    """``result.json``: the scores of a complete run.

    ``confusion_matrix`` and ``label_confusions`` are checked where they are drawn. If a text can have several labels,
    ``thresholds`` are there by label, and ``without_block`` has scores without blocks of test rows by metric. ``seal``
    has the digests of the record's other parts.
    """

    metrics: SplitScores
    epochs: int | None = None
    best_epoch: int | None = None
    validation_score: FiniteFloat | None = Field(None, ge=0, le=2)
    per_class: Mapping[str, LabelSupport] | None = None
    confusion_matrix: Any = None
    majority: MajorityScores | None = None
    thresholds: dict[str, FiniteFloat] | None = None
    without_block: dict[str, list[FiniteFloat]] | None = None
    label_confusions: Any = None
    unanswered: dict[str, FiniteFloat] | None = None
    train_seconds: FiniteFloat | None = None
    seconds: FiniteFloat | None = None
    seal: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_scores_of_its_classes(self) -> Self:
        # Only a test split without labels leaves a run without test scores, and then without those of each class.
        if self.metrics.test is None and (self.per_class is not None or self.confusion_matrix is not None):
            raise ValueError("metrics.test: field required")
        return self


class DescribedDataset(RecordedDataset):
    """The data set of a run, with descriptions of its labels."""

    label_texts: list[str]


class ModelRunFile(RunFile):
    """``run.json`` of a run whose model can be built again."""

    dataset: DescribedDataset
    max_length: int


File = TypeVar("File", bound=BaseModel)


def validated(content: Mapping[str, Any], shape: type[File], path: Path) -> File:
    """Return the ``content`` of the file ``path`` as a ``shape``.

    Raises:
        RunError: a key is missing or has a value of another type; the message names the first such key.
    """
    try:
        return shape.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, why = ".".join(map(str, first["loc"])), lower_first(first["msg"].removeprefix("Value error, "))
        where = f"{place}: " if place else ""  # a check of several keys together has no place
        raise RunError(
            f"{path} must be as fecbench writes it, but {where}{why}; restore it or delete the run"
        ) from None
