"""Plan a run: resolve, type and check every setting before data or encoder are loaded."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fecbench.core import registry
from fecbench.core.errors import DataError, LabellingError, PluginError, UsageError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.core.settings import Layer, RunSettings, Setting, build, check_names, resolve, values
from fecbench.core.text import shortened
from fecbench.data.batch import BatchNeeds
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo
from fecbench.data.datasets.description.flags import check_flags
from fecbench.data.forms import Form
from fecbench.model import heads
from fecbench.objective.check import get_objective
from fecbench.runs import defaults
from fecbench.training import devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.core.settings import Config
    from fecbench.data.datasets.dataset import EmotionData, Labelling
    from fecbench.objective.objective import Objective


SPEC = "spec"  # origin of settings from a benchmark's file
FLAG = "flag"  # origin of settings from the command line
THRESHOLD_SETTINGS = ("thresholds", "fixed_threshold", "shrink", "at_least_one")


@dataclass(frozen=True)
class Plan:
    """An objective with its resolved settings.

    Attributes:
        name: the objective's name.
        objective: its class.
        settings: run settings.
        options: the objective's own options.
        origins: every setting with its value and origin.
    """

    name: str
    objective: type[Objective]
    settings: RunSettings
    options: Config
    origins: Mapping[str, Setting]

    @property
    def needs(self) -> BatchNeeds:
        """The requirements of the objective, under its options, on training batches."""
        with plugin_errors(self.who, self.objective):
            needs = self.objective.batch_needs(self.options)
        if not isinstance(needs, BatchNeeds):
            raise PluginError(
                f"{self.who} must have needs that are a fecbench.BatchNeeds, but they are {needs!r}; "
                "fix or uninstall the plugin"
            )
        return needs

    @property
    def forms(self) -> Mapping[str, Form]:
        """The objective's text encodings under its options, by name.

        Raises:
            PluginError: one isn't a ``fecbench.Form``.
        """
        with plugin_errors(self.who, self.objective):
            forms = self.objective.forms(self.options)
            odd = [name for name, form in forms.items() if not isinstance(form, Form)]
        if odd:
            raise PluginError(
                f"{self.who}: forms must be objects of subclasses of fecbench.Form, but {odd[0]!r} is "
                f"{forms[odd[0]]!r}; fix or uninstall the plugin"
            )
        return forms

    @property
    def scored(self) -> tuple[str, ...]:
        """The splits that are scored after training.

        Raises:
            PluginError: the test split isn't among them, or one isn't a split.
        """
        with plugin_errors(self.who, self.objective):
            scored = tuple(self.objective.scored(self.options))
            fits = {"test"} <= set(scored) <= set(SPLITS)
        if not fits:
            raise PluginError(
                f"{self.who}: scored must name splits, test among them, but names {scored!r}; "
                "fix or uninstall the plugin"
            )
        return scored

    @property
    def gives_scores(self) -> bool:
        """False if the objective's logits tell the given labels alone under its options."""
        with plugin_errors(self.who, self.objective):
            return bool(self.objective.gives_scores(self.options))

    def has_validation_score(self, labelling: Labelling) -> bool:
        """Return True if runs have the score by which trials are chosen, on data of this ``labelling``.

        Training gives it after each epoch. Without training it needs scores of the validation rows, and where a text
        can have several labels also probabilities.
        """
        if self.objective.trains:
            return True
        return "validation" in self.scored and (labelling == "single" or self.gives_scores)

    def check_consent(self) -> None:
        """Ask the objective to refuse options from a spec that need the user's consent.

        Raises:
            FecbenchError: the user hasn't agreed to one.
        """
        given = {key for key in type(self.options).model_fields if self.origins[key].origin == SPEC}
        with plugin_errors(self.who, self.objective):
            self.objective.check_consent(self.options, given)

    def check_labelling(self, info: DatasetInfo) -> None:
        """Check that the objective is for data with as many labels a text as the data set gives.

        Raises:
            LabellingError: it isn't; the message names objectives that are.
        """
        refusal = labelling_refusal(self.objective, info)
        if refusal:
            raise LabellingError(
                f"{self.who} {refusal}; use another data set, or one of {', '.join(_objectives_for(info))}"
            )

    def check_label_texts(self, data: EmotionData) -> None:
        """Check that labels are words if the objective or its head reads them.

        Raises:
            DataError: they are numbers, and ``--label-texts names`` wasn't given.
        """
        with plugin_errors(self.who, self.objective):
            reader = self.who if self.objective.reads_labels(self.options) else ""
        if not reader and heads.get_head(self.settings.head).reads_labels:
            reader = f"the head {self.settings.head}"
        asked = self.settings.label_texts == "names" and self.origins["label_texts"].origin != "default"
        if reader and data.numeric_labels and not asked:
            raise DataError(
                f"{reader} reads the labels, so they must be words, but {data.name} has the numbers "
                f"{shortened(data.numeric_labels)}; name them in labels.txt in the data set's folder, one a line from "
                "number 0, or give --label-texts names to have the numbers read"
            )

    def check_threshold_flags(self, info: DatasetInfo) -> None:
        """Check that no flag asks for thresholds where a text has one label, which needs none.

        Raises:
            UsageError: a flag does.
        """
        asked = [key for key in THRESHOLD_SETTINGS if key in self.origins and self.origins[key].origin == FLAG]
        if asked and info.labelling == "single":
            flag = f"--{asked[0].replace('_', '-')}"
            raise UsageError(f"{flag} is for data with several labels a text, and {info.name} gives one; leave it out")

    @property
    def who(self) -> str:
        """The objective and its distribution, for error messages."""
        return f"objective {self.name} ({registry.objectives.origin(self.name).distribution})"


