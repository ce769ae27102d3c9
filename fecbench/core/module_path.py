"""Modules come from where Python is installed, never from the folder in which somebody works: files there are data.

The ``fecbench`` command finds no module in the working directory. ``python -m`` and ``python -c``, by which engines and launchers start
processes, would look there first, unless they are told otherwise.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


SAFE_PATH = "PYTHONSAFEPATH"


def drop_working_directory() -> None:
    """Take off this process's module path the working directory, which ``python -m`` put first; ``PYTHONPATH`` stays as it is."""
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109  the very text that Python put there
        del sys.path[0]


@contextmanager
def children_without_working_directory() -> Iterator[None]:
    """Have processes that are started in the block, whoever starts them, find no module in their working directory."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before
