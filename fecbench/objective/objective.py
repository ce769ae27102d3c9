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

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from fecbench.core.settings import Config
from fecbench.data.batch import BatchNeeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.data.batch import Batch
    from fecbench.data.forms import Form
    from fecbench.data.streams import Material, Stream
    from fecbench.model.model import Model
    from fecbench.objective.protocol import Player, Stage, Task, Update


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
