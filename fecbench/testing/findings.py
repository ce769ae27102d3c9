"""What a check that doesn't hold says, and where it points."""

from __future__ import annotations

import inspect
import traceback
from unittest import SkipTest

from fecbench.objective.objective import Objective


class NotConforming(AssertionError):
    """What was required, what was found, and where to look."""

    def __init__(self, required: str, found: str, look: str):
        self.required, self.found, self.look = required, found, look
        super().__init__(f"\n  required: {required}\n  found:    {found}\n  look at:  {look}")


class NotHere(SkipTest):
    """A check can't be made on this machine, and why: files or a package are missing. Nothing is wrong with the plugin; pytest skips it."""


def place(kind: type, attribute: str) -> str:
    """Where an attribute of a class stands: file, line and name.

    >>> place(NotConforming, "__init__").rpartition(" ")[2]
    '(NotConforming.__init__)'
    """
    owner = next(base for base in kind.__mro__ if attribute in vars(base))
    subject = vars(owner)[attribute]
    subject = getattr(subject, "__func__", subject)
    try:
        path, line = inspect.getsourcefile(subject) or "?", inspect.getsourcelines(subject)[1]
    except (OSError, TypeError):
        return f"{owner.__name__}.{attribute}"
    return f"{path}:{line} ({owner.__name__}.{attribute})"


def innermost(frames: traceback.StackSummary, kind: type[Objective]) -> str:
    """The last of ``frames`` that stands in the objective's own files; its ``updates`` where none does."""
    files = {inspect.getsourcefile(base) for base in kind.__mro__ if issubclass(base, Objective)} - {
        inspect.getsourcefile(Objective)
    }
    own = [frame for frame in frames if frame.filename in files]
    return f"{own[-1].filename}:{own[-1].lineno} ({own[-1].name})" if own else place(kind, "updates")
