"""Failures of checks, and the source lines that they point to."""

from __future__ import annotations

import inspect
import traceback
from unittest import SkipTest

from fecbench.objective.objective import Objective


class NotConforming(AssertionError):
    """A failed check: the requirement, the finding and where to look."""

    def __init__(self, required: str, found: str, look: str):
        self.required, self.found, self.look = required, found, look
        super().__init__(f"\n  required: {required}\n  found:    {found}\n  look at:  {look}")


class NotHere(SkipTest):
    """A check that can't run on this machine, because files or a package are missing; pytest skips it.

    It doesn't mean that anything is wrong with the plugin.
    """


def source_location(kind: type, attribute: str) -> str:
    """Return the file, line and name of a class's attribute.

    >>> source_location(NotConforming, "__init__").rpartition(" ")[2]
    '(NotConforming.__init__)'
    """
    # The class that defines it: an inherited method must be fixed in the base class's file.
    owner = next(base for base in kind.__mro__ if attribute in vars(base))
    subject = vars(owner)[attribute]
    subject = getattr(subject, "__func__", subject)
    try:
        path, line = inspect.getsourcefile(subject) or "?", inspect.getsourcelines(subject)[1]
    except (OSError, TypeError):
        return f"{owner.__name__}.{attribute}"
    return f"{path}:{line} ({owner.__name__}.{attribute})"


def innermost(frames: traceback.StackSummary, kind: type[Objective]) -> str:
    """Return the location of the innermost frame in the objective's own files; without one, that of its ``updates``."""
    files = {inspect.getsourcefile(base) for base in kind.__mro__ if issubclass(base, Objective)} - {
        inspect.getsourcefile(Objective)
    }
    # The objective's own files only: the frames below are torch's or the trainer's, where the author can fix nothing.
    own = [frame for frame in frames if frame.filename in files]
    return f"{own[-1].filename}:{own[-1].lineno} ({own[-1].name})" if own else source_location(kind, "updates")
