"""The committed results: the records give the committed board, and the README shows none of mixed code."""

import pytest
from click.testing import CliRunner

from fecbench.cli import cli
from tests.support import ROOT

pytestmark = pytest.mark.slow

RESULTS = ROOT / "benchmarks" / "results"


@pytest.mark.parametrize("folder", sorted(RESULTS.iterdir()), ids=lambda folder: folder.name)
def test_the_records_give_the_board(folder):
    spec = ROOT / "benchmarks" / f"{folder.name}.toml"
    arguments = ["leaderboard", str(folder), "--spec", str(spec), "--format", "markdown", "--sort", "none"]
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == (folder / "board.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", sorted(RESULTS.iterdir()), ids=lambda folder: folder.name)
def test_nothing_is_there_that_must_not_be(folder):
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert names - {"validation.safetensors"} == {  # it is there for texts with several labels
        "run.json",
        "result.json",
        "history.jsonl",
        "predictions.safetensors",
        "board.md",
        "board.json",
        "board.html",
    }


@pytest.mark.parametrize("folder", sorted(RESULTS.iterdir()), ids=lambda folder: folder.name)
def test_the_readme_shows_no_row_of_a_board_of_mixed_code(folder):
    board = (folder / "board.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in board.splitlines() if line.startswith("|")][2:]
    assert rows
    assert "MIXED CODE" not in board or not set(rows) & set(readme)
