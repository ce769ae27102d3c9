"""A folder that appears whole or not at all."""

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
def appearing(folder: Path) -> Iterator[Path]:
    """A draft of ``folder`` to write to; it becomes ``folder`` once the block ends without error, else nothing is left of it.

    A folder that is there already stays the same folder, with its mode, and is filled.

    Raises:
        UsageError: ``folder`` is neither new nor empty, or can't be written.
    """
    place = folder.resolve()
    try:
        nearest = _nearest(place)
        with TemporaryDirectory(
            suffix=UNFINISHED, prefix=f".{place.name}-", dir=nearest, ignore_cleanup_errors=True
        ) as temporary:
            draft = Path(temporary) / place.name  # a child, since a temporary folder is readable by its owner alone
            draft.mkdir()
            yield draft
            for path in draft.rglob("*"):
                to_disk(path)
            if place.is_dir():
                _check_empty(place, besides=Path(temporary).name)  # somebody may have filled it meanwhile
                _move_content(draft, place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                draft.rename(place)
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise
        raise UsageError(
            f"{place} can't be written: {reason}; free space or choose another folder (nothing was left there)"
        ) from error


def _nearest(place: Path) -> Path:
    """``place`` itself, or its nearest ancestor that is there: on the same disk, so that a rename is all it takes.

    Raises:
        UsageError: it isn't a folder, or ``place`` holds something.
    """
    nearest = next(path for path in (place, *place.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise UsageError(f"{place} must be a new or empty folder, but {nearest} is a file; choose another folder")
    if nearest == place:
        _check_empty(place)
    return nearest


def _check_empty(place: Path, besides: str = "") -> None:
    found = sorted(path.name for path in place.iterdir() if path.name != besides)
    if found:
        raise UsageError(f"{place} must be new or empty, but holds {', '.join(found[:3])}; choose another folder")


def _move_content(draft: Path, place: Path) -> None:
    """Move what ``draft`` holds into ``place``, all or nothing of it."""
    names = [path.name for path in draft.iterdir()]
    try:
        for name in names:
            (draft / name).rename(place / name)
    except BaseException:
        for name in names:
            if (place / name).exists():
                (place / name).rename(draft / name)
        raise
