"""Batches of texts, and an objective's requirements on them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
import torch

from fecbench.core.errors import NeedsError
from fecbench.data.datasets.rows import labels_of
from fecbench.data.targets import NoSingleLabels, targets_of_labels
from fecbench.data.transfer import to_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch import Tensor

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.data.tokens import Tokens


SecondView = Literal["none", "auto", "augmented", "dropout"]
PARAPHRASE = "aug_text"  # column of a data set


def stream_seed(*key: int | str) -> int:
    """Return a 63-bit seed that is a function of ``key`` alone.

    >>> stream_seed(0, 1, "order") == stream_seed(0, 1, "order") != stream_seed(0, 2, "order")
    True
    """
    # Not hash(): Python salts the hashes of strings anew in each process.
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8]) >> 1


@dataclass(frozen=True)
class BatchNeeds:
    """Requirements an objective places on training batches.

    Attributes:
        min_size: minimum number of texts in a batch; a shorter last batch is left out.
        columns: further text columns of the data set, such as ``aug_text``, to tokenise as views of the batch.
        second_view: second view of a text in :meth:`Batch.doubled`: its paraphrase from ``aug_text``
            (``augmented``), the same text for another dropout pass (``dropout``), or the paraphrase if the
            data set has paraphrases and else the same text (``auto``; a note of the run states the choice).
        texts: include the raw texts in the batch.
        per_label: size of the groups in which texts of one label are drawn (m of "m per class" sampling). A
            row is in at most one batch of an epoch; rows that do not fill a group are left out of that epoch
            and counted. It needs one label a text.
    """

    min_size: int = 1
    columns: tuple[str, ...] = ()
    second_view: SecondView = "none"
    texts: bool = False
    per_label: int = 1

    def __post_init__(self) -> None:
        # Every string is a sequence of strings too: its letters would be taken for columns.
        if isinstance(self.columns, str):
            raise ValueError(f"columns must be a tuple of names, found the string {self.columns!r}")
        if self.second_view not in get_args(SecondView):
            raise ValueError(
                f"second_view must be one of {', '.join(get_args(SecondView))}, found {self.second_view!r}"
            )
        if self.min_size < 1 or self.per_label < 1:
            raise ValueError(f"min_size and per_label must be at least 1, found {self.min_size} and {self.per_label}")

    def views(self, available: Sequence[str]) -> tuple[str, ...]:
        """Return the columns to tokenise as views, given the columns ``available`` in the data set."""
        paraphrased = self.second_view == "augmented" or (self.second_view == "auto" and PARAPHRASE in available)
        return tuple(dict.fromkeys([*self.columns, PARAPHRASE])) if paraphrased else self.columns

    def check(self, data: EmotionData, batch_size: int, limit: int | None, who: str) -> None:
        """Raise NeedsError if the data set or the batch size cannot meet these requirements.

        Args:
            data: the data set; its first ``limit`` training rows are used.
            batch_size: texts in a batch.
            limit: number of training rows used; None for all.
            who: name of the objective in messages.

        Raises:
            NeedsError: a column is missing, batch or training rows are too few, or texts have several labels and
                ``per_label`` is set.
        """
        missing = [column for column in self.views(data.columns) if column not in data.columns]
        if missing:
            raise NeedsError(
                f"{who} needs the column {', '.join(missing)}, but {data.name} has {', '.join(data.columns)} "
                "(only columns with text in every training row count); choose a data set that has it"
            )
        self.check_size(batch_size, who)
        least = self.least
        rows = min(len(data.splits["train"]), limit or len(data.splits["train"]))
        if rows < least:
            raise NeedsError(
                f"{who} needs at least {least} texts in a batch, but there are {rows} training rows; use more"
            )
        if self.per_label == 1:
            return
        if "labels" in data.columns:
            raise NeedsError(
                f"{who} draws groups of texts of a label, which needs one label a text, but {data.name} gives several "
                "labels or shares; use another objective or another data set"
            )
        counts = np.bincount(labels_of(data.splits["train"].select(range(rows))))
        grouped = int((counts // self.per_label).sum() * self.per_label)
        if grouped < least:
            raise NeedsError(
                f"{who} needs {least} texts in groups of {self.per_label} of a label, but only {grouped} rows can be "
                "grouped; use more rows"
            )

    def check_size(self, batch_size: int, who: str) -> None:
        """Raise NeedsError if ``batch_size`` is too small; this check needs no data.

        Raises:
            NeedsError: ``batch_size`` is below :attr:`least`.
        """
        if batch_size < self.least:
            raise NeedsError(
                f"{who} needs at least {self.least} texts in a batch, found --batch-size {batch_size}; raise it"
            )

    @property
    def least(self) -> int:
        """The minimum number of texts in a batch: ``min_size`` rounded up to whole groups."""
        return math.ceil(self.min_size / self.per_label) * self.per_label


class Views(Mapping[str, "Tokens"]):
    """Tokens of further columns by name, packed when they are first read.

    An objective may read some views in prediction alone; a training step then neither packs nor copies them.
    """

    def __init__(self, names: Iterable[str], pack: Callable[[str], Tokens]):
        self._names = tuple(names)
        self._pack = pack
        self._packed: dict[str, Tokens] = {}

    def __getitem__(self, name: str) -> Tokens:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._packed:
            self._packed[name] = self._pack(name)
        return self._packed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Batch:
    """A batch of packed texts with labels and row numbers.

    On several ranks ``tokens`` and ``views`` hold this rank's share of the texts; all else describes the
    whole batch.

    Attributes:
        tokens: the packed texts.
        labels: int64 ``[B]``; a :class:`LabelSetBatch` has none.
        rows: int64 ``[B]``, row numbers in the split.
        key: (seed, epoch, step), followed by an index if a stream has several batches in a step. All random
            choices in the batch are functions of it.
        views: tokens of other columns of the same rows, and of the objective's forms of their texts, by name.
        texts: the raw texts, if the objective's needs ask for them.
        second_view: kind of second view made by :meth:`doubled`.
        share: int64, indices in the batch of this rank's texts; None if one rank holds all texts.
        streams: functions that make the streams' batches of this step, by name; see :meth:`stream` and
            :meth:`of_stream`.
        classes: number of labels C of the data set; 0 for texts that come without it.
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
    classes: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def truth(self) -> Tensor:
        """Labels of the texts: ``labels``, or ``targets`` where texts have several labels or shares."""
        return self.labels

    @cached_property
    def targets(self) -> Tensor:
        """The target of each label, float32 ``[B, C]`` between 0 and 1; made from ``labels`` on first use.

        Raises:
            ProtocolError: the number of labels is unknown.
        """
        return targets_of_labels(self.labels, self.classes)

    def with_truth(self, truth: Tensor, **changes: Any) -> Self:
        """Return the same batch with another ``truth`` and other ``changes``."""
        return replace(self, labels=truth, **changes)

    def stream(self, name: str) -> Batch:
        """Return this step's batch of the stream ``name`` (one batch per step); it is built on request."""
        return next(self.of_stream(name, 1.0))

    def of_stream(self, name: str, rate: float) -> Iterator[Batch]:
        """Yield this step's batches of the stream ``name``, with ``rate`` of them per step on average.

        Over the run, the steps receive the stream's batches in order, each exactly once.
        """
        return (batch.to(self.rows.device) for batch in self.streams[name](rate))

    def view(self, column: str) -> Batch:
        """Return the same rows with the tokens of another column named in the needs; raw texts are dropped."""
        return replace(self, tokens=self.views[column], texts=None)

    def doubled(self) -> Batch:
        """Stack two views of each text (``[2 B]`` rows): the text, then its paraphrase or the same text again.

        ``BatchNeeds.second_view`` chooses the second view; the same text again gets another dropout mask. One
        call of ``encode`` encodes both; rows ``i`` and ``B + i`` are views of one text. Raw texts are
        dropped.

        Raises:
            NeedsError: the needs ask for no second view.
        """
        if self.second_view == "none":
            raise NeedsError("batch.doubled() needs second views; set second_view in the objective's needs")
        paraphrased = self.second_view == "augmented" or (self.second_view == "auto" and PARAPHRASE in self.views)
        return self.with_truth(
            self.truth.repeat(2, *[1] * (self.truth.dim() - 1)),
            tokens=self.tokens.followed_by(self.views[PARAPHRASE] if paraphrased else self.tokens),
            rows=self.rows.repeat(2),
            views={},  # they have B rows
            texts=None,
            second_view="none",
            # The second views of a rank's texts are B rows further on in the whole batch.
            share=None if self.share is None else torch.cat([self.share, self.share + len(self)]),
        )

    def unlabelled(self) -> Batch:
        """Return the same texts with all labels, targets and row numbers 0: predictions cannot depend on them."""
        return self.with_truth(torch.zeros_like(self.truth), rows=torch.zeros_like(self.rows))

    def generator(self, stream: str, device: torch.device | str = "cpu") -> torch.Generator:
        """Return a random generator for one purpose, seeded by the batch's key and the purpose's name ``stream``."""
        return torch.Generator(device).manual_seed(stream_seed(*self.key, stream))

    def to(self, device: torch.device) -> Batch:
        """Return the same batch on ``device``; tensors that are there already are not copied, the others together."""
        shares = [] if self.share is None else [self.share]
        truth, rows, *rest = to_device([self.truth, self.rows, *shares, *self.tokens.tensors], device)
        return self.with_truth(
            truth,
            tokens=self.tokens.with_tensors(rest[len(shares) :]),
            rows=rows,
            views=Views(self.views, lambda name: self.views[name].to(device)),
            share=rest[0] if shares else None,
        )


@dataclass(frozen=True)
class LabelSetBatch(NoSingleLabels, Batch):
    """A batch of texts with several labels, or with shares of labels; ``labels`` raises a ProtocolError.

    Attributes:
        targets: float32 ``[B, C]`` between 0 and 1.
    """

    labels: Tensor = field(init=False, repr=False, compare=False)
    targets: Tensor = field(kw_only=True)

    @property
    def truth(self) -> Tensor:
        """The ``targets``."""
        return self.targets

    def with_truth(self, truth: Tensor, **changes: Any) -> Self:
        """Return the same batch with other ``targets`` and other ``changes``."""
        return replace(self, targets=truth, **changes)
