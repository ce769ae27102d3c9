"""GoEmotions (Demszky et al., 2020): ``ge``, the rows with exactly one label other than neutral, and ``ge-multi``, all.

The AML paper and its predecessors use the rows of ``ge``. ``ge-multi`` has all rows with all their labels, as in the
GoEmotions paper, and ``ge-ekman`` and ``ge-sentiment`` have that paper's groups of labels. The official files have
lines of ``text TAB label indices TAB comment id`` without a header, quoted as in CSV (splitting at tabs alone would
leave the quotes of some 1,400 texts doubled). The hub's ``simplified`` config has the same rows.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fecbench.core import hub
from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.builtin import descriptions
from fecbench.data.datasets.checks import Pin, check_pinned
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.hub import hub_rows
from fecbench.data.datasets.locations import DataLocations, Source
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from datasets import Dataset


# In the order of the official files' indices, whose last one is neutral.
LABELS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity",
    "desire", "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear",
    "gratitude", "grief", "joy", "love", "nervousness", "optimism", "pride", "realization", "relief",
    "remorse", "sadness", "surprise",
)  # fmt: skip
NEUTRAL = len(LABELS)
FILES = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}
HUB = ("google-research-datasets/go_emotions", "simplified", "add492243ff905527e67aeb8b80c082af02207c3")

PINS = {
    "train": Pin(23_485, "4244c5e24225f0b22369638144a182366b03963a4f66402546a99ba434eb4704"),
    "validation": Pin(2_956, "ae863e9daf5cdcde9e0c5e9da739a19953f769f18cd01ec3bd5c4b972e4baa8c"),
    "test": Pin(2_984, "3c7ecf92feae43eb45a9d4056a6f1bb7315d5fd1671f02cd45d01fddd994f6e4"),
}
MULTI_LABELS = (*LABELS, "neutral")
EKMAN = {
    "anger": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "joy": (
        "admiration", "amusement", "approval", "caring", "desire", "excitement",
        "gratitude", "joy", "love", "optimism", "pride", "relief",
    ),
    "sadness": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
    "surprise": ("confusion", "curiosity", "realization", "surprise"),
    "neutral": ("neutral",),
}  # fmt: skip
SENTIMENT = {
    "positive": EKMAN["joy"],
    "negative": tuple(label for group in ("anger", "disgust", "fear", "sadness") for label in EKMAN[group]),
    "ambiguous": EKMAN["surprise"],
    "neutral": ("neutral",),
}
MULTI_PINS = {
    "train": Pin(43_410, "014b9cff5ad91c8699ee0e9a3ce847f9cf1e6b4d4a2f9f1a7151703dca050cb6"),
    "validation": Pin(5_426, "9ac847850dcd4500556693add91694169fd603f6ba1dd8ad337644793ee18f89"),
    "test": Pin(5_427, "9db0004c8c57edd5cc5a6cb4427419483c785ff4d7cd973ec6c2d49450f01203"),
}
EKMAN_PINS = {
    "train": Pin(43_410, "2aedb3d2ded041a0f2f5b866edf14396a4362f70c264a0dc0e5f034e92eb2c1b"),
    "validation": Pin(5_426, "eb5d4cffec44cc82a5a4ec9e299835501ff81a9fce2e332fc0a3fa8371175665"),
    "test": Pin(5_427, "b70d506bc71db73a585bf8aba7bc5104cf59a483aaf44a374acae40ab46816d3"),
}
SENTIMENT_PINS = {
    "train": Pin(43_410, "4ba713f7918ccd63e1374b37c4af6cfc5549e1fd87b75115767d79057574b129"),
    "validation": Pin(5_426, "6281b14b958c013268ade235f1a688810d8f4f9c08820fa6984ca665bca4aa6e"),
    "test": Pin(5_427, "e3ee3cf6f5c95f8a4453b16f60314f09dfbf58fdc6e7f1a9670e828470e5b649"),
}


@dataclass(frozen=True)
class GoEmotions:
    """Loader of ``ge``; the pins are a field so that tests can use their own files."""

    pins: Mapping[str, Pin] = field(default_factory=lambda: PINS)

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        return DatasetInfo(
            "ge",
            "GoEmotions, single-label rows without neutral",
            "CC BY 4.0 (Google's repository; Apache-2.0 by the hub's card)",
            "https://github.com/google-research/google-research/tree/master/goemotions",
            tuple(pin.rows for pin in self.pins.values()),
            len(LABELS),
            display="GoEmotions (GE)",
        )

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the rows."""
        found = places.find("ge", list(FILES.values()))
        return Source.of(found) if found else Source(f"the hub: {HUB[0]}, {HUB[1]} at {HUB[2][:12]}", network=True)

    def load(self, places: DataLocations) -> EmotionData:
        """Load the rows from the official files, or from the hub if there are none.

        Raises:
            DataNotFound: the files were not found and the hub is not available.
            DataError: a file is malformed or its rows are not the pinned ones.
        """
        splits = {split: single_label(pairs) for split, pairs in self.rows(places).items()}
        where = self.source(places).where
        return check_pinned(EmotionData(self.info, LABELS, splits, where, descriptions.GOEMOTIONS), self.pins, where)

    def rows(self, places: DataLocations) -> dict[str, list[tuple[str, list[int]]]]:
        """Return text and label indices of each official row by split."""
        found = places.find("ge", list(FILES.values()))
        if found:
            return {
                split: [(text, labels) for text, labels, _ in read_official(found.folder / file)]
                for split, file in FILES.items()
            }
        return self._from_hub(places)

    def _from_hub(self, places: DataLocations) -> dict[str, list[tuple[str, list[int]]]]:
        try:
            splits = hub_rows(*HUB)
        except ConnectionError as error:
            looked, reason = places.looked("ge"), hub.unreachable() or error
            files = ", ".join(FILES.values())
            raise DataNotFound(
                f"{self.info.name} isn't in {looked}, and {reason}; put the official {files} in one of these folders"
            ) from error
        return {split: list(zip(splits[split]["text"][:], splits[split]["labels"][:], strict=True)) for split in FILES}


