"""Who reads rows that nobody gave it: data sets that are loaded, and files of theirs that are opened, while an objective has the word."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from fecbench.core.hooks import hookimpl
from fecbench.data.datasets.dataset import EmotionData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CODE = {".py", ".pyc", ".so", ".pth"}


@dataclass
class Reading:
    """What is read while it is watched: the files opened, and the data sets made, each with the frames that led there."""

    files: dict[str, traceback.StackSummary] = field(default_factory=dict)
    loaded: list[traceback.StackSummary] = field(default_factory=list)

    def forbidden(self, files: set[str]) -> tuple[str, traceback.StackSummary] | None:
        """The first reading of a data set, or of one of its ``files``, in words and with its frames."""
        if self.loaded:
            return "a data set was loaded", self.loaded[0]
        return next(((f"{path} was opened", frames) for path, frames in self.files.items() if path in files), None)


class WatchedRun:
    """Watches what a run reads from its start, when its own data is loaded, to its end."""

    def __init__(self, reading: Reading):
        self._watch = watching(reading)

    @hookimpl
    def run_started(self) -> None:
        """The run's own data and model stand."""
        self._watch.__enter__()

    @hookimpl
    def run_finished(self) -> None:
        """Everything is predicted."""
        self._watch.__exit__(None, None, None)

    @hookimpl
    def run_failed(self) -> None:
        """The watch ends with the run."""
        self._watch.__exit__(None, None, None)


def files_of(load: Callable[[], object]) -> set[str]:
    """The data files that ``load`` opens; modules and the metadata of packages aren't."""
    with watching(Reading()) as reading:
        load()
    return {
        path for path in reading.files if Path(path).suffix not in CODE and not Path(path).parent.name.endswith("-info")
    }


@contextmanager
def watching(reading: Reading) -> Iterator[Reading]:
    """Note in ``reading`` what is opened and loaded within."""
    _listen()
    made = EmotionData.__init__

    def noted(self: EmotionData, *arguments: Any, **named: Any) -> None:
        reading.loaded.append(_frames())
        made(self, *arguments, **named)

    _WATCHES.append(reading)
    try:
        with patch.object(EmotionData, "__init__", noted):
            yield reading
    finally:
        _WATCHES.remove(reading)


_WATCHES: list[Reading] = []


@cache
def _listen() -> None:
    """Hear of every file that this process opens from now on; such a hook can't be taken away, but says nothing unless somebody watches."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _WATCHES or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  links stay as they are
    for reading in _WATCHES:
        if path not in reading.files:
            reading.files[path] = _frames()


def _frames() -> traceback.StackSummary:
    """The frames up to here, outermost first; their lines aren't looked up, since that would open files."""
    return traceback.StackSummary.extract(reversed(list(traceback.walk_stack(None))), lookup_lines=False)