def labelling_refusal(kind: type[Objective], info: DatasetInfo) -> str:
    """Return the reason why an objective doesn't take a data set's labels, a predicate of it; "" if it takes them."""
    reason = f": {kind.labelling_reason}" if kind.labelling_reason else ""
    if info.labelling not in kind.labellings:
        takes, gives = ("one label", "several") if info.labelling == "multi" else ("several labels", "one")
        return f"is for data with {takes} a text, and {info.name} gives {gives}{reason}"
    if info.soft and not kind.soft:
        return f"is for whole labels, and {info.name} gives shares of labels{reason}"
    return ""


def _objectives_for(info: DatasetInfo) -> list[str]:
    """Return the names of the installed objectives that are for data of this kind."""
    names = []
    for name in registry.objectives:
        with suppress(PluginError):
            if not labelling_refusal(get_objective(name), info):
                names.append(name)
    return names


def plan(name: str, flags: Mapping[str, Any], spec: Mapping[str, Any] | None = None) -> Plan:
    """Return the plan of objective ``name`` under ``flags`` (of the command line) and ``spec`` (of a benchmark).

    Raises:
        UsageError: a setting is unknown, missing or refused, head and pooling don't fit, or no compiler is installed.
        LabellingError: the objective is for data with more or fewer labels a text.
        PluginError: the plugin of objective, data set or encoder is broken.
    """
    kind = get_objective(name)
    known = {*RunSettings.model_fields, *kind.Config.model_fields}
    asked = [check_names(Layer(origin, given), known) for origin, given in ((SPEC, spec or {}), (FLAG, flags))]
    dataset = resolve(*asked).get("dataset")
    if dataset is None:
        raise UsageError(
            "a data set is needed: --dataset NAME (`fecbench data` lists them) | path/to/folder | hf:owner/name"
        )
    # Checked first: the layers of method and data set are looked up by this name.
    build(RunSettings, {"dataset": dataset.value}, "run settings")
    for layer in asked:
        check_flags(str(dataset.value), layer.values)
    trainer = defaults.trainer_layer(kind)
    above = [
        defaults.method_layer(name, kind),
        defaults.preset_layer(name, kind, dataset.value),
        defaults.dataset_layer(dataset.value),
        *asked,
    ]
    # The encoder's own layer lies below those that choose the encoder, so the encoder is resolved first, without it.
    encoder = build(
        RunSettings, {"dataset": dataset.value, "encoder": resolve(trainer, *above)["encoder"].value}, "run settings"
    ).encoder
    settings = resolve(trainer, defaults.encoder_layer(encoder), *above)
    chosen = build(RunSettings, values(settings, RunSettings), "run settings")
    heads.check_pooling(heads.get_head(chosen.head), chosen.head, chosen.pooling)
    if chosen.compile:
        devices.check_compiler()
    own_options = build(kind.Config, values(settings, kind.Config), f"options of {name}")
    typed = {**chosen.model_dump(), **own_options.model_dump()}  # "32" in a spec is 32
    made = Plan(
        name, kind, chosen, own_options, {key: Setting(typed[key], setting.origin) for key, setting in settings.items()}
    )
    info = defaults.dataset_info(dataset.value)
    if isinstance(info, DatasetInfo):  # another object is refused where it is loaded
        made.check_labelling(info)
        made.check_threshold_flags(info)
    return made
