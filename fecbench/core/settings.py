"""Run settings, and their resolution from layers. Each setting has one value and one origin; a run records both.

Later layers win: trainer's defaults < encoder's < objective's < objective's preset for the data set < data
set's < spec < flag.

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
from fecbench.core.value_errors import requirement

MAX_SHOWN = 100  # characters of a wrong value in an error message
FIXED_THRESHOLD = 0.5
SHRINK = 1.0  # validation rows (docs/measurements.md)


class Config(BaseModel):
    """Base class of all settings: frozen, without unknown fields.

    Every field must have a description; it becomes the help text of the option.
    """

    # No NaN and no infinity: a record is strict JSON, which has neither.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_lenient_values(cls, value: Any, info: ValidationInfo) -> Any:
        """Raise ValueError for values that pydantic accepts: true for 1, and surrogates, which no file can hold."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        types = {annotation, *get_args(annotation)}
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError(f"valid Unicode is needed, found {value!a}")
        if isinstance(value, bool) and types & {int, float} and bool not in types:
            raise ValueError("a number is needed, not true or false")
        return value


class RunSettings(Config):
    """The settings that every run has.

    The defaults are those of the AML paper (section 4.1: roberta-base, AdamW 2e-5, decay 1e-3, batch 64). The
    paper does not give epochs, patience, schedule and maximum length; their defaults are those of TACO's released
    trainer, which also decays every weight and clips no gradient.
    """

    dataset: str = Field(description="data set: a name listed by `fecbench data`, a path, or hf:owner/name")
    encoder: str = Field("roberta-base", description="encoder: a registered name, a hub id or a local folder")
    # Methods choose their own: aml and taco the label head (the AML paper, section 4.1).
    head: str = Field("native", description="classification head; native is the encoder family's own head")
    pooling: Literal["first", "mean"] = Field(
        "first", description="sentence representation: the state of the first token, or the mean over all tokens"
    )
    projection_dim: int = Field(
        128, ge=1, le=2**16, description="width of the projected features in the heads mlp and label"
    )
    epochs: int = Field(8, ge=1, description="maximum number of training epochs")
    batch_size: int = Field(64, ge=1, description="texts in a training batch, not counting second views")
    lr: float = Field(2e-5, gt=0, description="peak learning rate")
    weight_decay: float = Field(1e-3, ge=0, description="weight decay")
    no_decay_norm_bias: bool = Field(False, description="exempt biases and normalisation weights from weight decay")
    # PyTorch's default. The released code of AML, TACO and LCL has 1e-6, the default of transformers' AdamW.
    adam_eps: float = Field(1e-8, gt=0, description="epsilon in the denominator of Adam's update, for every player")
    warmup: float = Field(
        0.0, ge=0, lt=1, description="share of all training steps in which the learning rate rises linearly to its peak"
    )
    optimizer: Literal["adamw", "adam"] = Field(
        "adamw", description="adamw decouples the weight decay; adam adds it to the gradient (L2)"
    )
    schedule: Literal["linear", "constant"] = Field(
        "linear", description="learning rate after the warmup: linear falls to 0, constant stays at the peak"
    )
    clip: float | None = Field(None, gt=0, description="maximum gradient norm of each player; no clipping by default")
    patience: int = Field(
        4,
        ge=1,
        description="stop after this many epochs without improvement of validation accuracy + weighted F1, or with "
        "several labels a text of mean average precision + LRAP (a tie counts as an improvement)",
    )
    max_length: int = Field(200, ge=3, description="maximum tokens of a text; longer texts are truncated and counted")
    # Packed and in random order: batches by length would change which texts meet in a batch, and with that mining and
    # contrastive losses. Packing saves the padding without that.
    packing: bool = Field(True, description="train without padding tokens if the encoder supports it")
    order: Literal["random", "bucketed"] = Field(
        "random", description="order of the training texts; bucketed batches texts of similar length together"
    )
    # No float16, which needs a gradient scaler, and no bf16 weights, which lose most updates at a rate of 2e-5.
    precision: Literal["auto", "float32", "bf16"] = Field(
        "auto", description="bf16 is autocast over float32 weights; auto uses bf16 on GPUs that support it"
    )
    compile: bool = Field(False, description="compile the encoder with torch.compile")
    deterministic: bool = Field(
        False,
        description="let torch use deterministic algorithms only, so that runs on a GPU repeat their numbers (slower; "
        "CPUs repeat theirs anyway)",
    )
    device: str = Field("auto", description="device: auto, cpu, cuda, cuda:1, mps ...")
    seed: int = Field(0, ge=0, lt=2**32, description="random seed of the whole run")  # numpy's seeds have 32 bits
    limit: int | None = Field(
        None, ge=1, description="train on the first N rows only, for a quick try (recorded; not a benchmark result)"
    )
    # Not the run's seed: runs with several seeds share their rows.
    split_seed: int = Field(
        0,
        ge=0,
        lt=2**32,
        description="seed for cutting missing splits of your own data set from its training rows",
    )
    folds: int | None = Field(
        None,
        ge=2,
        le=100,
        description="number of folds of a cross-validation of your own data set, which must lack a test split; "
        "`fecbench run` carries out all folds unless --fold is given",
    )
    fold: int = Field(0, ge=0, description="number of the fold that is the test split, from 0")
    train_file: str | None = Field(
        None, min_length=1, description="file of the training rows in the folder of your own data set (also a glob)"
    )
    validation_file: str | None = Field(None, min_length=1, description="file of the validation rows")
    test_file: str | None = Field(None, min_length=1, description="file of the test rows")
    text_column: str | None = Field(
        None, min_length=1, description="text column of your own data set, by name or number; by default text"
    )
    label_column: str | None = Field(
        None, min_length=1, description="label column of your own data set, by name or number; by default label"
    )
    label_columns: str | None = Field(
        None,
        min_length=1,
        description="columns of your own data set with 0 and 1, or shares, for each label: anger,fear,joy",
    )
    label_separator: str | None = Field(
        None, description="mark between several labels in a cell, such as a comma; '' if a cell is always one label"
    )
    labelling: Literal["single", "multi"] | None = Field(
        None,
        description="labels of your own data set: multi if a text can have several, single if they exclude one another",
    )
    raters: int | None = Field(
        None, ge=1, description="raters of each text, if your own data set counts their votes for each label"
    )
    rater_column: str | None = Field(
        None,
        min_length=1,
        description="column of raters; the rows of an id (--id-column) become one text with shares of labels",
    )
    id_column: str | None = Field(None, min_length=1, description="column that names each text of your own data set")
    group_column: str | None = Field(
        None,
        min_length=1,
        description="column of groups, such as dialogues or authors; the rows of a group stay in one split",
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="delimiter of your own CSV files, such as ; or tab"
    )
    header: bool | None = Field(
        None, description="the first line of your own CSV and TSV files names the columns (default), or is a row"
    )
    quotes: Literal["csv", "plain"] | None = Field(
        None,
        description="quotes in your own CSV and TSV files: csv (the default) allows delimiters and line breaks in "
        "quoted cells; plain treats a quote as an ordinary character",
    )
    label_texts: Literal["described", "names"] = Field(
        "described",
        description="label texts that methods read: names with descriptions where available, or names alone",
    )
    thresholds: Literal["per-class", "global", "fixed"] = Field(
        "per-class",
        description="thresholds of the labels, if a text can have several: one a label or one for all, tuned on the "
        "validation rows, or --fixed-threshold",
    )
    # Not `threshold`, which is an option of aml.
    fixed_threshold: float = Field(
        FIXED_THRESHOLD, ge=0, le=1, description="threshold of every label, for --thresholds fixed"
    )
    shrink: float = Field(
        SHRINK,
        ge=0,
        description="for --thresholds per-class: weight of the global threshold in that of each label, in "
        "validation rows",
    )
    at_least_one: bool = Field(
        False,
        description="give a text its most probable label if no label reaches its threshold, if a text can have several",
    )

    @field_validator("text_column", "label_column", "group_column", "rater_column", "id_column", mode="before")
    @classmethod
    def _take_numbers(cls, value: Any) -> Any:
        return str(value) if type(value) is int else value  # not isinstance: a bool is no number of a column

    @field_validator("delimiter", mode="before")
    @classmethod
    def _take_names_of_tab(cls, value: Any) -> Any:
        return "\t" if value in ("tab", "\\t") else value  # a TAB is hard to give in a shell

    @model_validator(mode="after")
    def _use_threshold_settings(self) -> Self:
        # Only another value than the default is refused: a run's settings name every setting.
        uses = {"fixed_threshold": ("fixed", FIXED_THRESHOLD), "shrink": ("per-class", SHRINK)}
        for name, (rule, default) in uses.items():
            if self.thresholds != rule and getattr(self, name) != default:
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(
                    f"{flag} needs --thresholds {rule}, but they are {self.thresholds}; add --thresholds {rule} or "
                    f"leave {flag} out"
                )
        return self

    @model_validator(mode="after")
    def _check_fold_exists(self) -> Self:
        if self.fold and self.fold >= (self.folds or 0):
            there = f"0 to {self.folds - 1}" if self.folds else "none without --folds"
            remedy = "give a lower --fold" if self.folds else "give --folds, or leave --fold out"
            raise ValueError(f"--fold must name one of the folds ({there}), but is {self.fold}; {remedy}")
        return self


