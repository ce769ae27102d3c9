"""The code on the pages is true: it runs, or the page says why it can't run in a test and its options are known."""

import click
import pytest

from fecbench.cli import cli
from tests.support import ROOT
from tests.support.page_blocks import Block, blocks
from tests.support.page_reader import PageReader

GUIDES = [f"docs/guides/{path.name}" for path in sorted((ROOT / "docs" / "guides").glob("*.md"))]
RUN = [*(f"docs/{name}.md" for name in ("quickstart", "python", "terminal", "export")), *GUIDES]
# Their blocks run in tests of their own: tests/cli/test_docs.py, tests/data/datasets/test_data_guide.py.
RUN_ELSEWHERE = ["README.md", "docs/plugins.md", "docs/data.md"]
OTHERS = sorted(
    page
    for path in [ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
    if (page := path.relative_to(ROOT).as_posix()) not in [*RUN, *RUN_ELSEWHERE]
)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_blocks_of_a_page_run_in_order(page, fecbench, runs_here, install, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    reader, followed = PageReader(fecbench, install, monkeypatch), 0
    for block in blocks(ROOT / page):
        reader.follow(block)
        followed += (block.is_python or block.is_shell) and not block.not_run
    assert followed


@pytest.mark.parametrize("page", OTHERS)
def test_code_that_does_not_run_says_why(page):
    silent = [block.place for block in blocks(ROOT / page) if (block.is_python or block.is_shell) and not block.not_run]
    assert silent == []


def commands(block: Block) -> list[list[str]]:
    """Return the words of each command of fecbench in a block."""
    return [words[1:] for words in block.commands() if words[:1] == ["fecbench"]]


def options(words: list[str]) -> set[str]:
    """Return the options that a command has, given the words after ``fecbench``."""
    command: click.Command = cli
    context = cli.make_context("fecbench", [], resilient_parsing=True)
    for word in words:
        if not isinstance(command, click.Group) or word.startswith("-"):
            break
        found = command.get_command(context, "aml" if word.isupper() else word)  # METHOD stands for a method
        if found is None:
            break
        command, context = found, click.Context(found, parent=context, info_name=word)
    return {name for option in command.params for name in [*option.opts, *option.secondary_opts]} | {"-h", "--help"}


NOT_RUN = [block for page in [*RUN, *OTHERS] for block in blocks(ROOT / page) if block.is_shell and block.not_run]


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.place)
def test_commands_that_do_not_run_have_known_options(block):
    for words in commands(block):
        used = {word.partition("=")[0] for word in words if word.startswith("-") and len(word) > 1}
        assert used <= options(words), words
