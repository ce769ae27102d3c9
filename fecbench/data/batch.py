"""Batches of texts, and what an objective requires of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from fecbench.core.errors import NeedsError
from fecbench.data.datasets.dataset import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.data.tokens import Tokens


SecondView = Literal["none", "auto", "augmented", "dropout"]
PARAPHRASE = "aug_text"


def stream_seed(*key: int | str) -> int:
    """A 63-bit seed that is a function of ``key`` alone.

    >>> stream_seed(0, 1, "order") == stream_seed(0, 1, "order") != stream_seed(0, 2, "order")
    True
    """
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8]) >> 1


@dataclass(frozen=True)
class BatchNeeds:
    """What an objective needs of a training batch.

    Attributes:
        min_size: texts in a batch at least; a shorter last batch is left out.
        columns: further text columns of the data set, such as ``aug_text``, that come tokenised as views of the batch.
        second_view: what :meth:`Batch.doubled` gives beside a text: its paraphrase from ``aug_text`` (``augmented``), the same text for
            another dropout pass (``dropout``), or a paraphrase where the data set has them (``auto``, a note says which).
        texts: whether the raw texts come with the batch.
        per_label: texts of a label come in groups of this many (m of "m per class" sampling). A row is in one batch of an epoch at most;
            the rows that fill no group are left out of that epoch and counted.
    """

    min_size: int = 1
    columns: tuple[str, ...] = ()
    second_view: SecondView = "none"
    texts: bool = False
    per_label: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.columns, str):
            raise ValueError(f"columns must be a tuple of names, found the string {self.columns!r}")
        if self.second_view not in get_args(SecondView):
            raise ValueError(
                f"second_view must be one of {', '.join(get_args(SecondView))}, found {self.second_view!r}"
            )
        if self.min_size < 1 or self.per_label < 1:
            raise ValueError(f"min_size and per_label must be at least 1, found {self.min_size} and {self.per_label}")

    def views(self, found: Sequence[str]) -> tuple[str, ...]:
        """The columns that come as views from a data set that has the columns ``found``."""
        paraphrased = self.second_view == "augmented" or (self.second_view == "auto" and PARAPHRASE in found)
        return tuple(dict.fromkeys([*self.columns, PARAPHRASE])) if paraphrased else self.columns

    def check(self, data: EmotionData, batch_size: int, limit: int | None, who: str) -> None:
        """Return where ``data``, its first ``limit`` training rows, and ``batch_size`` can satisfy these needs.

        Raises:
            NeedsError: they can't; the message says what is needed and what was found.
        """
        missing = [column for column in self.views(data.columns) if column not in data.columns]
        if missing:
            found = ", ".join(data.columns)
            raise NeedsError(
                f"{who} needs the column {', '.join(missing)}, but {data.name} has {found} (a further column counts where every training "
                "row has text in it); choose a data set that has it"
            )
        self.check_size(batch_size, who)
        least = self.least
        rows = min(len(data.splits["train"]), limit or len(data.splits["train"]))
        if rows < least:
            raise NeedsError(
                f"{who} needs at least {least} texts in a batch, but there are {rows} training rows; use more"
            )
        counts = np.bincount(labels_of(data.splits["train"].select(range(rows))))
        if (grouped := int((counts // self.per_label).sum() * self.per_label)) < least:
            raise NeedsError(
                f"{who} needs {least} texts in groups of {self.per_label} of a label, but only {grouped} rows can be grouped; use more rows"
            )

    def check_size(self, batch_size: int, who: str) -> None:
        """Check that ``batch_size`` texts make a batch, which can be told before any data is read.

        Raises:
            NeedsError: they are too few.
        """
        if batch_size < self.least:
            raise NeedsError(
                f"{who} needs at least {self.least} texts in a batch, found --batch-size {batch_size}; raise it"
            )

    @property
    def least(self) -> int:
        """The fewest texts that make a batch: ``min_size``, in whole groups."""
        return -(-self.min_size // self.per_label) * self.per_label


@dataclass(frozen=True)
class Batch:
    """A batch of texts. On several ranks ``tokens`` and ``views`` are this rank's share; all else is of the whole batch.

    Attributes:
        tokens: the texts, packed.
        labels: int64 ``[B]``.
        rows: int64 ``[B]``, row numbers in the split.
        key: (seed, epoch, step), and a place where several batches of a stream come with a step; every random choice in the batch is a
            function of it.
        views: other columns of the same rows, and the objective's forms of their texts.
        texts: the raw texts, where the objective's needs ask for them.
        second_view: what the needs want :meth:`doubled` to give.
        share: int64, the places in the batch that this rank's texts hold; None where one rank holds all.
        streams: makers of the batches that stand beside this one, by the stream's name; see :meth:`stream` and :meth:`of_stream`.
    """

    tokens: Tokens
    labels: Tensor
    rows: Tensor
    key: tuple[int, ...] = (0, 0, 0)
    views: Mapping[str, Tokens] = field(default_factory=dict)
    texts: tuple[str, ...] | None = None
    second_view: SecondView = "none"
    share: Tensor | None = None
    streams: Mapping[str, Callable[[float], Iterator[Batch]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def stream(self, name: str) -> Batch:
        """The batch of one of the objective's streams that stands beside this one; it is made when it is asked for."""
        return next(self.of_stream(name, 1.0))

    def of_stream(self, name: str, rate: float) -> Iterator[Batch]:
        """The batches of a stream that come with this one where ``rate`` of them come with each batch, on average.

        In the run's order they are the stream's batches one after another: none is left out and none comes twice.
        """
        return (batch.to(self.labels.device) for batch in self.streams[name](rate))

    def view(self, column: str) -> Batch:
        """The same rows with the texts of another column (one that the needs name); raw texts don't come along."""
        return replace(self, tokens=self.views[column], texts=None)

    def doubled(self) -> Batch:
        """Every text twice, ``2 B`` rows: as it is, then its second view: its paraphrase, or itself for another dropout pass.

        Which of them the needs say. One call of ``encode`` gives both; rows ``i`` and ``B + i`` are views of one text. Raw texts don't
        come along.

        Raises:
            NeedsError: the needs ask for no second view.
        """
        if self.second_view == "none":
            raise NeedsError("batch.doubled() needs second views; set second_view in the objective's needs")
        paraphrased = self.second_view == "augmented" or (self.second_view == "auto" and PARAPHRASE in self.views)
        return replace(
            self,
            tokens=self.tokens.followed_by(self.views[PARAPHRASE] if paraphrased else self.tokens),
            labels=self.labels.repeat(2),
            rows=self.rows.repeat(2),
            views={},
            texts=None,
            second_view="none",
            share=None if self.share is None else torch.cat([self.share, self.share + len(self)]),
        )

    def unlabelled(self) -> Batch:
        """The same texts with 0 for every label and row number: no prediction can depend on either."""
        return replace(self, labels=torch.zeros_like(self.labels), rows=torch.zeros_like(self.rows))

    def generator(self, stream: str, device: torch.device | str = "cpu") -> torch.Generator:
        """A random generator for one purpose in this batch, seeded by (seed, epoch, step) and the purpose's name."""
        return torch.Generator(device).manual_seed(stream_seed(*self.key, stream))

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``; a tensor that is there already stays the same."""
        soon = device.type != "cpu"  # the host would read before a copy has arrived
        return replace(
            self,
            tokens=self.tokens.to(device),
            labels=self.labels.to(device, non_blocking=soon),
            rows=self.rows.to(device, non_blocking=soon),
            views={name: tokens.to(device) for name, tokens in self.views.items()},
            share=None if self.share is None else self.share.to(device, non_blocking=soon),
        )
