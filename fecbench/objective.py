"""The protocol that a training objective implements: a generator of updates.

On each batch an objective yields updates; the trainer steps them one after another and resumes the generator after each step, so that an
alternating method reads like its algorithm:

>>> from torch.nn.functional import cross_entropy
>>> class Plain(Objective):
...     def updates(self, batch, model):
...         logits = model.classify(model.project(model.encode(batch)))
...         yield Update(cross_entropy(logits, batch.labels))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from fecbench import registry
from fecbench.batching import BatchNeeds
from fecbench.errors import PluginError
from fecbench.guard import words
from fecbench.settings import Config, RunSettings, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from transformers import PreTrainedTokenizerBase

    from fecbench.batching import Batch
    from fecbench.forms import Form
    from fecbench.language import LanguageHead
    from fecbench.model import Model
    from fecbench.streams import Material, Stream

MODEL = "model"


@dataclass(frozen=True)
class Update:
    """One optimiser step to take.

    Attributes:
        loss: a scalar with gradient for ``player``; each update's loss owns its graph.
        player: whose parameters the step moves, and nobody else's; several names where one loss moves several players.
        logs: numbers for the history, detached tensors preferably: they stay on the device until they are fetched together.
        step: False to keep the gradients instead: the objective finds them in ``parameter.grad``, averaged over ranks, and the next
            update, of the same players, adds its own to them. The last update of a batch steps.
    """

    loss: Tensor
    player: str | tuple[str, ...] = MODEL
    logs: Mapping[str, Tensor | float] = field(default_factory=dict)
    step: bool = True

    @property
    def players(self) -> tuple[str, ...]:
        """The names of all players that it moves."""
        return self.player if isinstance(self.player, tuple) else (self.player,)


@dataclass(frozen=True)
class Player:
    """A set of parameters with an optimiser of its own. What no player claims belongs to ``model``.

    Players are disjoint, unless they say that they share: then each steps the common parameters with an optimiser, and moments, of its own.

    Attributes:
        parameters: the parameters that the player claims, of the objective or of the model.
        lr: its learning rate; None for the run's, times ``lr_scale``.
        lr_scale: share of the run's learning rate.
        weight_decay: its weight decay; None for the run's.
        schedule: ``schedule(step, steps)`` is the share of its learning rate at batch ``step``, from 0, of all ``steps`` of the run; None
            for the run's schedule.
        shared: whether other players that say so too may claim the same parameters. An update names one of them.
    """

    parameters: Iterable[nn.Parameter]
    lr: float | None = None
    lr_scale: float = 1.0
    weight_decay: float | None = None
    schedule: Callable[[int, int], float] | None = None
    shared: bool = False


def _no_further_model(head: str) -> Model:
    raise NotImplementedError("this task was made by hand, without a way to build a further model; give it a new_model")


def _no_language_head() -> LanguageHead:
    raise NotImplementedError("this task was made by hand, without a way to build a language head; give it a new_language_head")


@dataclass(frozen=True)
class Task:
    """What an objective is built for.

    Attributes:
        dataset: name of the data set.
        labels: label names, by index.
        label_texts: ``name: description`` of each label, or its name.
        hidden: width of the encoder's pooled states ``h``.
        features: width of the head's features ``z``.
        seed: the run's seed.
        new_model: ``new_model(head)`` is a further model on the run's encoder, its pretrained weights included, for an objective with a
            second network. Call it in ``__init__`` and keep the model as a submodule.
        tokenizer: the encoder's tokenizer.
        new_language_head: ``new_language_head()`` is the encoder family's head for masked tokens, with its pretrained weights where the
            checkpoint has them. Call it in ``__init__`` and keep it as a submodule.
    """

    dataset: str
    labels: tuple[str, ...]
    label_texts: tuple[str, ...]
    hidden: int
    features: int
    seed: int
    new_model: Callable[[str], Model] = field(default=_no_further_model, repr=False)
    tokenizer: PreTrainedTokenizerBase | None = field(default=None, repr=False)
    new_language_head: Callable[[], LanguageHead] = field(default=_no_language_head, repr=False)

    @property
    def classes(self) -> int:
        """The number of labels."""
        return len(self.labels)


@dataclass(frozen=True)
class Stage:
    """What the stages before and after training can use: the model and the training and validation rows, never the test rows.

    Attributes:
        model: the model, on its device.
        texts: the texts of ``train`` and ``validation``.
        labels: their labels, int64 ``[N]``, on the CPU.
        batches: ``batches(texts)`` are batches of any texts, in order, for use without gradient; their labels are all 0.
        device: where the model is.
        seed: the run's seed.
    """

    model: Model
    texts: Mapping[str, Sequence[str]]
    labels: Mapping[str, Tensor]
    batches: Callable[[Sequence[str]], Iterator[Batch]]
    device: torch.device
    seed: int


class Objective(nn.Module):
    """Base of all objectives; an entry point of the group ``fecbench_objectives`` is a subclass.

    Its state is its parameters and buffers: they are saved with the model, nothing else is.

    Attributes:
        Config: its options: a subclass of :class:`fecbench.Config` whose fields become options of ``fecbench run NAME``, keys of specs and
            fields of the record.
        needs: what it needs of a batch; where that depends on options, override :meth:`batch_needs`.
        trains: False for a method that only predicts: then ``updates`` is never called.
        variant_of: the method that it is a variant of, by name: benchmarks of all methods (``objectives = "*"``) leave variants out.
        settings: run settings or own options that it prefers over the trainer's and the encoder's, such as its head.
        presets: the same by data set name.
        rehearsal: settings under which it is checked and smoke-tested, where its own need what not every machine has (a server, a key).
        citation: the source, one line.
        panels: names of logged numbers that ``fecbench plot dynamics`` draws together, by panel title.
    """

    Config: ClassVar[type[Config]] = Config
    needs: ClassVar[BatchNeeds] = BatchNeeds()
    trains: ClassVar[bool] = True
    variant_of: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, object]] = {}
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    rehearsal: ClassVar[Mapping[str, object]] = {}
    citation: ClassVar[str] = ""
    panels: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self, config: Any, task: Task):
        super().__init__()
        self.config = config
        self.task = task

    @classmethod
    def batch_needs(cls, config: Any) -> BatchNeeds:  # noqa: ARG003
        """What it needs of a batch under these options."""
        return cls.needs

    @classmethod
    def forms(cls, config: Any) -> Mapping[str, Form]:  # noqa: ARG003
        """How texts are put to the encoder under these options, in training and prediction; plainly, where it is empty.

        The form ``text`` is how ``batch.tokens`` come; every other name is a view of each text, ``batch.view(name)``.
        """
        return {}

    @classmethod
    def scored(cls, config: Any) -> tuple[str, ...]:  # noqa: ARG003
        """The splits that are scored after training; ``test`` must be one of them."""
        return ("validation", "test")

    @classmethod
    def reads_labels(cls, config: Any) -> bool:  # noqa: ARG003
        """Whether it makes use of the labels' names or texts under these options, beside what its head reads.

        Where it does, labels that are bare numbers are refused, unless the user says ``--label-texts names``.
        """
        return False

    def notes(self) -> Sequence[str]:
        """What must be said of a run with it before it trains, such as an option that the labels made it choose; it is recorded."""
        return ()

    @classmethod
    def unmet(cls) -> str:
        """What it requires of this machine that isn't met (a package, a key, a server), and how to get it; empty where nothing is missing.

        Benchmarks of all methods leave it out then, and say why.
        """
        return ""

    @classmethod
    def check_consent(cls, config: Any, from_file: Set[str]) -> None:
        """Refuse options that a file alone may not decide, such as who reads texts or which secret is sent. By default none is refused.

        Args:
            config: the options.
            from_file: names of the options that a spec gives. The user gave the others, by a flag or the environment, or they are defaults.

        Raises:
            FecbenchError: it says what the user must do to agree.
        """

    def players(self) -> Mapping[str, Player]:
        """Players besides ``model``, by name."""
        return {}

    def streams(self, material: Material) -> Mapping[str, Stream]:
        """Further streams of training batches, by name: ``batch.stream(name)`` is the one beside ``batch``.

        ``batch.of_stream(name, rate)`` are those beside it where it isn't one each.
        """
        return {}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """The updates to make on ``batch``.

        Every update sees the steps before it; features computed before a step on their own player are stale and must be computed again.
        Never yield inside a ``with`` that changes the grad or autocast mode.
        """
        raise NotImplementedError

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Logits ``[B, C]``; called without gradient and in eval mode, with 0 for all of the batch's labels and row numbers.

        A row of -inf is no answer: it counts as wrong, and for no class.
        """
        return model.classify(model.project(model.encode(batch)))

    def before_predicting(self, texts: Sequence[str]) -> None:
        """Called with all the texts that are predicted next, where the needs ask for raw texts."""

    def before_training(self, stage: Stage) -> None:
        """A stage before the first batch, such as fitting label vectors. What it finds must be kept in parameters or buffers."""

    def after_training(self, stage: Stage) -> None:
        """A stage after the best epoch's weights are restored, such as a correction tuned on validation rows; as precise as ``predict``."""

    def report(self) -> Mapping[str, object]:
        """What its record must say besides, once all is predicted: which model a server answered with, when. Plain JSON, and no texts."""
        return {}


