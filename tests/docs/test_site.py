"""The documentation site: its pages, its reference, its diagrams, and that it builds without a warning."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

import fecbench
import fecbench.sklearn
import fecbench.testing
from tests.support import ROOT

DOCS = ROOT / "docs"


def script(name: str):
    """Return a script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_has_every_public_name_once():
    named = re.findall(r"^::: (\S+)$", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    packages = (fecbench, fecbench.sklearn, fecbench.testing)
    assert sorted(named) == sorted(f"{package.__name__}.{name}" for package in packages for name in package.__all__)


def pages_of(entry: object) -> list[str]:
    """Return the pages of a navigation, those of its sections included."""
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in pages_of(part)]


def test_the_navigation_has_every_page_once():
    import yaml

    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("**/*.md")} - {"README.md"}
    listed = pages_of(config["nav"])
    assert len(listed) == len(set(listed))
    assert pages - set(listed) == set()
    assert set(listed) - pages == {"index.md", "contributing.md", "changelog.md"}


@pytest.mark.parametrize("name", script("make_diagrams").DIAGRAMS)
def test_the_diagrams_are_up_to_date(name):
    drawn = script("make_diagrams").DIAGRAMS[name]().svg()
    file = DOCS / "images" / f"{name}.svg"
    assert file.read_text(encoding="utf-8") == drawn, "run: python docs/make_diagrams.py"


def test_the_picture_of_the_architecture_has_every_wing_in_order():
    rows = script("make_diagrams").WINGS
    assert tuple(name for _, wings in rows for name, _ in wings) == script("make_imports").WINGS


def test_no_page_needs_a_script_of_the_network():
    """MkDocs would load Mermaid from the network."""
    for path in DOCS.glob("**/*.md"):
        assert "```mermaid" not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("mkdocstrings"), reason="needs fecbench[docs]")
def test_the_site_builds_strictly_and_needs_no_network(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for page in ("index.html", "api.html", "guides/train.html"):
        html = (tmp_path / "site" / page).read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img)[^>]* src="([^"]+)"|<link rel="stylesheet" href="([^"]+)"', html)
        assert not [address for pair in loaded for address in pair if "://" in address], page
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'href="guides/train.html"' in home  # the site is read as files too
    formulas = (tmp_path / "site" / "methods" / "ce.html").read_text(encoding="utf-8")
    assert formulas.count("<math") > 10
    assert "arithmatex" not in formulas  # no formula is left for a script to draw
