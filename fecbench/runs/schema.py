"""What the files of a run record hold at least: a reader that finds less says so, whoever wrote or edited them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, ValidationError, field_validator

from fecbench.core.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Named(BaseModel):
    """What has a name."""

    name: str


class Method(Named):
    """The objective of a run; older records don't say what it is a variant of."""

    variant_of: str | None = None


class Rows(BaseModel):
    """Rows of each split."""

    train: int
    validation: int
    test: int


class Data(Named):
    """The data set of a run; of what has a default here older records may lack it. ``available``: training rows before a limit."""

    fingerprint: str
    labels: list[str]
    title: str | None = None
    licence: str | None = None
    rows: Rows | None = None
    available: int | None = None


class Encoder(BaseModel):
    """The encoder of a run.

    ``revision`` is a commit of the hub, ``weights`` a digest, ``pooling`` the one that was used. Older records say neither that nor whether
    the encoder is pretrained.
    """

    name: str | None = None
    revision: str | None = None
    weights: str | None = None
    pretrained: bool | None = None
    pooling: Literal["first", "mean"] | None = None


class Recorded(BaseModel):
    """A setting's value and origin."""

    value: str | int | float | bool | None
    origin: str


class About(BaseModel):
    """``run.json``."""

    objective: Method
    dataset: Data
    settings: dict[str, Recorded]
    code: str
    sources: dict[str, str] | None = None
    device: str | None = None
    ranks: int | None = None
    encoder: Encoder | None = None
    precision: str | None = None
    versions: dict[str, str] | None = None
    notes: list[str] = Field(default_factory=list)

    @field_validator("settings")
    @classmethod
    def _names_data_and_seed(cls, settings: dict[str, Recorded]) -> dict[str, Recorded]:
        missing = [name for name in ("dataset", "seed") if name not in settings]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be there")
        if type(settings["seed"].value) is not int:
            raise ValueError("the seed must be a whole number")
        return settings


class Scores(BaseModel):
    """Metrics, as fractions, of the splits that are scored: the test rows, and mostly the validation rows."""

    validation: dict[str, FiniteFloat] | None = None
    test: dict[str, FiniteFloat]

    @field_validator("validation", "test")
    @classmethod
    def _shares(cls, scores: dict[str, float] | None) -> dict[str, float] | None:
        from fecbench.training.metrics import PRIMARY  # imports numpy

        odd = [name for name in PRIMARY if scores and not 0 <= scores.get(name, 0) <= 1]
        if odd:
            raise ValueError(f"{' and '.join(odd)} must be between 0 and 1")
        return scores


class Result(BaseModel):
    """``result.json``."""

    metrics: Scores
    epochs: int | None = None
    best_epoch: int | None = None
    validation_score: FiniteFloat | None = Field(None, ge=0, le=2)
    seal: dict[str, str] = Field(default_factory=dict)


class Texts(Data):
    """The data set of a run whose model can be built again."""

    label_texts: list[str]


class Loadable(About):
    """``run.json`` of a run whose model can be built again."""

    dataset: Texts
    max_length: int


def check(content: Mapping[str, Any], shape: type[BaseModel], path: Path) -> None:
    """Whether ``content``, which stands in the file ``path``, has all that ``shape`` asks for.

    Raises:
        RunError: it hasn't; the message names the first thing that is missing or of another kind.
    """
    try:
        shape.model_validate(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where, why = ".".join(map(str, first["loc"])), _lower(first["msg"].removeprefix("Value error, "))
        raise RunError(
            f"{path} must be as fecbench writes it, but {where}: {why}; restore it or delete the run"
        ) from None


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
