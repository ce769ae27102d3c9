"""Names of a board's rows, and planned runs for a board of a selection."""

from fecbench.bench.planned_run import PlannedRun
from fecbench.runs.plan import plan
from tests.support.records import SMALL


def names(board):
    return [[row.name for row in table.rows] for table in board.tables]


def cells(row: str, method: str, seeds=range(3), **flags):
    return [PlannedRun(row, plan(method, {**SMALL, "seed": seed, **flags})) for seed in seeds]
