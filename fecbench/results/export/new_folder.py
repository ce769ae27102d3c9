"""Write a folder completely or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fecbench.core.errors import UsageError
from fecbench.core.files import UNFINISHED, refusal, to_disk

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a draft folder to write to. It becomes ``folder`` if the block ends without error; else it is removed.

    An existing empty folder is kept, with its mode, and filled.

    Raises:
        UsageError: ``folder`` is neither new nor empty, or can't be written.
    """
    target = folder.resolve()
    try:
        ancestor = _nearest_existing(target)
        with TemporaryDirectory(
            suffix=UNFINISHED, prefix=f".{target.name}-", dir=ancestor, ignore_cleanup_errors=True
        ) as temporary:
            # Use a subfolder: only their owner may read temporary folders, and a rename keeps the mode.
            draft = Path(temporary) / target.name
            draft.mkdir()
            yield draft
            for path in draft.rglob("*"):
                to_disk(path)
            if target.is_dir():
                _check_empty(target, except_for=Path(temporary).name)  # another process may have filled it meanwhile
                _move_content(draft, target)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                draft.rename(target)
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise
        raise UsageError(
            f"{target} can't be written: {reason}; free space or choose another folder (nothing was left there)"
        ) from error


def _nearest_existing(target: Path) -> Path:
    """Return ``target`` or its nearest existing ancestor. It is on the same disk, so that a rename can move the draft.

    Raises:
        UsageError: the ancestor is not a folder, or ``target`` is not empty.
    """
    nearest = next(path for path in (target, *target.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise UsageError(f"{target} must be a new or empty folder, but {nearest} is a file; choose another folder")
    if nearest == target:
        _check_empty(target)
    return nearest


def _check_empty(folder: Path, except_for: str = "") -> None:
    names = sorted(path.name for path in folder.iterdir() if path.name != except_for)
    if names:
        raise UsageError(f"{folder} must be new or empty, but holds {', '.join(names[:3])}; choose another folder")


def _move_content(draft: Path, target: Path) -> None:
    """Move the content of ``draft`` into ``target``. After an error, move everything back."""
    names = [path.name for path in draft.iterdir()]
    try:
        for name in names:
            (draft / name).rename(target / name)
    except BaseException:
        for name in names:
            if (target / name).exists():
                (target / name).rename(draft / name)
        raise
