"""Every error a user can meet. Each message names the requirement, what was found, and the remedy.

::

    FecbenchError                 the run or command failed (exit 1)
    ├── UsageError                the call itself is off (exit 2)
    │   └── UnknownName           a name that no registry, setting or run has
    ├── DataError                 a data set is unreadable or not what it should be
    │   └── DataNotFound          a data set isn't where it was looked for
    ├── EncoderError              an encoder can't be had or doesn't fit
    ├── PluginError               a plugin can't be imported or isn't what it claims to be
    ├── ProtocolError             an objective broke a rule of the trainer protocol
    ├── NeedsError                a batch can't be what an objective needs
    ├── NumericalError            a loss became infinite or NaN
    ├── RunError                  a run record is missing, broken, taken or of another run
    └── ExportError               a model can't be written in a format, or what was written predicts otherwise
"""

from collections.abc import Iterable
from difflib import get_close_matches


class FecbenchError(Exception):
    """Base of all errors that fecbench raises on purpose."""


class UsageError(FecbenchError):
    """The call itself is off."""


class UnknownName(UsageError):
    """A name that isn't known here; the message offers the nearest ones.

    >>> str(UnknownName("objective", "alm", ["aml", "ce"]))
    "no objective is called 'alm'; did you mean 'aml'? Known: aml, ce"
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        self.kind, self.name, self.known = kind, name, sorted(known)
        nearest = get_close_matches(name, self.known, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        super().__init__(f"no {kind} is called {name!r}{hint} Known: {', '.join(self.known) or 'none'}")


class DataError(FecbenchError):
    """A data set is unreadable or not what it should be."""


class DataNotFound(DataError):
    """A data set isn't where it was looked for."""


class EncoderError(FecbenchError):
    """An encoder can't be had, or doesn't fit the head or the task."""


class PluginError(FecbenchError):
    """A plugin can't be imported or isn't what it claims to be."""


class ProtocolError(FecbenchError):
    """An objective broke a rule of the trainer protocol."""


class NeedsError(FecbenchError):
    """A batch can't be what an objective needs."""


class NumericalError(FecbenchError):
    """A loss became infinite or NaN."""


class RunError(FecbenchError):
    """A run record is missing, broken, taken, or of another run."""


class ExportError(FecbenchError):
    """A model can't be written in a format, or what was written isn't the run's model."""
