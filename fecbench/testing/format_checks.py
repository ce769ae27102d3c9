"""The conformance kit for leaderboard formats."""

from __future__ import annotations

from fecbench.core import registry
from fecbench.results.leaderboard.board import Board, Cell, Column, DatasetVersion, Row, Score, Table
from fecbench.results.leaderboard.formats.registered import render
from fecbench.testing.plugin_checks import PluginConformance


class FormatConformance(PluginConformance):
    """Checks of the leaderboard format registered as ``name``."""

    registered_in = registry.formats

    def test_it_renders_boards(self) -> None:
        """It returns text for boards without tables, with one row, and with missing scores."""
        for board in (Board("An empty board", ()), toy_board(rows=1), toy_board()):
            render(board, self.name)

    def test_it_shows_rows_and_repeats_itself(self) -> None:
        """The text names each method and is the same for the same board."""
        text = render(toy_board(), self.name)
        missing = [row.name for row in toy_board().tables[0].rows if row.name not in text]
        self.require(not missing, "the name of each method in the text", f"no {', '.join(missing)}")
        self.require(text == render(toy_board(), self.name), "the same text for the same board", "another text")


def toy_board(rows: int = 3) -> Board:
    """Return a board of made-up scores; of several rows the last has no score on the second data set."""
    datasets = (
        DatasetVersion("moods", "Moods, made up", "0" * 64),
        DatasetVersion("weather", "Weather, made up", "1" * 64),
    )
    settings = {"encoder": "scratch", "epochs": 8, "patience": 4, "limit": None, "batch_size": 32}

    def cell(mean: float) -> Cell:
        return Cell({"accuracy": Score.of({0: mean, 1: mean + 0.01})}, settings)

    made = [Row(f"method{n}", f"method{n}", (cell(0.8 - n / 10), cell(0.7 - n / 10))) for n in range(rows)]
    first: tuple[int, ...] = ()
    second: tuple[int, ...] = ()
    if rows > 1:
        made[-1] = Row(made[-1].name, made[-1].objective, (made[-1].cells[0], Cell({}, {})))
        first, second = (0,), (1,)  # a single row isn't ranked
    columns = tuple(Column(dataset, "accuracy", "Acc", first, second) for dataset in range(2))
    return Board(
        "Made-up scores",
        (Table("Two data sets", datasets, columns, tuple(made), notes=("made up",)),),
        notes=("a check",),
    )
