"""From texts to batches: tokenised once and cached, drawn in an order that is a function of seed and epoch, packed without padding."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from fecbench.datasets.core import labels_of
from fecbench.errors import NeedsError
from fecbench.packing import Tokens
from fecbench.tokenising import TokenColumn, check_tokens, encode_texts, token_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from datasets import Dataset
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from fecbench.datasets.core import EmotionData
    from fecbench.forms import Form


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
            raise ValueError(f"second_view must be one of {', '.join(get_args(SecondView))}, found {self.second_view!r}")
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
            raise NeedsError(f"{who} needs at least {least} texts in a batch, but there are {rows} training rows; use more")
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
            raise NeedsError(f"{who} needs at least {self.least} texts in a batch, found --batch-size {batch_size}; raise it")

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


@dataclass(frozen=True)
class TokenisedSplit:
    """A split ready for batching: its columns as token ids, its labels, its texts where they are needed, and what second views are."""

    columns: Mapping[str, TokenColumn]
    labels: np.ndarray
    texts: Sequence[str] | None = None
    second_view: SecondView = "none"

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: np.ndarray, key: tuple[int, ...] = (0, 0, 0), rank: int = 0, ranks: int = 1) -> Batch:
        """The batch of ``rows``; on several ranks, with rank ``rank``'s share of the texts.

        A rank whose share would be empty holds the first text, but no place for it: it can still join every collective.
        """
        share = np.arange(len(rows))[rank::ranks]
        held = rows[share] if len(share) else rows[:1]
        tokens = {name: column.take(held) for name, column in self.columns.items()}
        return Batch(
            tokens=tokens.pop("text"),
            labels=torch.from_numpy(self.labels[rows]),
            rows=torch.from_numpy(rows.copy()),  # an objective may write where it pleases
            key=key,
            views=tokens,
            texts=None if self.texts is None else tuple(self.texts[row] for row in rows),
            second_view=self.second_view,
            share=torch.from_numpy(share) if ranks > 1 else None,
        )

    def by_length(self, batch_size: int) -> Iterator[np.ndarray]:
        """Row numbers of batches for evaluation, texts of similar length together, longest first (so that memory peaks at once)."""
        order = np.argsort(-self.columns["text"].lengths, kind="stable")
        yield from (order[start : start + batch_size] for start in range(0, len(order), batch_size))


@dataclass(frozen=True)
class TrainingBatches:
    """The batches of an epoch, in an order that is a function of seed and epoch, as ``needs`` want them.

    They are made of units: single rows, or groups of rows of one label. A last short batch counts if it has ``needs.min_size`` texts.
    """

    split: TokenisedSplit
    batch_size: int
    seed: int
    bucketed: bool = False
    needs: BatchNeeds = BatchNeeds()
    rank: int = 0
    ranks: int = 1

    def __len__(self) -> int:
        whole, rest = divmod(self._units, self._units_in_batch)
        return whole + (rest * self.needs.per_label >= self.needs.min_size)

    @property
    def left_out(self) -> int:
        """Rows of each epoch that are in no batch."""
        return len(self.split) - min(self._units, len(self) * self._units_in_batch) * self.needs.per_label

    @property
    def notes(self) -> tuple[str, ...]:
        """How many rows are left out and why."""
        size = self.needs.per_label
        alone = len(self.split) - self._units * size
        reasons = {f"fill no group of {size} texts of a label": alone, "stand in a last batch that is too short": self.left_out - alone}
        notes = [f"{count:,} rows of each epoch are left out: they {reason}" for reason, count in reasons.items() if count]
        if self.batch_size % size:
            notes.append(f"batches hold {self._units_in_batch * size} texts, whole groups of {size}, not {self.batch_size}")
        return tuple(notes)

    @property
    def _units(self) -> int:
        return int((np.bincount(self.split.labels) // self.needs.per_label).sum())

    @property
    def _units_in_batch(self) -> int:
        return self.batch_size // self.needs.per_label

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of ``epoch``."""
        for step, rows in enumerate(self.rows(epoch)):
            yield self.split.batch(rows, (self.seed, epoch, step), self.rank, self.ranks)

    def rows(self, epoch: int) -> list[np.ndarray]:
        """The row numbers of each batch of ``epoch``."""
        generator = np.random.default_rng(stream_seed(self.seed, epoch, "order"))
        order = generator.permutation(len(self.split))
        size = self.needs.per_label
        units = order[:, None] if size == 1 else _groups(order, self.split.labels, size, generator)
        count = self._units_in_batch
        if self.bucketed:
            batches = _bucketed(units, self.split.columns["text"].lengths, count, generator)
        else:
            batches = [units[start : start + count] for start in range(0, len(units), count)]
        return [batch.reshape(-1) for batch in batches[: len(self)]]


