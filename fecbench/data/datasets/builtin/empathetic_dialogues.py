"""``ed`` and ``ed-csv``: EmpatheticDialogues (Rashkin et al., 2019), the situation and emotion of each conversation.

``ed`` accepts the official archive alone, ``ed-csv`` the files in it. Their rows,
``conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags``, are split at every comma: a
comma in a text is written ``_comma_``, and quotes are not CSV quotes. A conversation has several rows with
one ``conv_id``.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, cast

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.builtin.descriptions import EMPATHETIC_DIALOGUES
from fecbench.data.datasets.checks import REPLACE, check_counts, check_splits
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.locations import DataLocations, FoundFolder, Source
from fecbench.data.datasets.rows import split_from_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from datasets import Dataset


# In the order of the label numbers of ed-prepared, so that both data sets number labels alike.
LABELS = (
    "sad", "trusting", "terrified", "caring", "disappointed", "faithful", "joyful", "jealous", "disgusted",
    "surprised", "ashamed", "afraid", "impressed", "sentimental", "devastated", "excited", "anticipating",
    "annoyed", "anxious", "furious", "content", "lonely", "angry", "confident", "apprehensive", "guilty",
    "embarrassed", "grateful", "hopeful", "proud", "prepared", "nostalgic",
)  # fmt: skip
ARCHIVE = "empatheticdialogues.tar.gz"
URL = f"https://dl.fbaipublicfiles.com/parlai/empatheticdialogues/{ARCHIVE}"
SHA256 = "56f234d77b7dd1f005fd365bb17769cfe346c3c84295b69bc069c8ccb83be03d"
FILES = {"train": "train.csv", "validation": "valid.csv", "test": "test.csv"}
PATHS = {split: f"empatheticdialogues/{file}" for split, file in FILES.items()}
ROWS = (19_533, 2_770, 2_547)
TITLE = "EmpatheticDialogues, situation of each conversation"
COLUMNS = ["conv_id", "utterance_idx", "context", "prompt"]


@dataclass(frozen=True)
class EmpatheticDialogues:
    """Loader of ``ed``; address, checksum and numbers of rows are fields so that tests can use their own archive."""

    url: str = URL
    sha256: str = SHA256
    rows: tuple[int, int, int] = ROWS

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        homepage = "https://github.com/facebookresearch/EmpatheticDialogues"
        return DatasetInfo(
            "ed",
            TITLE,
            "CC BY-NC 4.0",
            homepage,
            self.rows,
            len(LABELS),
            display="Empathetic Dialogues (ED)",
        )

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the archive."""
        found = places.find("ed", [ARCHIVE])
        return Source.of(found) if found else Source(self.url, network=True)

    def load(self, places: DataLocations) -> EmotionData:
        """Load the situations from the official archive, which is downloaded to the user cache if necessary.

        Raises:
            DataNotFound: the archive was not found and can't be downloaded.
            DataError: it is not the official archive.
        """
        source = self.source(places).where
        archive = self._archive(places)
        splits = read_archive(archive)
        rows = tuple(len(split) for split in splits.values())
        if rows != self.rows:
            expected, actual = (" / ".join(f"{count:,}" for count in counts) for counts in (self.rows, rows))
            raise DataError(
                f"{archive}: expected {expected} conversations, found {actual}; delete it and fetch it again from "
                f"{self.url}"
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
            # the system's reason, such as a full disk; network libraries raise their own exceptions without one
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise DataNotFound(
                f"ed isn't in {places.looked('ed')}, and {self.url} can't be fetched ({reason}); "
                f"put {ARCHIVE} itself in one of these folders, use ed-csv, which reads the files in it, "
                "or use ed-prepared, which earlier work shares (other rows: 17,802 / 2,761 / 2,541)"
            ) from error


@dataclass(frozen=True)
class UnpackedEmpatheticDialogues:
    """Loader of ``ed-csv``; the numbers of rows are a field so that tests can use their own files."""

    rows: tuple[int, int, int] = ROWS

    @property
    def info(self) -> DatasetInfo:
        """Title, licence, rows and source."""
        return replace(EmpatheticDialogues(rows=self.rows).info, name="ed-csv", title=f"{TITLE}, from unpacked files")

    def source(self, places: DataLocations) -> Source:
        """Describe the location of the files.

        Raises:
            DataNotFound: they were not found.
        """
        return Source.of(self._find(places))

    def load(self, places: DataLocations) -> EmotionData:
        """Load the situations, one for each conversation.

        Raises:
            DataNotFound: the files were not found.
            DataError: a file is unreadable or malformed, or has another number of conversations.
        """
        found = self._find(places)
        at_hand = PATHS if (found.folder / PATHS["train"]).is_file() else FILES
        splits = {split: _read_unpacked(found.folder / file) for split, file in at_hand.items()}
        data = EmotionData(self.info, LABELS, splits, self.source(places).where, EMPATHETIC_DIALOGUES)
        rows = dict(zip(SPLITS, self.rows, strict=True))
        return check_splits(check_counts(data, rows, None, str(found.folder), REPLACE), str(found.folder))

    def _find(self, places: DataLocations) -> FoundFolder:
        found = places.find_files("ed-csv", list(PATHS.values())) or places.find("ed", list(FILES.values()))
        if found is None:
            raise DataNotFound(
                f"ed-csv isn't in {places.looked('ed-csv')}; unpack {ARCHIVE} of {URL} in one of these places, or give "
                "its folder as --data-dir"
            )
        return found


def _read_unpacked(path: Path) -> Dataset:
    try:
        with path.open("rb") as file:
            return situations(file, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} must be a readable UTF-8 file: {error}; unpack it again from {ARCHIVE}") from error


def official_rows_note(columns: Sequence[str], text_column: str) -> list[str]:
    """Return a note if a user's own file is an official one with the prompts as texts, else ``[]``.

    An official file repeats the prompt for each utterance of a conversation.
    """
    if not {"conv_id", "utterance_idx"} <= set(columns) or text_column != "prompt":
        return []
    return [
        "this file has a row for each utterance of a conversation, each with the same prompt, and writes commas as "
        "_comma_; --dataset ed-csv reads these files with one row a conversation (--data-dir names their folder)"
    ]


def read_archive(path: Path) -> dict[str, Dataset]:
    """Read the splits from an archive in the official format.

    Raises:
        DataError: the archive is unreadable or has another format.
    """
    try:
        with tarfile.open(path) as archive:
            members = {member.name.rpartition("/")[2]: member for member in archive.getmembers() if member.isfile()}
            missing = [file for file in FILES.values() if file not in members]
            if missing:
                expected, lacking = ", ".join(FILES.values()), ", ".join(missing)
                raise DataError(f"{path} must hold {expected}; missing: {lacking}; delete it and fetch {URL}")
            return {
                split: situations(cast("IO[bytes]", archive.extractfile(members[file])), f"{path}: {file}")
                for split, file in FILES.items()
            }
    except (tarfile.TarError, EOFError, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} must be a readable tar archive of UTF-8 files: {error}; delete it and fetch {URL}"
        ) from error


def situations(file: IO[bytes], where: str) -> Dataset:
    """Read an official file: one row for each conversation, its prompt (with commas restored) and its emotion.

    Raises:
        DataError: a line lacks a column, or its emotion is not one of the 32.
    """
    seen: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(file, 1):
        cells = line.decode("utf-8").rstrip("\r\n").split(",")
        if number == 1 and cells[: len(COLUMNS)] == COLUMNS:
            continue
        if len(cells) < len(COLUMNS) or cells[2] not in LABELS:
            raise DataError(
                f"{where}, line {number}: expected {','.join(COLUMNS)},... with one of the 32 emotions, found "
                f"{cells[:4]}; get the official file from {URL}"
            )
        conversation, _, emotion, prompt = cells[:4]
        seen.setdefault(conversation, (prompt.replace("_comma_", ",").strip(), LABELS.index(emotion)))
    return split_from_columns(
        {"text": [text for text, _ in seen.values()], "label": [label for _, label in seen.values()]}
    )


ed = EmpatheticDialogues()
ed_csv = UnpackedEmpatheticDialogues()
