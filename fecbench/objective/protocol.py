"""Values that an objective and the trainer exchange: updates, players, tasks and stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

    from fecbench.data.batch import Batch
    from fecbench.model.family_heads import LanguageHead
    from fecbench.model.model import Model


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
    raise NotImplementedError(
        "this task was made by hand, without a way to build a language head; give it a new_language_head"
    )


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
