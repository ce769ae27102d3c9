"""Tell registered names, paths and hub addresses of data sets apart."""

from __future__ import annotations

import os

HUB_PREFIX = "hf:"


def is_path(name: str) -> bool:
    """Whether ``name`` is written as a path: with a separator, or starting with ``.`` or ``~``."""
    return name.startswith((".", "~")) or any(mark and mark in name for mark in (os.sep, os.altsep))
