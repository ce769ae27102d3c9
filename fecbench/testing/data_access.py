"""Detect data sets that an objective loads, and data files that it opens."""

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

CODE = {".py", ".pyc", ".so", ".pth"}  # files of imports


@dataclass
class DataAccess:
    """Files opened and data sets created while it is watched.

    Attributes:
        files: the stack of the first opening of each file, by its absolute path.
        loaded: the stacks that created an ``EmotionData``.
    """

    files: dict[str, traceback.StackSummary] = field(default_factory=dict)
    loaded: list[traceback.StackSummary] = field(default_factory=list)

    def forbidden(self, files: set[str]) -> tuple[str, traceback.StackSummary] | None:
        """Return a description and the stack of the first access to a data set or one of ``files``; None without it."""
        if self.loaded:
            return "a data set was loaded", self.loaded[0]
        return next(((f"{path} was opened", frames) for path, frames in self.files.items() if path in files), None)


class WatchRun:
    """An observer that records a run's data access after its own data is loaded."""

    def __init__(self, access: DataAccess):
        self._watch = watch(access)  # entered and left by hand, because no `with` can span two hooks

    @hookimpl
    def run_started(self) -> None:
        """Start recording; the run's own data and model are loaded."""
        self._watch.__enter__()

    @hookimpl
    def run_finished(self) -> None:
        """Stop recording; everything is predicted."""
        self._watch.__exit__(None, None, None)

    @hookimpl
    def run_failed(self) -> None:
        """Stop recording."""
        self._watch.__exit__(None, None, None)


def files_of(load: Callable[[], object]) -> set[str]:
    """Return the files that ``load`` opens, except modules and the metadata of packages."""
    with watch(DataAccess()) as access:
        load()
    return {
        path for path in access.files if Path(path).suffix not in CODE and not Path(path).parent.name.endswith("-info")
    }


@contextmanager
def watch(access: DataAccess) -> Iterator[DataAccess]:
    """Record in ``access`` the files opened and data sets created within."""
    _add_audit_hook()
    original = EmotionData.__init__

    def recorded(self: EmotionData, *arguments: Any, **named: Any) -> None:
        access.loaded.append(_frames())
        original(self, *arguments, **named)

    _WATCHED.append(access)
    try:
        # The class, not the functions that load: whichever of them is called, it makes an EmotionData.
        with patch.object(EmotionData, "__init__", recorded):
            yield access
    finally:
        _WATCHED.remove(access)


_WATCHED: list[DataAccess] = []


@cache
def _add_audit_hook() -> None:
    """Install the audit hook once: Python can't remove it, but it does nothing unless something is watched."""
    sys.addaudithook(_record_open)


def _record_open(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _WATCHED or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  doesn't resolve links
    for access in _WATCHED:
        if path not in access.files:  # extracting a stack is slow, and the first opening is the one to report
            access.files[path] = _frames()


def _frames() -> traceback.StackSummary:
    """Return the current stack, outermost frame first, without source lines: reading them would open files."""
    return traceback.StackSummary.extract(reversed(list(traceback.walk_stack(None))), lookup_lines=False)
