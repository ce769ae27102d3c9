"""Keep the working directory off Python's module path: files there are data, not code.

The ``fecbench`` command does not import from the working directory. ``python -m`` and ``python -c``, with
which worker pools and launchers start processes, put it first on the path unless they are told not to.
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
    """Remove the working directory that ``python -m`` put on this process's module path; ``PYTHONPATH`` is kept."""
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109  the very text that Python put there
        del sys.path[0]


@contextmanager
def children_without_working_directory() -> Iterator[None]:
    """Keep the working directory off the module path of every process that is started in the block."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before