def named(name: str) -> type[Objective]:
    """The objective class registered as ``name``, checked.

    Raises:
        UnknownName: there is none.
        PluginError: the plugin is broken, no objective, or an option of it clashes with a flag of ``fecbench run``.
    """
    plugin = registry.objectives.get(name)
    try:
        return check(plugin)
    except PluginError as error:
        raise PluginError(f"the objective {name!r} ({registry.objectives.origin(name)}) {error}") from None


RUN_FLAGS = frozenset(
    {
        "data_dir",
        "run_dir",
        "resume",
        "tracker",
        "json",
        "settings",
        "expected",
        "dry_run",
        "stop_with_stdin",
        "help",
        *RunSettings.model_fields,
    }
)


def check(plugin: object) -> type[Objective]:
    """``plugin`` itself, once it is a usable objective class.

    Raises:
        PluginError: it isn't, and why.
    """
    if not (isinstance(plugin, type) and issubclass(plugin, Objective)):
        raise PluginError(f"must be a subclass of fecbench.Objective, but is {plugin!r}")
    if not (isinstance(plugin.Config, type) and issubclass(plugin.Config, Config)):
        raise PluginError(f"must have a Config that is a subclass of fecbench.Config, but it is {plugin.Config!r}")
    if plugin.trains and plugin.updates is Objective.updates:
        raise PluginError("must define updates(batch, model), or say trains = False")
    clashes = sorted(RUN_FLAGS & set(plugin.Config.model_fields))
    if clashes:
        raise PluginError(f"has the option {', '.join(clashes)}, which `fecbench run` has itself; rename it")
    required = [name for name, option in plugin.Config.model_fields.items() if option.is_required()]
    if required:
        raise PluginError(f"has options without a default: {', '.join(required)}; give each one")
    odd = [name for name, option in plugin.Config.model_fields.items() if not plain(option.annotation)]
    if odd:
        raise PluginError(f"has options that a command line can't give: {', '.join(odd)}; use str, int, float, bool or Literal")
    if not isinstance(plugin.panels, Mapping) or not all(isinstance(names, tuple | list) for names in plugin.panels.values()):
        raise PluginError(f"must have panels that are tuples of names by title, but they are {plugin.panels!r}")
    _check_preferences(plugin)
    _check_defaults(plugin)
    return plugin


