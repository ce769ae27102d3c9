"""Streams: additional batches in each training step, such as pairs of texts and definitions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol

import torch

from fecbench.data.batch import stream_seed
from fecbench.data.batches import TokenisedSplit, TrainingBatches
from fecbench.data.targets import NoSingleLabels, targets_of_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from transformers import PreTrainedTokenizerBase

    from fecbench.data.batch import Batch
    from fecbench.data.tokenize import TokenColumn


class Stream(Protocol):
    """A function from the number of a pass to the rows of that pass. A pass goes through all rows once."""

    def __call__(self, number: int, /) -> TokenisedSplit:
        """Return the rows of pass ``number``, from 0; passes have equally many rows, but the rows may differ.

        The rows must be a function of the number and the run's seed alone, since a resumed run asks for them
        again.
        """


@dataclass(frozen=True)
class Material:
    """The training rows and the tokenizer from which an objective builds its streams.

    Attributes:
        texts: the training texts.
        labels: int64 ``[N]``, their labels; a :class:`LabelSetMaterial` has none.
        tokens: their token ids, as the encoder reads them.
        tokenizer: the encoder's tokenizer.
        max_length: maximum number of tokens of a text, or of a pair of texts.
        seed: the run's seed.
        classes: number of labels C of the data set.
    """

    texts: Sequence[str]
    labels: np.ndarray
    tokens: TokenColumn
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    seed: int
    classes: int = 0

    @cached_property
    def targets(self) -> np.ndarray:
        """The target of each label, float32 ``[N, C]`` between 0 and 1; made from ``labels`` on first use."""
        return targets_of_labels(torch.from_numpy(self.labels), self.classes).numpy()


@dataclass(frozen=True)
class LabelSetMaterial(NoSingleLabels, Material):
    """Training rows with several labels, or with shares of labels; ``labels`` raises a ProtocolError.

    Attributes:
        targets: float32 ``[N, C]`` between 0 and 1.
    """

    labels: np.ndarray = field(init=False, repr=False, compare=False)
    targets: np.ndarray = field(kw_only=True)


@dataclass
class StreamBatches:
    """The batches of a stream, numbered over the whole run; their order is a function of seed, name and pass."""

    name: str
    stream: Stream
    main: TrainingBatches
    _passes: dict[int, tuple[TrainingBatches, list[np.ndarray]]] = field(default_factory=dict)

    def beside(self, number: int, key: tuple[int, ...], rate: float) -> Iterator[Batch]:
        """Yield the batches that accompany the run's main batch ``number`` with the key ``key``.

        ``rate`` is the mean number of stream batches per main batch. The numbers are a function of ``number``
        and ``rate``, so that a resumed run needs no counter.
        """
        # The ranges of successive batches join without gap or overlap, also where the rate is no whole number.
        for index, stream_number in enumerate(range(int(number * rate), int((number + 1) * rate))):
            yield self(stream_number, (*key, index) if index else key)

    def __call__(self, number: int, key: tuple[int, ...]) -> Batch:
        """Return batch ``number``, from 0; its random choices are a function of ``key``."""
        pass_number, index = divmod(number, len(self._pass(0)[1]))
        batches, rows = self._pass(pass_number)
        return batches.split.batch(rows[index], key, batches.rank, batches.ranks)

    def _pass(self, number: int) -> tuple[TrainingBatches, list[np.ndarray]]:
        """Return the batches of a pass and their row numbers.

        Two passes are kept in memory: the current one, and the first, whose length tells the pass of a number.
        """
        if number not in self._passes:
            self._passes = {first: kept for first, kept in self._passes.items() if first == 0}
            split, seed = self.stream(number), stream_seed(self.main.seed, "stream", self.name)
            batches = TrainingBatches(split, self.main.batch_size, seed, rank=self.main.rank, ranks=self.main.ranks)
            self._passes[number] = batches, batches.rows(number)
        return self._passes[number]


def with_streams(batch: Batch, streams: Mapping[str, StreamBatches], number: int) -> Batch:
    """Return ``batch``, the run's batch ``number``, with the ``streams`` attached."""
    makers = {name: partial(batches.beside, number, batch.key) for name, batches in streams.items()}
    return replace(batch, streams=makers)
