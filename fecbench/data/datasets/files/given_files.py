"""Take several files as the splits of one data set, by the words in their names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.core.errors import DataNotFound, UsageError
from fecbench.core.paths import expanded
from fecbench.data.datasets.files.read_errors import readable
from fecbench.data.datasets.files.split_files import NamedFile

if TYPE_CHECKING:
    from collections.abc import Sequence


FLAGS = "--train-file, --validation-file and --test-file"


def as_splits(files: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the folder that holds all ``files``, and the settings that name the file of each split in it.

    Raises:
        UsageError: a name has no split's word or several, two files are of one split, or none is for training.
        DataNotFound: a file doesn't exist.
    """
    paths = [Path(expanded(file)).absolute() for file in files]
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    found: dict[str, Path] = {}
    for path in paths:
        with readable(path):
            is_file = path.is_file()
        if not is_file:
            raise DataNotFound(f"{path} must be a file, since several are given, but isn't; correct the path")
        split = _split(path)
        if split in found:
            raise UsageError(
                f"one file of each split is needed, but {found[split].name} and {path.name} are both for {split}; give "
                f"their folder and {FLAGS}, which take a glob"
            )
        found[split] = path
    if "train" not in found:
        raise UsageError(f"a training file is needed, but the files are for {' and '.join(found)}; add it")
    return f"{folder}{os.sep}", {f"{split}_file": str(path.relative_to(folder)) for split, path in found.items()}


def _split(path: Path) -> str:
    splits = NamedFile(path.name.partition(".")[0], (path.name,)).splits
    if len(splits) != 1:
        held = " and ".join(splits) or "none of them"
        raise UsageError(
            "of several files each needs one word of train, validation (valid, val, dev) or test in its name, but "
            f"{path.name} has {held}; give their folder and {FLAGS}"
        )
    return splits[0]
