"""Digest the source code of a package."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

INTERACTIVE = "interactive"  # in place of a digest if sources come from no file


def source_digest(package: str) -> str:
    """Return a digest of the sources of an imported top-level package or single-file module, or ``INTERACTIVE``."""
    module = sys.modules.get(package)
    origin = getattr(module, "__file__", None)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]  # a namespace package has no file
    if origin is None and not folders:
        return INTERACTIVE  # a notebook or a prompt has no source file
    sha = hashlib.sha256()
    path = Path(origin) if origin else folders[0] / "__init__.py"
    sources = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    for source in sources:
        # Relative names: equal sources have one digest wherever they are installed.
        sha.update(source.relative_to(path.parent).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    return sha.hexdigest()
