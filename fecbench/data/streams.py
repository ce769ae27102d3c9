"""Streams: further batches beside the main ones, such as pairs of texts and definitions, at a rate that the objective chooses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fecbench.data.batch import stream_seed
from fecbench.data.batches import TokenisedSplit, TrainingBatches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from transformers import PreTrainedTokenizerBase

    from fecbench.data.batch import Batch
    from fecbench.data.tokenize import TokenColumn


class Stream(Protocol):
    """The rows of a stream, pass by pass; a function of the number is one."""

    def __call__(self, number: int, /) -> TokenisedSplit:
        """The rows of pass ``number``, from 0: as many in each, but they may differ.

        They must be a function of the number and the run's seed alone, since a resumed run asks for them again.
        """


@dataclass(frozen=True)
class Material:
    """What streams can be made of: the training rows.

    Attributes:
        texts: the training texts.
        labels: int64 ``[N]``, their labels.
        tokens: their token ids, as the encoder reads them.
        tokenizer: the encoder's tokenizer.
        max_length: the most tokens of a text, or of a pair of them.
        seed: the run's seed.
    """

    texts: Sequence[str]
    labels: np.ndarray
    tokens: TokenColumn
    tokenizer: PreTrainedTokenizerBase
    max_length: int
    seed: int


@dataclass
class StreamBatches:
    """A stream's batches by number, counted over the whole run; their order is a function of seed, name and pass."""

    name: str
    stream: Stream
    main: TrainingBatches
    _passes: dict[int, tuple[TrainingBatches, list[np.ndarray]]] = field(default_factory=dict)

    def beside(self, number: int, key: tuple[int, ...], rate: float) -> Iterator[Batch]:
        """The batches that come with the run's main batch ``number``, whose key is ``key``, where ``rate`` of them come with each.

        How many came before is a function of ``number`` and ``rate``, so that a resumed run needs no counter.
        """
        for place, count in enumerate(range(int(number * rate), int((number + 1) * rate))):
            yield self(count, (*key, place) if place else key)

    def __call__(self, number: int, key: tuple[int, ...]) -> Batch:
        """Batch ``number``, from 0, whose random choices are a function of ``key``."""
        found, place = divmod(number, len(self._pass(0)[1]))
        batches, rows = self._pass(found)
        return batches.split.batch(rows[place], key, batches.rank, batches.ranks)

    def _pass(self, number: int) -> tuple[TrainingBatches, list[np.ndarray]]:
        """The batches of a pass; besides the first, by which passes are counted, one is kept."""
        if number not in self._passes:
            self._passes = {first: kept for first, kept in self._passes.items() if first == 0}
            split, seed = self.stream(number), stream_seed(self.main.seed, "stream", self.name)
            batches = TrainingBatches(
                split, min(self.main.batch_size, len(split)), seed, rank=self.main.rank, ranks=self.main.ranks
            )
            self._passes[number] = batches, batches.rows(number)
        return self._passes[number]


def with_streams(batch: Batch, streams: Mapping[str, StreamBatches], number: int) -> Batch:
    """``batch``, which is the run's ``number``-th, with the streams' batches of that number."""
    return replace(
        batch, streams={name: partial(batches.beside, number, batch.key) for name, batches in streams.items()}
    )
