"""Fixture of the tests of the page: a board of runs that have something to draw."""

from dataclasses import replace

import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.board import Board
from fecbench.results.leaderboard.paper_table import published
from tests.support.page import lived


@pytest.fixture
def board(three, make) -> Board:
    """Two methods with three seeds, a third one with one, what was published, and a note."""
    records = [lived(record) for record in [*three, make("supcon", accuracy=0.5, seed=0)]]
    return replace(board_of_records(records), published=published(), notes=("a note on all",))
