"""Settings: every one has one value and one origin, and both are recorded.

A later layer wins: trainer's defaults < encoder's < objective's < its preset for the data set < data set's < spec < flag.

>>> chosen = resolve(Layer("default", {"lr": 2e-5, "epochs": 8}), Layer("encoder minilm", {"lr": 1e-4}))
>>> chosen["lr"]
Setting(value=0.0001, origin='encoder minilm')
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from fecbench.core.errors import UnknownName, UsageError
from fecbench.core.plugin_errors import plugin_errors

SHOWN = 100  # characters of a wrong value


class Config(BaseModel):
    """Base of every typed group of settings: frozen, nothing unknown, every field described (the description is its help text)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _taken_as_given(cls, value: Any, info: ValidationInfo) -> Any:
        """Left to itself pydantic takes true for 1, and text that no file can hold."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError(f"valid Unicode is needed, found {value!a}")
        if (
            isinstance(value, bool)
            and {int, float} & {annotation, *get_args(annotation)}
            and bool not in get_args(annotation)
        ):
            raise ValueError("a number is needed, not true or false")
        return value


class RunSettings(Config):
    """What any run can be told.

    The defaults are the paper's (section 4.1: roberta-base, AdamW 2e-5, decay 1e-3, batch 64); it doesn't say how many epochs and which
    patience.
    """

    dataset: str = Field(description="data set: a name that `fecbench data` lists, a path, or hf:owner/name")
    encoder: str = Field("roberta-base", description="encoder: a registered name, a hub id or a local folder")
    head: str = Field("native", description="classification head; native is the encoder family's own")
    pooling: Literal["first", "mean"] = Field(
        "first", description="encoder state of a text: its first token's, or the mean of all"
    )
    projection_dim: int = Field(
        128, ge=1, le=2**16, description="width of the features that the heads mlp and label project to"
    )
    epochs: int = Field(8, ge=1, description="most epochs to train")
    batch_size: int = Field(64, ge=1, description="texts in a batch, before second views")
    lr: float = Field(2e-5, gt=0, description="learning rate at its peak")
    weight_decay: float = Field(1e-3, ge=0, description="weight decay")
    no_decay_norm_bias: bool = Field(False, description="exempt biases and normalisation weights from weight decay")
    adam_eps: float = Field(1e-8, gt=0, description="epsilon in the denominator of Adam's update, for every player")
    warmup: float = Field(
        0.0, ge=0, lt=1, description="share of all steps over which the learning rate rises before its schedule begins"
    )
    optimizer: Literal["adamw", "adam"] = Field(
        "adamw", description="adam adds the weight decay to the gradient instead (L2)"
    )
    schedule: Literal["linear", "constant"] = Field(
        "linear", description="how the learning rate goes on after the warmup"
    )
    clip: float | None = Field(
        None, gt=0, description="clip the gradient norm of each player at this value, if one is given"
    )
    patience: int = Field(
        4,
        ge=1,
        description="epochs with a lower validation accuracy + weighted F1 than the best (equal counts as better) before training stops",
    )
    max_length: int = Field(200, ge=3, description="tokens of a text that are read; longer texts are cut and counted")
    packing: bool = Field(True, description="train without padding tokens, where the encoder allows it")
    order: Literal["random", "bucketed"] = Field(
        "random", description="how batches are drawn; bucketed puts texts of similar length together"
    )
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="bf16 is autocast over float32 weights; auto: bf16 on GPUs that have it"
    )
    compile: bool = Field(False, description="compile the encoder with torch.compile")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps ...")
    seed: int = Field(0, ge=0, lt=2**32, description="seed of everything random in the run")
    limit: int | None = Field(
        None, ge=1, description="train on the first N rows as they stand (recorded; such a run is no benchmark)"
    )
    split_seed: int = Field(
        0,
        ge=0,
        lt=2**32,
        description="seed by which missing splits of a data set of your own are cut from its training file",
    )
    text_column: str = Field("text", description="column of the texts, for a data set of your own")
    label_column: str = Field("label", description="column of the labels, for a data set of your own")
    quotes: Literal["csv", "plain"] = Field(
        "csv",
        description="quotes in CSV and TSV files of your own: a cell in quotes may hold delimiters and line breaks (csv), or a quote is a "
        "character like any other (plain)",
    )
    label_texts: Literal["described", "names"] = Field(
        "described",
        description="what methods read of a label: its name and, where there is one, its description; or its name alone",
    )

    @model_validator(mode="after")
    def _text_is_no_label(self) -> Self:
        if self.text_column == self.label_column:
            raise ValueError(
                f"--text-column and --label-column must name two columns, but both name {self.text_column!r}"
            )
        return self


DEFAULTS = {name: field.default for name, field in RunSettings.model_fields.items() if not field.is_required()}


def plain(annotation: Any) -> bool:
    """Whether a setting of this type can be given on a command line and recorded: text, numbers, yes or no, choices of them, or None.

    >>> plain(int | None), plain(Literal["a", 2]), plain(tuple[int, ...])
    (True, True, False)
    """
    if get_origin(annotation) is Literal:
        return all(isinstance(value, str | int | float) for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        parts = set(get_args(annotation)) - {NoneType}
        return all(plain(part) for part in parts) and (len(parts) == 1 or parts == {int, float})
    return annotation in (str, int, float, bool, NoneType)


@dataclass(frozen=True)
class Setting:
    """A resolved value and the layer it comes from."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Layer:
    """Values that one source of settings gives."""

    origin: str
    values: Mapping[str, Any]


def resolve(*layers: Layer) -> dict[str, Setting]:
    """The winning setting of every key; later layers win."""
    return {key: Setting(value, layer.origin) for layer in layers for key, value in layer.values.items()}


def values(settings: Mapping[str, Setting], config: type[BaseModel]) -> dict[str, Any]:
    """The values of those ``settings`` that are fields of ``config``."""
    return {key: setting.value for key, setting in settings.items() if key in config.model_fields}


def check_names(layer: Layer, known: Iterable[str]) -> Layer:
    """``layer`` itself, once every key of it is known.

    Raises:
        UnknownName: a key that no setting has.
    """
    known = set(known)
    for key in layer.values:
        if key not in known:
            raise UnknownName(f"setting ({layer.origin})", key, known)
    return layer


C = TypeVar("C", bound=Config)


def build(config: type[C], given: Mapping[str, Any], what: str) -> C:
    """A validated ``config``.

    Raises:
        UsageError: a value is missing or refused, naming the setting, the value and the reason.

    >>> build(RunSettings, {"dataset": "ge", "epochs": 0}, "run settings")
    Traceback (most recent call last):
    ...
    fecbench.core.errors.UsageError: run settings: --epochs 0: input should be greater than or equal to 1
    """
    with plugin_errors(what, config):
        try:
            return config(**given)
        except ValidationError as error:
            raise UsageError(f"{what}: {'; '.join(_explain(part) for part in error.errors())}") from None


def _explain(part: Any) -> str:
    reason = part["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    if not part["loc"]:  # a check of several settings together
        return str(reason)
    flag = "--" + "-".join(str(place) for place in part["loc"]).replace("_", "-")
    return f"{flag} is needed" if part["type"] == "missing" else f"{flag} {_shown(part['input'])}: {reason}"


def _shown(value: Any) -> str:
    """A value in an error message, which a terminal can show and a line can hold."""
    text = str(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
