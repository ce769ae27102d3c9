"""Import heavy modules with the garbage collector off."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fast_import() -> Iterator[None]:
    """Disable garbage collection while the block imports, and exclude the imported objects from later collections.

    torch and transformers create about a million objects that live as long as the process. The collector would scan
    them repeatedly during the import and once more at exit: a quarter of the CPU time of a run that is stopped at its
    first step.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # moves the imported objects to a generation that is never collected
        if was_on:
            gc.enable()
