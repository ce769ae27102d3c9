"""Name the lines of code that led to an operation, outside torch and other libraries."""

from __future__ import annotations

import sysconfig
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

LIBRARIES = ("accelerate", "joblib", "numpy", "sklearn", "torch", "transformers")
LINES = 2  # lines of code that are named, innermost first
BACKWARD = "a backward pass"  # autograd's thread has no line of Python


def current_line() -> str:
    """Return the innermost lines of code outside libraries that led here."""
    return lines_of(traceback.walk_stack(None)) or BACKWARD


def lines_of(frames: Iterable[tuple[FrameType, int]]) -> str:
    """Return the first lines of ``frames``, innermost first, outside libraries; empty if all are inside."""
    lines = [
        f"{frame.f_code.co_filename}:{line} ({frame.f_code.co_name})"
        for frame, line in frames
        if not _in_library(frame.f_code.co_filename)
    ]
    return " < ".join(lines[:LINES])


def _in_library(path: str) -> bool:
    """Return True for files of libraries, of Python itself and of this check."""
    return path.startswith(FOLDERS) or (path.startswith(STANDARD) and not path.startswith(INSTALLED))


def _library_folders() -> list[str]:
    specs = [find_spec(name) for name in LIBRARIES]
    return [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]


FOLDERS = (*_library_folders(), str(Path(__file__).parent), "<")
STANDARD = sysconfig.get_path("stdlib")
INSTALLED = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))  # may be within the standard library's
