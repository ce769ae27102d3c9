"""A folder that appears whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from fecbench.atomic import UNFINISHED
from fecbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A draft of ``folder`` to write to; it becomes ``folder`` once the block ends without error, else nothing is left of it.

    Raises:
        UsageError: ``folder`` is neither new nor empty, or can't be written.
    """
    place = folder.expanduser().resolve()
    _check_free(place)
    nearest = next(parent for parent in place.parents if parent.is_dir())  # the same disk, so that a rename is all it takes
    try:
        with TemporaryDirectory(suffix=UNFINISHED, prefix=f".{place.name}-", dir=nearest, ignore_cleanup_errors=True) as temporary:
            draft = Path(temporary) / place.name  # a child, since a temporary folder is readable by its owner alone
            draft.mkdir()
            yield draft
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                place.rmdir()  # refused by the system if somebody has filled it meanwhile
            draft.rename(place)
    except (OSError, SafetensorError) as error:  # safetensors reports the system's errors as its own
        raise UsageError(f"{place} can't be written: {error}; free space or choose another folder (nothing was left there)") from error


def _check_free(place: Path) -> None:
    try:
        found = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    except OSError as error:
        raise UsageError(f"{place} can't be read: {error.strerror}; choose another folder") from error
    if found:
        raise UsageError(f"{place} must be new or empty, but holds {', '.join(found[:3])}; choose another folder")
    if place.exists() and not place.is_dir():
        raise UsageError(f"{place} must be a new or empty folder, but is a file; choose another")
