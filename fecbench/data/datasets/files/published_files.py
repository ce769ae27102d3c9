"""The files that a description names, and their paths in a folder that holds only a part of what was published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fecbench.data.datasets.files.opening import UNPACKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fecbench.data.datasets.description.schema import Description


PACKED = "|".join(re.escape(ending) for ending in UNPACKERS)
WITHIN = re.compile(rf"(?P<file>\.jsonl?({PACKED})?(?=#)|\.zip(?=/)).*", re.IGNORECASE)
"""The ending of a file, and what follows it if rows in it or a member are named."""


def files_of(description: Description) -> list[str]:
    """Return the files of texts, labels and label names, as the description names them."""
    labels = description.labels
    names = [labels.names] if isinstance(labels.names, str) else []
    return [*description.files.listed, *labels.files.listed, *names]


def relocated(description: Description, levels: int) -> Description:
    """Return the description with the paths of its files shortened as by :func:`shortened_path`."""
    return renamed(description, lambda file: shortened_path(file, levels))


def renamed(description: Description, new_name: Callable[[str], str]) -> Description:
    """Return the description with ``new_name`` of each file of texts, labels and label names."""
    labels = description.labels
    names = new_name(labels.names) if isinstance(labels.names, str) else labels.names
    update = {"files": labels.files.renamed(new_name), "names": names}
    return description.model_copy(
        update={"files": description.files.renamed(new_name), "labels": labels.model_copy(update=update)}
    )


def shortened_path(file: str, levels: int) -> str:
    """Return the path of ``file`` without its first ``levels`` folders.

    >>> shortened_path("data/MELD/train.csv", 1), shortened_path("data/MELD/train.csv", 9)
    ('MELD/train.csv', 'train.csv')
    """
    path = on_disk(file)
    return "/".join(path.split("/")[levels:] or [path.rpartition("/")[2]]) + file[len(path) :]


def depth(files: Sequence[str]) -> int:
    """Return the largest number of folders in the paths of ``files``."""
    return max((on_disk(file).count("/") for file in files), default=0)


def missing_files(folder: Path, files: Sequence[str]) -> list[str]:
    """Return those of ``files`` that aren't in ``folder``."""
    return [file for file in map(on_disk, files) if not any(folder.glob(file))]


def on_disk(file: str) -> str:
    """Return ``file`` without the rows in it or the member of an archive, if it names one.

    >>> on_disk("data/all.json#train"), on_disk("data/all.zip/train.csv"), on_disk("train.csv")
    ('data/all.json', 'data/all.zip', 'train.csv')
    >>> on_disk("all.jsonl#items"), on_disk("all.json.gz#rows"), on_disk("all.zip/all.json#rows")
    ('all.jsonl', 'all.json.gz', 'all.zip')
    """
    return WITHIN.sub(r"\g<file>", file)
