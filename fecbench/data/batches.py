"""Tokenised splits and their batches, in an order that is a function of seed and epoch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from fecbench.data.batch import Batch, BatchNeeds, LabelSetBatch, SecondView, Views, stream_seed
from fecbench.data.datasets.rows import chunks, labels_of, targets_of
from fecbench.data.targets import NoSingleLabels, targets_of_labels
from fecbench.data.tokenize import TokenColumn, token_column, uncached_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from fecbench.data.forms import Form


@dataclass(frozen=True)
class TokenisedSplit:
    """A split ready for batching.

    Attributes:
        columns: token ids by column name; ``text`` is always there.
        labels: int64 ``[N]``; a :class:`LabelSetSplit` has none.
        texts: the raw texts, if the objective needs them.
        second_view: kind of second view made by :meth:`Batch.doubled`.
        classes: number of labels C of the data set; 0 for texts that come without it.
    """

    columns: Mapping[str, TokenColumn]
    labels: np.ndarray
    texts: Sequence[str] | None = None
    second_view: SecondView = "none"
    classes: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def truth(self) -> np.ndarray:
        """Labels of the texts: ``labels``, or ``targets`` where texts have several labels or shares."""
        return self.labels

    @cached_property
    def targets(self) -> np.ndarray:
        """The target of each label, float32 ``[N, C]`` between 0 and 1; made from ``labels`` on first use."""
        return targets_of_labels(torch.from_numpy(self.labels), self.classes).numpy()

    def labelled_batch(self, chosen: np.ndarray, **parts: Any) -> Batch:
        """Return a batch of its other ``parts`` with the labels of the rows ``chosen``."""
        return Batch(labels=torch.from_numpy(self.labels[chosen]), classes=self.classes, **parts)

    def batch(self, rows: np.ndarray, key: tuple[int, ...] = (0, 0, 0), rank: int = 0, ranks: int = 1) -> Batch:
        """Return the batch of ``rows``; on several ranks, with the share of the texts of rank ``rank``.

        A rank with an empty share holds the first text, so that it can join every collective operation. That
        text has no index in ``share``.
        """
        # Shares may differ by one text: repeating texts to even them out, as accelerate does, would make false pairs.
        share = np.arange(len(rows))[rank::ranks]
        held = rows[share] if len(share) else rows[:1].copy()
        return self.labelled_batch(
            rows,
            tokens=self.columns["text"].take(held),
            rows=torch.from_numpy(rows.copy()),  # an objective may change its batch in place
            key=key,
            views=Views([name for name in self.columns if name != "text"], lambda name: self.columns[name].take(held)),
            texts=None if self.texts is None else tuple(self.texts[row] for row in rows),
            second_view=self.second_view,
            share=torch.from_numpy(share) if ranks > 1 else None,
        )

    def by_length(self, batch_size: int) -> Iterator[np.ndarray]:
        """Yield row numbers of batches for evaluation, longest texts first, so that memory peaks in the first batch.

        The first batch holds ``batch_size`` texts. Later ones hold more, since a small batch leaves a device idle, but
        no more tokens than the first, with or without padding.
        """
        batch_size = min(batch_size, len(self))  # a number beyond int64 would overflow
        lengths = self.columns["text"].lengths
        order = np.argsort(-lengths, kind="stable")
        sizes = lengths[order]
        ends = np.cumsum(sizes)
        tokens, padded = sizes[:batch_size].sum(), batch_size * sizes[:1].sum()
        start = 0
        while start < len(order):
            within = int(np.searchsorted(ends, ends[start] - sizes[start] + tokens, side="right"))
            end = min(within, start + int(padded // sizes[start]))
            yield order[start:end]
            start = end


@dataclass(frozen=True)
class LabelSetSplit(NoSingleLabels, TokenisedSplit):
    """A split of texts with several labels, or with shares of labels; ``labels`` raises a ProtocolError.

    Attributes:
        targets: float32 ``[N, C]`` between 0 and 1.
    """

    labels: np.ndarray = field(init=False, repr=False, compare=False)
    targets: np.ndarray = field(kw_only=True)

    @property
    def truth(self) -> np.ndarray:
        """The ``targets``."""
        return self.targets

    def labelled_batch(self, chosen: np.ndarray, **parts: Any) -> LabelSetBatch:
        """Return a batch of its other ``parts`` with the targets of the rows ``chosen``."""
        return LabelSetBatch(targets=torch.from_numpy(self.targets[chosen]), classes=self.classes, **parts)


@dataclass(frozen=True)
class TrainingBatches:
    """The training batches of each epoch, in an order that is a function of seed and epoch.

    Batches consist of units: single rows, or groups of ``needs.per_label`` rows of one label. A short last
    batch is used if it has ``needs.min_size`` texts.
    """

    split: TokenisedSplit
    batch_size: int
    seed: int
    bucketed: bool = False
    needs: BatchNeeds = field(default_factory=BatchNeeds)
    rank: int = 0
    ranks: int = 1

    def __len__(self) -> int:
        whole, rest = divmod(self._units, self._units_in_batch)
        last_counts = rest * self.needs.per_label >= self.needs.min_size
        return whole + 1 if last_counts else whole

    @property
    def left_out(self) -> int:
        """The number of rows that each epoch leaves out."""
        return len(self.split) - min(self._units, len(self) * self._units_in_batch) * self.needs.per_label

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the number of rows left out and the reasons."""
        size = self.needs.per_label
        ungrouped = len(self.split) - self._units * size
        reasons = {
            f"fill no group of {size} texts of a label": ungrouped,
            "are in a last batch that is too short": self.left_out - ungrouped,
        }
        notes = [
            f"{count:,} rows of each epoch are left out: they {reason}" for reason, count in reasons.items() if count
        ]
        if self.batch_size % size:
            notes.append(
                f"batches hold {self._units_in_batch * size} texts, whole groups of {size}, not {self.batch_size}"
            )
        return tuple(notes)

    @property
    def _units(self) -> int:
        if self.needs.per_label == 1:
            return len(self.split)
        return int((np.bincount(self.split.labels) // self.needs.per_label).sum())

    @property
    def _units_in_batch(self) -> int:
        return self.batch_size // self.needs.per_label

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of ``epoch``."""
        for step, rows in enumerate(self.rows(epoch)):
            yield self.split.batch(rows, (self.seed, epoch, step), self.rank, self.ranks)

    def rows(self, epoch: int) -> list[np.ndarray]:
        """Return the row numbers of each batch of ``epoch``."""
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
    """Return groups of row numbers ``[G, size]`` in random order, each of one label; incomplete groups are dropped."""
    # A stable sort keeps the random order within each label, so that an epoch's groups are drawn anew.
    by_label = order[np.argsort(labels[order], kind="stable")]
    parts = np.split(by_label, np.cumsum(np.bincount(labels))[:-1])
    groups = np.concatenate([part[: len(part) // size * size].reshape(-1, size) for part in parts])
    return generator.permutation(groups)


def _bucketed(units: np.ndarray, lengths: np.ndarray, size: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Return batches of ``size`` units of similar length in random order, a short one last.

    Units are sorted by length within stretches of 50 batches, so that the composition of batches stays random.
    """
    stretches = [units[start : start + 50 * size] for start in range(0, len(units), 50 * size)]
    by_length = np.concatenate([stretch[np.argsort(lengths[stretch].sum(1), kind="stable")] for stretch in stretches])
    batches = [by_length[start : start + size] for start in range(0, len(units), size)]
    # A short batch stays last, where TrainingBatches.rows cuts it off if it has too few texts.
    whole = [batch for batch in batches if len(batch) == size]
    return [whole[index] for index in generator.permutation(len(whole))] + batches[len(whole) :]


def tokenize_split(
    rows: Dataset,
    columns: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    cache: Path,
    keep_texts: bool = False,
    forms: Mapping[str, Form] | None = None,
    classes: int = 0,
) -> TokenisedSplit:
    """Tokenise the ``columns`` of ``rows`` to at most ``max_length`` tokens, reading from ``cache`` if possible.

    If ``forms`` has the form ``text``, it encodes all columns; each other form encodes the texts as a column
    of its own. Rows without labels get the label 0. Rows with several labels, or shares, become a
    :class:`LabelSetSplit` with targets of ``classes`` labels.
    """
    text_form, further = _split_forms(forms or {})
    tokens = {column: token_column(rows[column], tokenizer, max_length, cache, text_form) for column in columns}
    tokens |= {name: token_column(rows["text"], tokenizer, max_length, cache, form) for name, form in further.items()}
    texts = rows["text"] if keep_texts else None
    if "labels" in rows.column_names:
        return LabelSetSplit(tokens, texts=texts, classes=classes, targets=targets_of(rows, classes))
    labels = labels_of(rows) if "label" in rows.column_names else np.zeros(len(rows), np.int64)
    return TokenisedSplit(tokens, labels, texts, classes=classes)


def tokenize_texts(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    forms: Mapping[str, Form] | None = None,
) -> TokenisedSplit:
    """Tokenise ``texts`` in all ``forms``, without the cache; all labels are 0.

    Raises:
        EncoderError: the tokenizer finds no token in a text.
    """
    text_form, further = _split_forms(forms or {})
    columns = {
        name: uncached_column(texts, tokenizer, max_length, form)
        for name, form in {"text": text_form, **further}.items()
    }
    return TokenisedSplit(columns, np.zeros(len(texts), np.int64), texts)


def text_batches(
    texts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    batch_size: int,
    device: torch.device,
    forms: Mapping[str, Form] | None = None,
) -> Iterator[Batch]:
    """Yield batches of ``texts`` in their order, encoded in all ``forms``, for use without gradient; all labels are 0.

    Raises:
        EncoderError: the tokenizer finds no token in a text.
    """
    start = 0
    for part in chunks(texts, batch_size):
        split = tokenize_texts(list(part), tokenizer, max_length, forms)
        rows = torch.arange(start, start + len(part))
        yield replace(split.batch(np.arange(len(part))), rows=rows).to(device)
        start += len(part)


def _split_forms(forms: Mapping[str, Form]) -> tuple[Form | None, dict[str, Form]]:
    """Return the form that replaces plain tokenisation (None if there is none) and the other forms by name."""
    return forms.get("text"), {name: form for name, form in forms.items() if name != "text"}