def _check_defaults(plugin: type[Objective]) -> None:
    """The options can be built from their defaults, and needs follow from them."""
    try:
        needs = plugin.batch_needs(plugin.Config())
    except (Exception, SystemExit) as error:  # a plugin's validator or batch_needs can raise anything
        raise PluginError(f"can't be configured with its own defaults: {words(error)}; correct Config") from error
    if not isinstance(needs, BatchNeeds):
        raise PluginError(f"must have needs that are a fecbench.BatchNeeds, but they are {needs!r}")


def _check_preferences(plugin: type[Objective]) -> None:
    """Settings and presets are dicts of known names."""
    if not isinstance(plugin.presets, Mapping) or not all(isinstance(name, str) for name in plugin.presets):
        raise PluginError(f"must have presets that are a dict by data set name, but they are {plugin.presets!r}")
    known = {*RunSettings.model_fields, *plugin.Config.model_fields}
    for values in (plugin.settings, plugin.rehearsal, *plugin.presets.values()):
        if not isinstance(values, Mapping):
            raise PluginError(f"must have settings and presets that are dicts, but one is {values!r}")
        unknown = sorted(set(values) - known)
        if unknown:
            raise PluginError(f"prefers settings that nobody has: {', '.join(unknown)}; correct settings or presets")
