"""What the self-contained web pages share: the environment of their templates, and their Content Security Policy."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

if TYPE_CHECKING:
    from pathlib import Path


def environment(*folders: Path) -> Environment:
    """Return an environment for the templates in ``folders``: it escapes every value and raises for unknown names."""
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(folders),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def policy(style: str, script: str = "") -> str:
    """Return a page's Content Security Policy: load nothing, and run only this style and script.

    It protects the reader even if a text from a record or a data set should get into the page unescaped.
    """
    allowed = {"default-src": "'none'", "img-src": "data:", "style-src": _hash(style)}
    if script:
        allowed["script-src"] = _hash(script)
    return "; ".join(f"{what} {where}" for what, where in {**allowed, "base-uri": "'none'"}.items())


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
