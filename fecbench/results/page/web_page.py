"""The template environment, the style sheet and the Content Security Policy of self-contained pages."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fecbench.results.page import charts

FOLDER = Path(__file__).parent


def environment(*folders: Path) -> Environment:
    """Return an environment for the templates in ``folders`` and the shared ones.

    It escapes every value and raises for unknown names.
    """
    templates = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader((*folders, FOLDER)),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.globals["charts"] = charts
    return templates


def style_sheet(*files: Path) -> str:
    """Return the style sheet of all pages, followed by those in ``files``."""
    return "\n".join(file.read_text(encoding="utf-8") for file in (FOLDER / "page.css", *files))


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
