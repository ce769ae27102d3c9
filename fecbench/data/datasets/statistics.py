"""Compute statistics of a data set: sizes, text lengths, class balance, duplicates, and the paper's Table 1."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.text_lengths import length, unit_of

if TYPE_CHECKING:
    from fecbench.data.datasets.dataset import EmotionData


# rows of train, validation and test, and labels: the AML paper, section 4.1
TABLE_1 = {"ed": (19_533, 2_770, 2_547, 32), "ge": (23_485, 2_956, 2_984, 27)}


def statistics(data: EmotionData) -> dict[str, Any]:
    """Return the statistics of a data set.

    - ``words`` or ``characters``, named by ``unit``: lengths of the texts of all splits, in words split at
      white space, or in characters for scripts without spaces between words.
    - ``balance``: entropy of the training labels divided by that of a uniform distribution; 1 if all classes
      have the same size.
    - ``duplicates``: rows whose text occurs in an earlier row of the same split.
    - ``shared``: distinct texts that occur in both splits.
    """
    texts = {split: data.splits[split]["text"][:] for split in SPLITS}
    unit = unit_of(text for part in texts.values() for text in part)
    lengths = np.array([length(text, unit) for part in texts.values() for text in part])
    counts = Counter(data.splits["train"]["label"][:])
    share = np.array(list(counts.values())) / len(texts["train"])
    rare, common = min(counts, key=lambda label: counts[label]), max(counts, key=lambda label: counts[label])
    pairs = (("train", "validation"), ("train", "test"), ("validation", "test"))
    return {
        "name": data.name,
        "rows": {split: len(part) for split, part in texts.items()},
        "labels": len(data.labels),
        "paper": TABLE_1.get(data.name.removesuffix("-prepared")),
        "unit": unit,
        unit: {
            "mean": round(float(lengths.mean()), 2),
            "median": float(np.median(lengths)),
            "p95": float(np.percentile(lengths, 95)),
            "max": int(lengths.max()),
        },
        "smallest_class": {"label": data.labels[rare], "train_rows": counts[rare]},
        "largest_class": {"label": data.labels[common], "train_rows": counts[common]},
        "balance": round(float(-(share * np.log(share)).sum() / np.log(len(data.labels))), 4),
        "duplicates": {split: len(part) - len(set(part)) for split, part in texts.items()},
        "shared": {f"{a}/{b}": len(set(texts[a]) & set(texts[b])) for a, b in pairs},
        "fingerprint": data.fingerprint,
    }
