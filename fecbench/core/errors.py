"""All errors that fecbench raises on purpose. Each message names the requirement, the finding and the remedy.

::

    FecbenchError                 a run or command failed (exit code 1)
    ├── UsageError                the command or call is wrong (exit code 2)
    │   ├── LabellingError        an objective is for texts with other numbers of labels than a data set's
    │   └── UnknownName           a name is not registered, or no setting or run has it
    ├── DataError                 a data set is unreadable or invalid
    │   └── DataNotFound          a data set was not found
    ├── EncoderError              an encoder was not found, or does not fit the head or the task
    ├── PluginError               a plugin cannot be imported, breaks its interface or fails
    ├── ProtocolError             an objective broke a rule of the trainer protocol
    ├── NeedsError                a batch cannot meet an objective's requirements
    ├── NumericalError            a loss or a weight became infinite or NaN
    ├── RunError                  a run record is missing, broken, in use or of another run
    └── ExportError               a model cannot be exported, or the exported model predicts differently
"""

from collections.abc import Iterable
from difflib import get_close_matches


class FecbenchError(Exception):
    """Base of all errors that fecbench raises on purpose."""


class UsageError(FecbenchError):
    """The command or call is wrong."""


class LabellingError(UsageError):
    """An objective is for one label a text and the data set gives several, or the other way round.

    Also raised if the data set gives shares of labels, and the objective doesn't take them.
    """


class UnknownName(UsageError):
    """A name is unknown; the message suggests the nearest known name.

    >>> str(UnknownName("objective", "alm", ["aml", "ce"]))
    "no objective is called 'alm'; did you mean 'aml'? Known: aml, ce"
    >>> str(UnknownName("label", "joi", ["fear", "joy"], where="in the data set ge"))
    "no label in the data set ge is called 'joi'; did you mean 'joy'? Known: fear, joy"

    Args:
        kind: what the name should name, one noun.
        name: the unknown name.
        known: the known names.
        where: where they are known, a phrase that follows the noun; ``""`` for everywhere.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = ""):
        self.kind, self.name, self.known = kind, name, sorted(known)
        nearest = get_close_matches(name, self.known, n=1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        what = f"{kind} {where}".rstrip()
        super().__init__(f"no {what} is called {name!r}{hint} Known: {', '.join(self.known) or 'none'}")


class DataError(FecbenchError):
    """A data set is unreadable or invalid."""


class DataNotFound(DataError):
    """A data set was not found."""


class EncoderError(FecbenchError):
    """An encoder was not found, or does not fit the head or the task."""


class PluginError(FecbenchError):
    """A plugin cannot be imported, breaks its interface or fails."""


class ProtocolError(FecbenchError):
    """An objective broke a rule of the trainer protocol."""


class NeedsError(FecbenchError):
    """A batch cannot meet an objective's requirements."""


class NumericalError(FecbenchError):
    """A loss or a weight became infinite or NaN."""


class RunError(FecbenchError):
    """A run record is missing, broken, in use or of another run."""


class ExportError(FecbenchError):
    """A model cannot be exported, or the exported model predicts differently."""
