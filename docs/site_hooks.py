"""Fit the pages of the repository to the documentation site (hooks of MkDocs, see mkdocs.yml).

The site takes README.md, CONTRIBUTING.md, CHANGELOG.md and the example notebook from the root of the repository. Links
to files that the site lacks, such as source files, become plain text. Formulas become MathML, which browsers draw
without a script.
"""

import re
from html import unescape
from pathlib import Path, PurePosixPath
from typing import Any

from docutils.utils.math.latex2mathml import tex2mathml
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
FROM_ROOT = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "notebook.ipynb": "examples/notebook.ipynb",  # to be downloaded
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#\s]*)(#[^)\s]*)?\)")
ROLE = re.compile(r":(?:func|class|meth|attr|mod|data):<code>([^<]*)</code>")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)  # of pymdownx.arithmatex
NO_SPACE = re.compile(r"<mo>&ApplyFunction;</mo>(?!\s*<mo)")  # browsers would write "log p" without a space


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures from the root of the repository; leave out the index that GitHub shows."""
    kept = Files([file for file in files if file.src_uri != "README.md"])
    for page, source in FROM_ROOT.items():
        kept.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return kept


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001  MkDocs's signature
    """Return the page with links that lead to pages of the site; others become plain text."""
    source = FROM_ROOT.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    folder = PurePosixPath(source).parent

    def fitted(match: re.Match[str]) -> str:
        mark, text, target, anchor = match.group(1), match.group(2), match.group(3), match.group(4) or ""
        if not target or "://" in target:
            return match.group(0)
        uri = _on_site(folder / target)
        if files.get_file_from_path(uri) is None:
            return text
        return f"{mark}[{text}]({_relative(uri, page.file.src_uri)}{anchor})"

    return LINK.sub(fitted, markdown)


def _on_site(path: PurePosixPath) -> str:
    """Return the place on the site of a file of the repository, such as ``data.md`` for ``docs/data.md``."""
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    uri = "/".join(parts)
    places = {source: page for page, source in FROM_ROOT.items()} | {"docs/README.md": "index.md"}
    return places.get(uri, uri.removeprefix("docs/"))


def _relative(target: str, page: str) -> str:
    """Return the path from a page to a target, both from the root of the site."""
    return "../" * page.count("/") + target


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001  MkDocs's signature
    """Return the page with formulas as MathML, and without the roles of docstrings, such as ``:func:``."""
    return FORMULA.sub(_formula, ROLE.sub(_code, html))


def _code(role: re.Match[str]) -> str:
    """Return the name that a reference of a docstring shows."""
    return f"<code>{role[1].lstrip('~').removeprefix('fecbench.')}</code>"


def _formula(formula: re.Match[str]) -> str:
    """Return a formula of LaTeX as MathML, in a line of its own if it stands in one."""
    mathml = tex2mathml(unescape(formula[2]), as_block=formula[1] == "div")
    return NO_SPACE.sub('<mspace width="0.17em"/>', mathml)
