"""Classes that an objective and the trainer exchange: updates, players, tasks and stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fecbench.data.targets import NoSingleLabels, targets_of_labels
from fecbench.objective.labelling import decide, nll, probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from fecbench.data.batch import Batch
    from fecbench.data.datasets.dataset import Labelling
    from fecbench.data.datasets.training_targets import TrainingTargets
    from fecbench.model.family_heads import LanguageHead
    from fecbench.model.model import Model
    from fecbench.objective.labelling import Reduction


MODEL = "model"


@dataclass(frozen=True)
class Update:
    """One optimiser step: a loss and the player whose parameters it moves.

    Attributes:
        loss: a scalar tensor with gradient for ``player``. Updates must not share parts of their graphs.
        player: name of the player whose parameters the step moves; no other parameter moves. A tuple of names if one
            loss moves several players.
        logs: values for the history, by name: numbers or single-element tensors. Prefer detached tensors, which stay
            on the device until they are fetched together.
        step: False to compute gradients without a step. The objective finds them in ``parameter.grad``, averaged over
            ranks, and the next update, which must name the same players, adds its own. The last update of a batch
            must step.
    """

    loss: Tensor
    player: str | tuple[str, ...] = MODEL
    logs: Mapping[str, Tensor | float] = field(default_factory=dict)
    step: bool = True

    @property
    def players(self) -> tuple[str, ...]:
        """The names of all players that the update moves."""
        return self.player if isinstance(self.player, tuple) else (self.player,)


@dataclass(frozen=True)
class Player:
    """A set of parameters with an optimiser of its own. Parameters that no player claims belong to ``model``.

    Players must be disjoint unless both set ``shared``. Each of them then steps the common parameters with its own
    optimiser and its own moments, as in AML's released code (ADR 17).

    Attributes:
        parameters: parameters of the objective or of the model.
        lr: learning rate; None for the run's learning rate times ``lr_scale``.
        lr_scale: factor on the run's learning rate.
        weight_decay: weight decay; None for the run's.
        schedule: ``schedule(step, steps)`` returns the factor on the learning rate at batch ``step``, counted from 0
            over the whole run of ``steps`` batches; None for the run's schedule.
        shared: True to allow other players with ``shared=True`` to claim the same parameters. An update must not
            name two players with a common parameter.
    """

    parameters: Iterable[nn.Parameter]
    lr: float | None = None
    lr_scale: float = 1.0
    weight_decay: float | None = None
    schedule: Callable[[int, int], float] | None = None
    shared: bool = False


def _no_further_model(head: str) -> Model:
    raise NotImplementedError(
        "this task was built without new_model, so it can't build a further model; pass new_model to Task"
    )


def _no_language_head() -> LanguageHead:
    raise NotImplementedError(
        "this task was built without new_language_head, so it can't build a language head; pass it to Task"
    )


def _no_other_rows(dataset: str) -> TrainingTargets:
    raise NotImplementedError(
        "this stage was built without training_targets, so it can't read another data set; pass training_targets to "
        "Stage"
    )


@dataclass(frozen=True)
class Task:
    """The data set, labels, widths and builders that an objective is constructed with.

    Attributes:
        dataset: name of the data set.
        labels: label names, by index.
        label_texts: ``name: description`` of each label, or its name alone.
        hidden: width of the encoder's pooled states ``h``.
        features: width of the head's features ``z``.
        seed: the run's seed.
        new_model: ``new_model(head)`` builds a further model on the run's encoder, with its pretrained weights, for
            an objective with a second network. Call it in ``__init__`` and keep the model as a submodule.
        tokenizer: the encoder's tokenizer.
        new_language_head: ``new_language_head()`` builds the encoder family's masked-language head, with its
            pretrained weights if the checkpoint has them. Call it in ``__init__`` and keep it as a submodule.
        labelling: ``single`` if a text's labels exclude one another, ``multi`` if a text can have several.
        prior: ``[C]``, share of the training rows with each label, between 0 and 1, both excluded; None in prediction.
        background: labels that say that a text has none of the others, such as neutral.
        soft: True if texts have shares of labels.
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
    labelling: Labelling = "single"
    prior: Tensor | None = field(default=None, repr=False, compare=False)
    background: tuple[str, ...] = ()
    soft: bool = False

    @property
    def classes(self) -> int:
        """The number of labels."""
        return len(self.labels)

    def nll(self, logits: Tensor, batch: Batch, reduction: Reduction = "mean", smoothing: float = 0.0) -> Tensor:
        """Return the negative log-likelihood of a batch's labels in nats per text; ``[B]`` with ``"none"``.

        For one label a text it is ``cross_entropy(logits.float(), batch.labels)``, bit for bit; for several it is the
        sum of the labels' binary cross-entropies (:func:`fecbench.objective.labelling.nll`). ``smoothing`` is the
        share of label smoothing.
        """
        truth = batch.labels if self.labelling == "single" and not self.soft else batch.targets
        return nll(logits, truth, self.labelling, reduction, smoothing)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the probabilities ``[N, C]`` of the labels; all 0 for a row without an answer."""
        return probabilities(logits, self.labelling)

    def decide(self, probabilities: Tensor, thresholds: Tensor | float = 0.5) -> Tensor:
        """Return the label of each text ``[N]``, or with several labels those that reach their threshold ``[N, C]``."""
        return decide(probabilities, self.labelling, thresholds)


@dataclass(frozen=True)
class Stage:
    """The model and data for a stage before or after training. Test rows are never included.

    Attributes:
        model: the model, on ``device``.
        texts: the texts of the splits ``train`` and ``validation``.
        labels: the labels of the same splits, int64 ``[N]``, on the CPU; a :class:`LabelSetStage` has none.
        batches: ``batches(texts)`` yields batches of any texts, in order, to be used without gradient; their labels
            are all 0.
        device: the model's device.
        seed: the run's seed.
        classes: number of labels C of the data set.
        training_targets: ``training_targets(dataset)`` returns labels and targets of the training rows of another
            data set, such as one that tells which labels occur together.
    """

    model: Model
    texts: Mapping[str, Sequence[str]]
    labels: Mapping[str, Tensor]
    batches: Callable[[Sequence[str]], Iterator[Batch]]
    device: torch.device
    seed: int
    classes: int = 0
    training_targets: Callable[[str], TrainingTargets] = field(default=_no_other_rows, repr=False)

    @cached_property
    def targets(self) -> Mapping[str, Tensor]:
        """The targets of the same splits, float32 ``[N, C]`` between 0 and 1, on the CPU; made on first use."""
        return {split: targets_of_labels(labels, self.classes) for split, labels in self.labels.items()}


@dataclass(frozen=True)
class LabelSetStage(NoSingleLabels, Stage):
    """The model and data for a stage on texts with several labels or shares; ``labels`` raises a ProtocolError.

    Attributes:
        targets: the targets of the same splits, float32 ``[N, C]`` between 0 and 1, on the CPU.
    """

    labels: Mapping[str, Tensor] = field(init=False, repr=False, compare=False)
    targets: Mapping[str, Tensor] = field(kw_only=True)
