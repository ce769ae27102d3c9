"""Report files and folders of data that can't be read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn errors of the system into DataError; ``path`` is named if an error names no file.

    Raises:
        DataError: a file or folder can't be read.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{error.filename or path} can't be read: {reason}; check it and its permissions") from error
