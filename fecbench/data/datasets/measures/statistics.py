"""Compute statistics of a data set: classes, text lengths, equal texts, and the AML paper's Table 1.

Texts are read in chunks and stay on the disk: a row costs a few numbers, so that a million rows fit in memory.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fecbench.data.datasets.measures.classes import ClassCounts, class_counts
from fecbench.data.datasets.measures.digests import digest_texts
from fecbench.data.datasets.measures.equal_texts import Contradictions, EqualTexts, contradictions, equal_texts
from fecbench.data.datasets.measures.label_sets import LabelSets, label_sets
from fecbench.data.datasets.measures.lengths import Lengths, text_lengths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.data.datasets.measures.digests import Advance
    from fecbench.data.datasets.measures.tokens import Encoding, TokenLengths


# rows of train, validation and test, and labels: the AML paper, section 4.1
TABLE_1 = {"ed": (19_533, 2_770, 2_547, 32), "ge": (23_485, 2_956, 2_984, 27)}


@dataclass(frozen=True)
class Statistics:
    """The statistics of a data set.

    Attributes:
        data: the data set.
        rows: rows of each split.
        classes: rows of each class.
        exact: equal texts, character by character.
        folded: equal texts, case and white space ignored.
        contradictions: texts with different labels in different rows, case and white space ignored.
        lengths: lengths in words or characters.
        tokens: lengths in an encoder's tokens; None if no encoder was named.
        label_sets: the training rows' sets of labels; None if each text has one label.
    """

    data: EmotionData
    rows: Mapping[str, int]
    classes: ClassCounts
    exact: EqualTexts
    folded: EqualTexts
    contradictions: Contradictions
    lengths: Lengths
    tokens: TokenLengths | None = None
    label_sets: LabelSets | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name, as ``fecbench data stats --json`` prints them.

        - ``words`` or ``characters``, named by ``unit``: lengths of the texts of all splits.
        - ``balance``: entropy of the training labels divided by that of a uniform distribution.
        - ``duplicates``: rows whose text occurs in an earlier row of the same split.
        - ``shared``: distinct texts that occur in both splits.
        - ``equal_texts``: both of these, case and white space ignored.
        - ``majority``: the most frequent training class, and its share of each split's rows.
        - ``classes``: rows of each class, most frequent in train first.
        - ``labelling``: ``single`` if labels exclude one another, ``multi`` if a text can have several.
        - ``label_sets``: figures of the training rows' sets of labels; None if each text has one label.
        - ``tokens``: lengths in the encoder's tokens, special ones included; shares by split.
        """
        return {
            **self._sizes(),
            **self._classes(),
            self.lengths.unit: self.lengths.summary(),
            "duplicates": dict(self.exact.duplicates),
            "shared": dict(self.exact.shared),
            "equal_texts": asdict(self.folded),
            "contradictions": {
                "texts": self.contradictions.texts,
                "rows": self.contradictions.rows,
                "within": dict(self.contradictions.within),
                "examples": [{"text": text, "labels": dict(labels)} for text, labels in self.contradictions.examples],
            },
            "tokens": self.tokens.summary() if self.tokens else None,
            "label_sets": self.label_sets.as_dict() if self.label_sets else None,
            "fingerprint": self.data.fingerprint,
        }

    def _sizes(self) -> dict[str, Any]:
        data = self.data
        return {
            "name": data.name,
            "title": data.info.title,
            "licence": data.info.licence,
            "homepage": data.info.homepage,
            "rows": dict(self.rows),
            "cut": list(data.cut),
            "labels": len(data.labels),
            "labelling": data.labelling,
            "soft": data.info.soft,
            "paper": TABLE_1.get(data.name.removesuffix("-prepared")),
            "unit": self.lengths.unit,
        }

    def _classes(self) -> dict[str, Any]:
        classes, labels = self.classes, self.data.labels
        rare, common = classes.least_frequent, classes.most_frequent
        return {
            "smallest_class": {"label": labels[rare], "train_rows": int(classes.rows["train"][rare])},
            "largest_class": {"label": labels[common], "train_rows": int(classes.rows["train"][common])},
            "balance": round(classes.balance, 4),
            "majority": {
                "label": labels[common],
                "share": {split: round(classes.share(split, common), 6) for split in classes.rows},
            },
            "missing_classes": {split: list(classes.missing(split)) for split in classes.rows},
            "classes": [
                {"label": labels[number], "rows": {split: int(rows[number]) for split, rows in classes.rows.items()}}
                for number in classes.order
            ],
        }


def statistics(data: EmotionData) -> dict[str, Any]:
    """Return the statistics of a data set by name (:meth:`Statistics.as_dict`)."""
    return measure(data).as_dict()


def measure(data: EmotionData, encoding: Encoding | None = None, advance: Advance = lambda _: None) -> Statistics:
    """Measure a data set, with an ``encoding`` in its tokens too.

    ``advance`` is called with the number of texts that were read since its last call: :func:`texts_to_read` in all.
    """
    splits = data.text_splits
    digests = digest_texts(splits, advance)
    tokens = None
    if encoding is not None:
        from fecbench.data.datasets.measures.tokens import token_lengths  # imports torch

        tokens = token_lengths(splits, encoding, advance)
    return Statistics(
        data,
        {split: len(part) for split, part in splits.items()},
        class_counts(data),
        equal_texts(digests.exact),
        equal_texts(digests.folded),
        contradictions(data, digests.folded),
        text_lengths(splits, advance),
        tokens,
        label_sets(data),
    )


def texts_to_read(data: EmotionData, encoding: Encoding | None = None) -> int:
    """Return the number of texts that :func:`measure` reads: each for its digests, its unit, its length, its tokens."""
    return (3 if encoding is None else 4) * sum(map(len, data.text_splits.values()))
