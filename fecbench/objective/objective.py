"""The base class of training objectives: an objective is a generator of updates.

On each batch an objective yields updates. The trainer makes each step and then resumes the generator, so an
alternating method reads like its algorithm:

>>> class Plain(Objective):
...     labellings = ("single", "multi")
...     def updates(self, batch, model):
...         logits = model.classify(model.project(model.encode(batch)))
...         yield Update(self.task.nll(logits, batch))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from fecbench.core.settings import Config
from fecbench.data.batch import BatchNeeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.data.batch import Batch
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.data.forms import Form
    from fecbench.data.streams import Material, Stream
    from fecbench.model.model import Model
    from fecbench.objective.protocol import Player, Stage, Task, Update


class Objective(nn.Module):
    """Base class of all objectives; an entry point of the group ``fecbench_objectives`` is a subclass.

    A subclass defines :meth:`updates`, or sets ``trains = False`` and defines :meth:`predict`; everything else is
    optional. Its state is its parameters and buffers: they are saved with the model, nothing else is.

    Attributes:
        Config: the objective's options: a subclass of :class:`fecbench.Config` whose fields become options of
            ``fecbench run NAME``, keys of benchmark specs and fields of the run record.
        needs: requirements on training batches. If they depend on options, override :meth:`batch_needs`.
        trains: False for a method that only predicts; ``updates`` is then never called.
        variant_of: name of the method that this one is a variant of, or ``""``. Benchmarks of all methods
            (``objectives = "*"``) leave variants out, and boards don't use them as the baseline.
        settings: preferred values of run settings (such as ``head``) or own options. They override the defaults of
            the trainer and the encoder.
        presets: further preferred values by data set name, ``{"ge": {"lr": 3e-5}}``. They override ``settings``.
        rehearsal: settings for smoke tests (``fecbench check``, ``fecbench bench --smoke``), for an objective whose
            real settings need a server, a key or a large model.
        citation: the source of the method, in one line.
        display: the method's name in tables of papers, such as R-Drop; "" for its registered name. A subclass doesn't
            inherit it.
        panels: names of logged values that ``fecbench plot dynamics`` draws together, by panel title.
        gaps: pairs of logged values by the title of their difference, second minus first, such as the losses of two
            players. ``fecbench plot dynamics`` draws both values and the difference in a panel each.
        symbols: symbols of options in the method's paper, such as ``{"weight": "λ", "steps": "T_D"}`` (an index
            after ``_``), for the axes of ``fecbench plot sensitivity``.
        host_waits: number of times that the host waits for a GPU in each training step, by the reason. While it waits,
            the GPU runs out of work, so ``fecbench check NAME --device cuda`` refuses waits that are not declared.
        labellings: the data that the method is for: ``single`` if texts have one label each, ``multi`` if they have
            several. A run on other data is refused. With ``multi``, read ``batch.targets`` in place of
            ``batch.labels``, and use ``task.nll``.
        labelling_reason: the reason for ``labellings`` in one clause, such as ``it weighs a text by the distance to its
            label``; the refusal of other data gives it.
        soft: True if the method takes shares of labels, such as the votes of raters.
    """

    Config: ClassVar[type[Config]] = Config
    needs: ClassVar[BatchNeeds] = BatchNeeds()
    trains: ClassVar[bool] = True
    variant_of: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, object]] = {}
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    rehearsal: ClassVar[Mapping[str, object]] = {}
    citation: ClassVar[str] = ""
    display: ClassVar[str] = ""
    panels: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    gaps: ClassVar[Mapping[str, tuple[str, str]]] = {}
    symbols: ClassVar[Mapping[str, str]] = {}
    host_waits: ClassVar[Mapping[str, int]] = {}
    labellings: ClassVar[tuple[Labelling, ...]] = ("single",)
    labelling_reason: ClassVar[str] = ""
    soft: ClassVar[bool] = False

    def __init__(self, config: Any, task: Task):
        super().__init__()
        self.config = config
        self.task = task

    @classmethod
    def batch_needs(cls, config: Any) -> BatchNeeds:  # noqa: ARG003
        """Return the requirements on training batches under the options ``config``."""
        return cls.needs

    @classmethod
    def forms(cls, config: Any) -> Mapping[str, Form]:  # noqa: ARG003
        """Return custom text encodings by name, used in training and prediction; ``{}`` for plain tokenisation.

        The form named ``text`` replaces the plain tokenisation of ``batch.tokens``. Every other form is a further
        view of each text, ``batch.view(name)``.
        """
        return {}

    @classmethod
    def scored(cls, config: Any) -> tuple[str, ...]:  # noqa: ARG003
        """Return the splits to score after training; ``test`` must be one of them.

        A split without labels is left out.
        """
        return ("validation", "test")

    @classmethod
    def gives_scores(cls, config: Any) -> bool:  # noqa: ARG003
        """Return False if the logits tell the given labels alone, as the answers of a language model do.

        Metrics that need probabilities, those of rankings among them, are then left out of a run's results.
        """
        return True

    @classmethod
    def reads_labels(cls, config: Any) -> bool:  # noqa: ARG003
        """Return True if the objective itself uses the labels' names or texts under these options.

        Labels that are bare numbers are then refused, unless the user gives ``--label-texts names``. A head declares
        the same with ``Head.reads_labels``.
        """
        return False

    def notes(self) -> Sequence[str]:
        """Return notes to show before training and to record, such as an option that was derived from the labels."""
        return ()

    @classmethod
    def unmet(cls) -> str:
        """Return a message that names a missing requirement (package, key, server) and how to get it, else ``""``.

        Benchmarks of all methods leave the objective out if a requirement is missing, and show this message.
        """
        return ""

    @classmethod
    def check_consent(cls, config: Any, from_file: Set[str]) -> None:
        """Refuse options that a file alone must not set, such as the server that receives the texts or the key to send.

        It is called before a run loads anything and before a benchmark starts. By default all options are accepted.

        Args:
            config: the options.
            from_file: names of the options set by a benchmark spec. The others are defaults, or were set by the user
                with a flag or an environment variable.

        Raises:
            FecbenchError: an option needs the user's consent; the message says how to give it.
        """

    def players(self) -> Mapping[str, Player]:
        """Return the players besides ``model``, by name: sets of parameters with an optimiser of their own."""
        return {}

    def streams(self, material: Material) -> Mapping[str, Stream]:
        """Return further streams of training batches, by name.

        ``batch.stream(name)`` is the stream's batch that accompanies ``batch``. ``batch.of_stream(name, rate)`` are
        the batches that accompany it at another rate than one each.
        """
        return {}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield the updates to make on ``batch``.

        The generator is resumed after the step, so every update sees the steps before it. Features computed before a
        step on the parameters that they depend on are stale: compute them again. Never yield inside a ``with`` that
        changes the grad or autocast mode.
        """
        raise NotImplementedError

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Return the logits ``[B, C]`` of a batch.

        It is called without gradient and in eval mode. The batch's labels and row numbers are all 0. A row of -inf
        means "no answer": it counts as wrong and as a prediction of no class.
        """
        return model.classify(model.project(model.encode(batch)))

    def before_predicting(self, texts: Sequence[str]) -> None:
        """Prepare for predicting ``texts``, all that are predicted next; called only if ``needs.texts`` is True."""

    def before_training(self, stage: Stage) -> None:
        """Run a stage before the first batch, such as fitting label vectors; keep results in parameters or buffers."""

    def after_training(self, stage: Stage) -> None:
        """Run a stage after training, on the best epoch's weights, such as a correction tuned on validation rows.

        It runs in the same precision as :meth:`predict`.
        """

    def report(self) -> Mapping[str, object]:
        """Return extra fields for the run record once everything is predicted, such as the model that a server ran.

        The values must be plain JSON and contain no texts.
        """
        return {}