def _groups(order: np.ndarray, labels: np.ndarray, size: int, generator: np.random.Generator) -> np.ndarray:
    """Row numbers ``[G, size]``, each group of one label, in random order; the last rows of each label that fill no group are left out."""
    by_label = order[np.argsort(labels[order], kind="stable")]
    parts = np.split(by_label, np.cumsum(np.bincount(labels))[:-1])
    groups = np.concatenate([part[: len(part) // size * size].reshape(-1, size) for part in parts])
    return generator.permutation(groups)


def _bucketed(units: np.ndarray, lengths: np.ndarray, size: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Batches of ``size`` units of similar length, cut from stretches of 50 batches that are sorted by length each; a short one is last."""
    stretches = [units[start : start + 50 * size] for start in range(0, len(units), 50 * size)]
    by_length = np.concatenate([stretch[np.argsort(lengths[stretch].sum(1), kind="stable")] for stretch in stretches])
    batches = [by_length[start : start + size] for start in range(0, len(units), size)]
    whole = [batch for batch in batches if len(batch) == size]
    return [whole[index] for index in generator.permutation(len(whole))] + batches[len(whole) :]


def tokenise(
    rows: Dataset,
    columns: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    cache: Path,
    keep_texts: bool = False,
    forms: Mapping[str, Form] | None = None,
) -> TokenisedSplit:
    """``rows`` as token ids of at most ``max_length``, read from ``cache`` where the same texts were tokenised the same way before.

    All columns are put in the form ``text`` where there is one; the other ``forms`` make columns of their own from the texts.
    """
    plain, further = _parted(forms or {})
    tokens = {column: token_column(rows[column], tokenizer, max_length, cache, plain) for column in columns}
    tokens |= {name: token_column(rows["text"], tokenizer, max_length, cache, form) for name, form in further.items()}
    return TokenisedSplit(tokens, labels_of(rows), rows["text"] if keep_texts else None)


def text_batches(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    batch_size: int,
    device: torch.device,
    forms: Mapping[str, Form] | None = None,
) -> Iterator[Batch]:
    """Batches of any texts, in their order and in all ``forms``, for use without gradient; their labels are all 0.

    Raises:
        EncoderError: the tokenizer finds no token in a text.
    """
    plain, further = _parted(forms or {})
    for start in range(0, len(texts), batch_size):
        part = list(texts[start : start + batch_size])
        tokens = {name: _pack(part, tokenizer, max_length, form) for name, form in {"text": plain, **further}.items()}
        rows = torch.arange(start, start + len(part))
        yield Batch(tokens.pop("text"), torch.zeros_like(rows), rows, views=tokens, texts=tuple(part)).to(device)


def _pack(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int, form: Form | None) -> Tokens:
    ids, _ = encode_texts(texts, tokenizer, max_length, form)
    check_tokens(texts, np.array([len(row) for row in ids]))
    return Tokens.pack(ids)


def _parted(forms: Mapping[str, Form]) -> tuple[Form | None, dict[str, Form]]:
    """The form of the text itself, and the further ones by name."""
    return forms.get("text"), {name: form for name, form in forms.items() if name != "text"}