@dataclass(frozen=True)
class GoEmotionsMulti(GoEmotions):
    """Loader of all rows of the same files with all their labels, neutral among them, or with the labels' groups.

    Attributes:
        name: name of the data set.
        title: title of the data set.
        groups: for each class, the labels that belong to it.
        texts: a short sentence for each class.
        display: name in tables of papers.
    """

    pins: Mapping[str, Pin] = field(default_factory=lambda: MULTI_PINS)
    name: str = "ge-multi"
    title: str = "GoEmotions, all rows, several labels a text"
    groups: Mapping[str, Sequence[str]] = field(default_factory=lambda: {label: (label,) for label in MULTI_LABELS})
    texts: Mapping[str, str] = field(
        default_factory=lambda: {**descriptions.GOEMOTIONS, "neutral": descriptions.NEUTRAL}
    )
    display: str = "GoEmotions, multi-label"

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        return replace(
            super().info,
            name=self.name,
            title=self.title,
            labels=len(self.groups),
            display=self.display,
            labelling="multi",
            background=("neutral",),
        )

    def load(self, places: DataLocations) -> EmotionData:
        """Load the rows from the official files, or from the hub if there are none.

        Raises:
            DataNotFound: the files were not found and the hub is not available.
            DataError: a file is malformed or its rows are not the pinned ones.
        """
        classes = class_numbers(self.groups)
        splits = {split: several_labels(pairs, classes) for split, pairs in self.rows(places).items()}
        where = self.source(places).where
        data = EmotionData(self.info, tuple(self.groups), splits, where, self.texts)
        return check_pinned(data, self.pins, where)


def read_official(path: Path) -> Iterable[tuple[str, list[int], str]]:
    """Yield the text, the label indices and the comment's id of each row of an official file.

    Raises:
        DataError: a row is not ``text TAB indices TAB id``, or the file is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, delimiter="\t")
            for row in reader:
                try:
                    text, indices, comment = row
                    numbers = [int(index) for index in indices.split(",")]
                    if not all(0 <= number <= NEUTRAL for number in numbers):
                        raise ValueError
                    yield text, numbers, comment
                except ValueError:
                    expected = "text TAB label indices TAB comment id"
                    raise DataError(
                        f"{path}, line {reader.line_num}: expected {expected}, found {row!r}; restore the official file"
                    ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} must be tab-separated UTF-8: {error}; restore the official file") from error


def single_label(rows: Iterable[tuple[str, list[int]]]) -> Dataset:
    """Build a split of the rows with exactly one label other than neutral."""
    kept = [(text, indices[0]) for text, indices in rows if len(indices) == 1 and indices[0] != NEUTRAL]
    return split_from_columns({"text": [text for text, _ in kept], "label": [label for _, label in kept]})


def class_numbers(groups: Mapping[str, Sequence[str]]) -> list[int]:
    """Return the number of the group that each of the official labels belongs to, in the order of their indices."""
    number_of = {label: number for number, members in enumerate(groups.values()) for label in members}
    return [number_of[label] for label in MULTI_LABELS]


def several_labels(rows: Iterable[tuple[str, list[int]]], classes: Sequence[int]) -> Dataset:
    """Build a split of all rows with the classes of their labels; ``classes`` has the number of each label's class."""
    texts, labels = zip(*rows, strict=True)
    sets = [list(dict.fromkeys(classes[index] for index in indices)) for indices in labels]
    return split_from_columns({"text": list(texts), "labels": sets})


ge = GoEmotions()
ge_multi = GoEmotionsMulti()
ge_ekman = GoEmotionsMulti(
    EKMAN_PINS,
    "ge-ekman",
    "GoEmotions, all rows, Ekman's six emotions and neutral",
    EKMAN,
    descriptions.EKMAN,
    "GoEmotions, Ekman",
)
ge_sentiment = GoEmotionsMulti(
    SENTIMENT_PINS,
    "ge-sentiment",
    "GoEmotions, all rows, positive, negative, ambiguous and neutral",
    SENTIMENT,
    descriptions.SENTIMENT,
    "GoEmotions, sentiment",
)
