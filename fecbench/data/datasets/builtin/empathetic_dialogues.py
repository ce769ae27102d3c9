"""``ed``: EmpatheticDialogues (Rashkin et al., 2019), the situation of each conversation and its emotion.

Only the official archive will do. Its rows are ``conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags``, split plainly
on commas (a comma inside a text is written ``_comma_``; quotes are not CSV quotes); a conversation is several rows with one ``conv_id``.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.builtin.descriptions import EMPATHETIC_DIALOGUES
from fecbench.data.datasets.checks import check_splits
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData, table
from fecbench.data.datasets.locations import DataLocations, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datasets import Dataset


LABELS = (
    "sad", "trusting", "terrified", "caring", "disappointed", "faithful", "joyful", "jealous", "disgusted", "surprised", "ashamed",
    "afraid", "impressed", "sentimental", "devastated", "excited", "anticipating", "annoyed", "anxious", "furious", "content", "lonely",
    "angry", "confident", "apprehensive", "guilty", "embarrassed", "grateful", "hopeful", "proud", "prepared", "nostalgic",
)  # fmt: skip
ARCHIVE = "empatheticdialogues.tar.gz"
URL = f"https://dl.fbaipublicfiles.com/parlai/empatheticdialogues/{ARCHIVE}"
SHA256 = "56f234d77b7dd1f005fd365bb17769cfe346c3c84295b69bc069c8ccb83be03d"
FILES = {"train": "train.csv", "validation": "valid.csv", "test": "test.csv"}
COLUMNS = ["conv_id", "utterance_idx", "context", "prompt"]


@dataclass(frozen=True)
class EmpatheticDialogues:
    """Loader of ``ed``; address, checksum and rows are fields so that tests can use an archive of their own."""

    url: str = URL
    sha256: str = SHA256
    rows: tuple[int, int, int] = (19_533, 2_770, 2_547)

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        homepage = "https://github.com/facebookresearch/EmpatheticDialogues"
        return DatasetInfo(
            "ed",
            "EmpatheticDialogues, situation of each conversation",
            "CC BY-NC 4.0",
            homepage,
            self.rows,
            len(LABELS),
        )

    def source(self, places: DataLocations) -> Source:
        """Where the archive would come from."""
        found = places.find("ed", [ARCHIVE])
        return Source.of(found) if found else Source(self.url, network=True)

    def load(self, places: DataLocations) -> EmotionData:
        """The situations, from the official archive, fetched and kept in the user cache if need be.

        Raises:
            DataNotFound: the archive is nowhere and can't be fetched.
            DataError: it isn't the official one.
        """
        source = self.source(places).where
        archive = self._archive(places)
        splits = read_archive(archive)
        found = tuple(len(split) for split in splits.values())
        if found != self.rows:
            expected, actual = (" / ".join(f"{count:,}" for count in counts) for counts in (self.rows, found))
            raise DataError(
                f"{archive}: expected {expected} conversations, found {actual}; delete it and fetch it again from {self.url}"
            )
        return check_splits(EmotionData(self.info, LABELS, splits, source, EMPATHETIC_DIALOGUES), str(archive))

    def _archive(self, places: DataLocations) -> Path:
        import pooch

        found = places.find("ed", [ARCHIVE])
        if found:
            path = found.folder / ARCHIVE
            if pooch.file_hash(str(path)) != self.sha256:
                raise DataError(
                    f"{path} isn't the official archive (its SHA-256 differs); delete it and fetch {self.url}"
                )
            return path
        folder = places.cache / "ed"
        pooch.get_logger().setLevel("WARNING")
        try:
            return folder / str(pooch.retrieve(self.url, f"sha256:{self.sha256}", ARCHIVE, folder))
        except Exception as error:
            reason = (
                getattr(error, "strerror", None) or type(error).__name__
            )  # a full disk, or what the network's libraries raise
            raise DataNotFound(
                f"ed isn't in {places.looked('ed')}, and {self.url} can't be fetched ({reason}); "
                f"put {ARCHIVE} itself in one of these folders{_extracted(places)}, "
                "or use ed-prepared, which earlier work shares (other rows: 17,802 / 2,761 / 2,541)"
            ) from error


def _extracted(places: DataLocations) -> str:
    """That the archive's files lie in a folder where the archive is looked for; empty where they don't."""
    folders = (root if root.name == "ed" else root / "ed" for _, root in places)
    found = [str(folder) for folder in folders if (folder / FILES["train"]).is_file()]
    return f" (the files in {found[0]} were taken from it, and only the archive's checksum is known)" if found else ""


def official_rows_note(columns: Sequence[str], text_column: str) -> list[str]:
    """What must be said where a user's own file is an official one, read by its situations: each stands there once an utterance."""
    if not {"conv_id", "utterance_idx"} <= set(columns) or text_column != "prompt":
        return []
    return [
        "this file has a row for each utterance of a conversation, each with the same prompt, and writes commas as _comma_; --dataset ed, "
        f"from {ARCHIVE}, has one row a conversation"
    ]


def read_archive(path: Path) -> dict[str, Dataset]:
    """The splits of an archive in the official format.

    Raises:
        DataError: it isn't such an archive.
    """
    try:
        with tarfile.open(path) as archive:
            members = {member.name.rpartition("/")[2]: member for member in archive.getmembers() if member.isfile()}
            missing = [file for file in FILES.values() if file not in members]
            if missing:
                raise DataError(f"{path} must hold {', '.join(FILES.values())}; missing: {', '.join(missing)}")
            return {
                split: situations(cast("IO[bytes]", archive.extractfile(members[file])), f"{path}: {file}")
                for split, file in FILES.items()
            }
    except (tarfile.TarError, EOFError, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} must be a readable tar archive of UTF-8 files: {error}; delete it and fetch {URL}"
        ) from error


def situations(file: IO[bytes], where: str) -> Dataset:
    """One row for each conversation: its prompt (commas restored) and its emotion.

    Raises:
        DataError: a line lacks the columns, or names an emotion that isn't among the 32.
    """
    seen: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(file, 1):
        cells = line.decode("utf-8").rstrip("\r\n").split(",")
        if number == 1 and cells[: len(COLUMNS)] == COLUMNS:
            continue
        if len(cells) < len(COLUMNS) or cells[2] not in LABELS:
            raise DataError(
                f"{where}, line {number}: expected {','.join(COLUMNS)},... with one of the 32 emotions, found {cells[:4]}"
            )
        conversation, _, emotion, prompt = cells[:4]
        seen.setdefault(conversation, (prompt.replace("_comma_", ",").strip(), LABELS.index(emotion)))
    return table({"text": [text for text, _ in seen.values()], "label": [label for _, label in seen.values()]})


ed = EmpatheticDialogues()
