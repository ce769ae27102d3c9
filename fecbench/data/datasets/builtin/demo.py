"""``demo``: 1,620 short utterances over 12 emotions in four confusable groups, for first runs and tests.

``demo-multi`` has 600 others, with one to three of the same 12 emotions each. All texts were written for this project.
Scores on them show whether a set-up works, not how good a method is.
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
MULTI_FILE = Path(__file__).with_name("demo-multi.csv")
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

MULTI_PINS = {
    "train": Pin(420, "ae34df6c7a316d199b527ec38b1e9eca02b7cd0092cd1538177c866de86231ef"),
    "validation": Pin(90, "ab6cb4d4a2bf61e2d3ad4a8431ffcd880c2968ec437e17a15edb14bdca161886"),
    "test": Pin(90, "20ac94f1c68b2a34dc425ac30b7dc78ad81a065dce366d6269ec2538865fb8ed"),
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
        splits = {split: _single(rows) for split, rows in _rows(FILE).items()}
        return check_pinned(EmotionData(self.info, LABELS, splits, self.source(places).where, DEMO), PINS, str(FILE))


class DemoMulti:
    """Loader of ``demo-multi``, which is part of the package."""

    info = DatasetInfo(
        "demo-multi",
        "DEMO: utterances with one to three labels, written for this project, not a benchmark",
        "MIT (as fecbench)",
        "",
        tuple(pin.rows for pin in MULTI_PINS.values()),
        len(LABELS),
        {"encoder": "scratch"},
        Demo.info.note,
        labelling="multi",
    )

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the rows."""
        return Source("the installed package")

    def load(self, places: DataLocations) -> EmotionData:
        """Load the rows."""
        splits = {split: _several(rows) for split, rows in _rows(MULTI_FILE).items()}
        data = EmotionData(self.info, LABELS, splits, self.source(places).where, DEMO)
        return check_pinned(data, MULTI_PINS, str(MULTI_FILE))


def _rows(path: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of a file by split."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {split: [row for row in rows if row["split"] == split] for split in SPLITS}


def _single(rows: list[dict[str, str]]) -> Dataset:
    labels = [LABELS.index(row["label"]) for row in rows]
    return split_from_columns({"text": [row["text"] for row in rows], "label": labels})


def _several(rows: list[dict[str, str]]) -> Dataset:
    labels = [[LABELS.index(label) for label in row["labels"].split()] for row in rows]
    return split_from_columns({"text": [row["text"] for row in rows], "labels": labels})


demo = Demo()
demo_multi = DemoMulti()
