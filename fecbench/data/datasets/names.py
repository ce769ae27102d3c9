"""Tell registered names, paths and hub addresses of data sets apart."""

from __future__ import annotations

import os

HUB_PREFIX = "hf:"


def is_path(name: str) -> bool:
    """Return True if ``name`` is written as a path: it has a path separator, or starts with ``.`` or ``~``."""
    separators = [separator for separator in (os.sep, os.altsep) if separator]
    return name.startswith((".", "~")) or any(separator in name for separator in separators)
