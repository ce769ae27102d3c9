"""The files that a description names, and their paths in a folder that holds only a part of what was published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fecbench.data.datasets.dataset import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fecbench.data.datasets.description.schema import Description, Files, SplitFiles


def files_of(description: Description) -> list[str]:
    """Return the files of texts, labels and label names, as the description names them."""
    labels = description.labels
    named = [getattr(files, split) for files in (description.files, labels.files) for split in SPLITS]
    named += [labels.names] if isinstance(labels.names, str) else []
    return [file for files in named if files for file in ([files] if isinstance(files, str) else files)]


def relocated(description: Description, levels: int) -> Description:
    """Return the description with the paths of its files shortened as by :func:`shortened_path`."""
    labels = description.labels
    names = shortened_path(labels.names, levels) if isinstance(labels.names, str) else labels.names
    files = _relocated(labels.files, levels)
    return description.model_copy(
        update={
            "files": _relocated(description.files, levels),
            "labels": labels.model_copy(update={"files": files, "names": names}),
        }
    )


def _relocated(files: SplitFiles, levels: int) -> SplitFiles:
    def moved(split: str) -> Files | None:
        named = getattr(files, split)
        if named is None or isinstance(named, str):
            return named and shortened_path(named, levels)
        return [shortened_path(file, levels) for file in named]

    return files.model_copy(update={split: moved(split) for split in SPLITS})


def shortened_path(file: str, levels: int) -> str:
    """Return the path of ``file`` without its first ``levels`` folders.

    >>> shortened_path("data/MELD/train.csv", 1), shortened_path("data/MELD/train.csv", 9)
    ('MELD/train.csv', 'train.csv')
    """
    path = on_disk(file)
    return "/".join(path.split("/")[levels:] or [path.rpartition("/")[2]]) + file[len(path) :]


def depth(files: Sequence[str]) -> int:
    """Return the largest number of folders in the paths of ``files``."""
    return max(on_disk(file).count("/") for file in files)


def missing_files(folder: Path, files: Sequence[str]) -> list[str]:
    """Return those of ``files`` that aren't in ``folder``."""
    return [file for file in map(on_disk, files) if not any(folder.glob(file))]


def on_disk(file: str) -> str:
    """Return ``file`` without the rows in it or the member of an archive, if it names one.

    >>> on_disk("data/all.json#train"), on_disk("data/all.zip/train.csv"), on_disk("train.csv")
    ('data/all.json', 'data/all.zip', 'train.csv')
    """
    return re.sub(r"(?<=\.json)#.*|(?<=\.zip)/.*", "", file)
