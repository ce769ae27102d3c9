"""``ge-prepared`` and ``ed-prepared``: the CSV files that HypEmo, TACO and AML share, ``text,aug_text,label``.

Their texts are lower-cased and normalised; ``aug_text`` is a machine paraphrase, the second view of
contrastive methods.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.builtin import empathetic_dialogues, goemotions
from fecbench.data.datasets.builtin.descriptions import EMPATHETIC_DIALOGUES, GOEMOTIONS
from fecbench.data.datasets.checks import Pin, check_pinned
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.locations import DataLocations, FoundFolder, Source
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from datasets import Dataset


FILES = {"train": "train.csv", "validation": "valid.csv", "test": "test.csv"}
COLUMNS = ["text", "aug_text", "label"]


@dataclass(frozen=True)
class Prepared:
    """Loader of a prepared data set; the files' label indices refer to ``labels``."""

    name: str
    title: str
    licence: str
    labels: tuple[str, ...]
    pins: Mapping[str, Pin]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    display: str = ""

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        rows = tuple(pin.rows for pin in self.pins.values())
        return DatasetInfo(
            self.name,
            self.title,
            self.licence,
            "https://github.com/dinobby/HypEmo",
            rows,
            len(self.labels),
            display=self.display,
        )

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the rows."""
        return Source.of(self._find(places))

    def load(self, places: DataLocations) -> EmotionData:
        """Load the rows.

        Raises:
            DataNotFound: the folder was not found.
            DataError: a file is malformed or its rows are not the pinned ones.
        """
        folder = self._find(places).folder
        splits = {split: self._read(folder / file) for split, file in FILES.items()}
        data = EmotionData(self.info, self.labels, splits, self.source(places).where, self.descriptions)
        return check_pinned(data, self.pins, str(folder))

    def _find(self, places: DataLocations) -> FoundFolder:
        found = places.find(self.name, list(FILES.values()))
        if found is None:
            raise DataNotFound(
                f"{self.name} isn't in {places.looked(self.name)}, and isn't fetched from the network; get "
                f"{', '.join(FILES.values())} from {self.info.homepage} and put them in a folder {self.name} in one of "
                "these places"
            )
        return found

    def _read(self, path: Path) -> Dataset:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.reader(file)
                header = next(reader, None)
                rows = list(reader)
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path} must be UTF-8 CSV: {error}; restore the file") from error
        # Compared as text: int() would accept 00 and +1.
        labels = [str(index) for index in range(len(self.labels))]
        if header != COLUMNS or any(len(row) != len(COLUMNS) or row[2] not in labels for row in rows):
            raise DataError(
                f"{path} must have the columns {','.join(COLUMNS)} with labels 0 to {labels[-1]}; restore the file"
            )
        text, aug_text, label = zip(*rows, strict=True) if rows else ((), (), ())
        return split_from_columns({"text": text, "aug_text": aug_text, "label": [int(index) for index in label]})


ge_prepared = Prepared(
    "ge-prepared",
    "GoEmotions as HypEmo, TACO and AML share it, lower-cased, with paraphrases",
    "CC BY 4.0 (GoEmotions)",
    goemotions.LABELS,
    {
        "train": Pin(23_485, "6fcba77c8cec03a4e63fafb13873a8ceabf4312d1ad9bdd3e4b1c926908b9f75"),
        "validation": Pin(2_956, "ffcd0ff3ef670d708affd04abc1afc520b30089ad949d0e92fbca39e8bfea936"),
        "test": Pin(2_984, "69212bdbd69584e04814df7691948628f56eb3cf41f3b7235205aee34f8ea72a"),
    },
    GOEMOTIONS,
    "GoEmotions (GE)",
)
# Fewer rows than in Table 1 of the AML paper, which counts those of the official archive.
ed_prepared = Prepared(
    "ed-prepared",
    "EmpatheticDialogues situations as HypEmo, TACO and AML share them, lower-cased, with paraphrases",
    "CC BY-NC 4.0 (EmpatheticDialogues)",
    empathetic_dialogues.LABELS,
    {
        "train": Pin(17_802, "e1d19b7e7edfc490a428a1ea259699fe05896616207872c36689f7cfb91bb578"),
        "validation": Pin(2_761, "6a432d9aba89afb0cb903a91016821dbd15a44fa73008b07523a35e3350b1ea4"),
        "test": Pin(2_541, "a239024a64f978a130235ee1146f45a3f43e9df2f5b9c9534ae7db0f4f4967e8"),
    },
    EMPATHETIC_DIALOGUES,
    "Empathetic Dialogues (ED)",
)