DEFAULTS = {name: field.default for name, field in RunSettings.model_fields.items() if not field.is_required()}


def plain(annotation: Any) -> bool:
    """Return True if options and records support this type: str, numbers, bool, choices of them, or optional ones.

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
    """A resolved value and the name of the layer that set it."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Layer:
    """The values that one source of settings sets."""

    origin: str
    values: Mapping[str, Any]


def resolve(*layers: Layer) -> dict[str, Setting]:
    """Return the setting of each key; later layers win."""
    return {key: Setting(value, layer.origin) for layer in layers for key, value in layer.values.items()}


def values(settings: Mapping[str, Setting], config: type[BaseModel]) -> dict[str, Any]:
    """Return the values of the ``settings`` that are fields of ``config``."""
    return {key: setting.value for key, setting in settings.items() if key in config.model_fields}


def check_names(layer: Layer, known: Iterable[str]) -> Layer:
    """Return ``layer`` unchanged, or raise UnknownName if a key is not among ``known``.

    Raises:
        UnknownName: a key is not the name of a setting.
    """
    known = set(known)
    for key in layer.values:
        if key not in known:
            raise UnknownName("setting", key, known, where=f"({layer.origin})")
    return layer


C = TypeVar("C", bound=Config)


def build(config: type[C], given: Mapping[str, Any], what: str) -> C:
    """Build and validate a ``config`` from the values ``given``; ``what`` names it in messages.

    Raises:
        UsageError: a value is missing or invalid; the message names setting, value and reason.
        PluginError: the config's own validation code fails.

    >>> build(RunSettings, {"dataset": "ge", "epochs": 0}, "run settings")
    Traceback (most recent call last):
    ...
    fecbench.core.errors.UsageError: run settings: --epochs 0: it must be at least 1
    """
    with plugin_errors(what, config):
        try:
            return config(**given)
        except ValidationError as error:
            raise UsageError(f"{what}: {'; '.join(map(_explain, error.errors()))}") from None


def _explain(fault: Any) -> str:
    """Return one of pydantic's error details as a clause about the flag."""
    reason = requirement(fault)
    if not fault["loc"]:  # a check of several settings together
        return reason
    flag = "--" + "-".join(str(name) for name in fault["loc"]).replace("_", "-")
    if fault["type"] == "missing":
        return f"{flag} is needed"
    return f"{flag} {_shown(fault['input'])}: {reason}"


def _shown(value: Any) -> str:
    """Return ``value`` as text that every terminal can print, cut to MAX_SHOWN characters."""
    text = str(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
