"""The documentation is true: its pages are up to date, its commands and its code run, its links lead somewhere."""

import importlib.util
import re
import shlex
import shutil

import pytest

from fecbench import Objective
from tests.support import ROOT
from tests.support.train import train


def test_the_command_line_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "run: python docs/make_cli.py"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/plugins.md"])
def test_python_blocks_run_and_their_objectives_train(page, toy, tmp_path, monkeypatch, registered):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    kinds = [
        kind
        for kind in names.values()
        if isinstance(kind, type) and issubclass(kind, Objective) and kind is not Objective
    ]
    assert kinds
    for kind in kinds:
        record = train(registered(kind.__name__.lower(), kind), toy, tmp_path / kind.__name__, device="cpu")
        assert record.status == "complete"


def errands(language: str) -> list[str]:
    """Return the blocks of a language that README shows under "What you can do with it"; commands have none."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## What you can do with it\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return [block for found, block in blocks if found == language]


@pytest.mark.slow
def test_the_sequence_of_the_readme_works(fecbench, runs_here, demo_bench, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Its bench finds its runs complete: tests/bench carries them out by the same command.
    shutil.copytree(demo_bench[0], tmp_path / "runs" / "demo")
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    toy.rename(tmp_path / "my-data")
    commands = [shlex.split(line, comments=True) for block in errands("") for line in block.splitlines()]
    assert len(commands) > 10
    for name, *arguments in commands:
        assert name == "fecbench"
        code, out, err = fecbench(*arguments)
        # a dry run ends with 1 if something can't start here, such as rows with encoders of the hub
        assert code == 0 or (code == 1 and "--dry-run" in arguments), f"{arguments}: {out}{err}"
        assert out or err


@pytest.mark.slow
def test_the_python_of_the_readme_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = errands("python")
    exec(block, {})
    assert list((tmp_path / "runs").iterdir())


def test_the_pictures_of_the_readme_are_there_and_small():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert pictures
    assert all((ROOT / picture).stat().st_size < 200_000 for picture in pictures)


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "tests" / "README.md"]


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert link.startswith("http") or (page.parent / link).exists(), link
