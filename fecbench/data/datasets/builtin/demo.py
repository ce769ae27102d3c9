"""``demo``: 1,620 short utterances over 12 emotions in four confusable groups, for first runs and tests.

The texts were written for this project. Scores on them show whether a set-up works, not how good a method is.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.data.datasets.builtin.descriptions import DEMO
from fecbench.data.datasets.checks import Pin, check_pinned
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.locations import DataLocations, Source
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from datasets import Dataset


FILE = Path(__file__).with_name("demo.csv")
LABELS = (
    "joyful", "excited", "proud",
    "sad", "lonely", "disappointed",
    "angry", "annoyed", "jealous",
    "afraid", "anxious", "embarrassed",
)  # fmt: skip
PINS = {
    "train": Pin(1140, "2edbf7d90adb53ce2b8508d489fd78e76240b6d03d861976f172c6c313ace7c4"),
    "validation": Pin(240, "abe3584c8913b62d40e9f42c1aa926a6d89be1948fa6ad5ac39fd13d7c7c5baf"),
    "test": Pin(240, "38a516dd1c436c35fb52f7204f57ef16fdb4372170f0fb93b2e81b9c1f1a93cc"),
}


class Demo:
    """Loader of ``demo``, which is part of the package."""

    info = DatasetInfo(
        "demo",
        "DEMO: utterances written for this project, not a benchmark",
        "MIT (as fecbench)",
        "",
        (1140, 240, 240),
        len(LABELS),
        {"encoder": "scratch"},
        "DEMO data: these figures say whether a set-up works, nothing about a method",
    )

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the rows."""
        return Source("the installed package")

    def load(self, places: DataLocations) -> EmotionData:
        """Load the rows."""
        with FILE.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        splits = {split: _split([row for row in rows if row["split"] == split]) for split in SPLITS}
        return check_pinned(EmotionData(self.info, LABELS, splits, self.source(places).where, DEMO), PINS, str(FILE))


def _split(rows: list[dict[str, str]]) -> Dataset:
    labels = [LABELS.index(row["label"]) for row in rows]
    return split_from_columns({"text": [row["text"] for row in rows], "label": labels})


demo = Demo()
