"""Imports without the garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fast_import() -> Iterator[None]:
    """Keep the collector out while the block imports, and for good away from what it imported.

    torch and transformers make a million objects that stay as long as the process. Walked again and again while they are imported, and
    once more when the process ends, they took a quarter of the CPU time of a run that was stopped at its first step.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
