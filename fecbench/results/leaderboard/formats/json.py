"""Render a board as JSON, with all its data, full tests and unrounded numbers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fecbench.results.leaderboard.formats.layout import best, caption

if TYPE_CHECKING:
    from fecbench.results.leaderboard.board import Board, Cell, Column, Comparison, Table
    from fecbench.results.leaderboard.run import Run


def json_text(board: Board) -> str:
    """Return the board as JSON. Runs have ids, never paths.

    Scores and gains are fractions, except for metrics whose column has another unit than percent.
    """
    content = {
        "title": board.title,
        "tables": [_table(table) for table in board.tables],
        "published": _table(board.published) if board.published else None,
        "notes": board.notes,
    }
    # NaN isn't JSON, although Python writes it: other programs would refuse the whole file.
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "caption": caption(table),
        "best": best(table),
        "declared": table.declared,
        "labelling": table.labelling,
        "columns": [_column(table, column) for column in table.columns],
        "datasets": [asdict(version) for version in table.datasets],
        "rows": [
            {
                "method": row.name,
                "objective": row.objective,
                "cells": [_cell(table, number, dataset, cell) for dataset, cell in enumerate(row.cells)],
            }
            for number, row in enumerate(table.rows)
        ],
        "gains": [
            {"method": table.rows[gain.row].name, **_of_column(table, column), "gain": value}
            for gain in table.gains
            for column, value in zip(table.columns, gain.values, strict=True)
        ],
        "significance": [_comparison(table, column, pair) for column in table.columns for pair in column.comparisons],
        "most_frequent": _most_frequent(table),
        "notes": table.notes,
    }


def _most_frequent(table: Table) -> dict[str, Any] | None:
    row = table.most_frequent
    if row is None:
        return None
    return {
        "name": row.name,
        "labels": [
            {"dataset": version.name, "label": label} for version, label in zip(table.datasets, row.labels, strict=True)
        ],
        "scores": [
            {**_of_column(table, column), "score": value}
            for column, value in zip(table.columns, row.values, strict=True)
        ],
    }


def _cell(table: Table, number: int, dataset: int, cell: Cell) -> dict[str, Any]:
    columns = [column for column in table.columns if column.dataset == dataset and column.metric in cell.scores]
    return {
        "dataset": table.datasets[dataset].name,
        "scores": {
            column.metric: {**asdict(cell.scores[column.metric]), **_place(number, column)} for column in columns
        },
        "settings": cell.settings,
        "runs": [_run(run) for run in cell.runs],
        "missing": [asdict(gap) for gap in cell.missing],
        "footnote": cell.footnote,
    }


def _place(number: int, column: Column) -> dict[str, Any]:
    return {
        "group": column.group(number),
        "best": number in column.best,
        "second": number in column.second,
        "beaten": column.beaten(number),
    }


def _run(run: Run) -> dict[str, Any]:
    about = {
        key: getattr(run, key) for key in ("seed", "started", "code", "precision", "revision", "weights", "fingerprint")
    }
    if run.fold is not None:
        about["fold"] = run.fold
    return {"id": run.record.id, **about, "notes": run.notes}


def _column(table: Table, column: Column) -> dict[str, Any]:
    return {
        **_of_column(table, column),
        "label": column.label,
        "lower_is_better": column.lower,
        "unit": column.unit,
    }


def _of_column(table: Table, column: Column) -> dict[str, str]:
    return {"dataset": table.datasets[column.dataset].name, "metric": column.metric}


def _comparison(table: Table, column: Column, pair: Comparison) -> dict[str, Any]:
    names = {"best": table.rows[pair.best].name, "other": table.rows[pair.other].name}
    return {**_of_column(table, column), **asdict(pair), **names, "p": pair.p, "significant": pair.significant}
