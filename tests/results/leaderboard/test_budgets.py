"""Settings without effect (limit, patience) make neither another row nor another budget."""

import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.formats import layout
from fecbench.runs.identity import differing_settings
from tests.support.records import LABELS


def rows_read(train: int, available: int | None = None) -> dict[str, object]:
    """Return a record's statement of its training rows; an older record lacks the number available."""
    data = {"name": "demo", "fingerprint": "rows of demo", "labels": list(LABELS)}
    told = {} if available is None else {"available": available}
    return {"dataset": data | {"rows": {"train": train, "validation": 9, "test": 150}} | told}


@pytest.mark.parametrize(
    ("about", "varying"),
    [
        (rows_read(32), ()),
        (rows_read(32, 32), ()),
        (rows_read(40, 40), ()),
        (rows_read(40, 41), ("limit",)),
        (rows_read(40), ("limit",)),
    ],
    ids=["fewer rows, older", "fewer rows", "as many rows", "more rows", "more rows, older"],
)
def test_a_limit_that_leaves_no_row_out_is_no_other_budget(make, about, varying):
    limited, other = make("ce", limit=40, about=about), make("supcon")
    (table,) = board_of_records([limited, other]).tables
    assert table.varying == varying
    one, two = (row.cells[0].conditions for row in table.rows)
    assert (one == two) == (not varying)
    assert ("limit" in differing_settings([limited, other])) == bool(varying)


def test_settings_without_effect_make_no_other_row(make):
    records = [make("ce", seed=0, about=rows_read(60, 60)), make("ce", seed=1, limit=1000, about=rows_read(60, 60))]
    records += [make("ce", seed=2, epochs=1, patience=9), make("ce", seed=3, limit=40, about=rows_read(40, 60))]
    (table,) = board_of_records(records).tables
    assert [layout.about(table, row) for row in table.rows] == [["ce", "first 40 rows"], ["ce", "all rows"]]
    assert [len(row.cells[0].runs) for row in table.rows] == [1, 3]
    assert [row.cells[0].settings["limit"] for row in table.rows] == [40, None]


@pytest.mark.parametrize(("patience", "varying"), [(20, ()), (2, ()), (1, ("patience",))])
def test_patience_beyond_the_epochs_is_no_other_budget(make, patience, varying):
    (table,) = board_of_records([make("ce", epochs=3, patience=3), make("aml", epochs=3, patience=patience)]).tables
    assert table.varying == varying
    one, other = (row.cells[0].conditions for row in table.rows)
    assert (one == other) == (not varying)
