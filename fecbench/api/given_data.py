"""Turn data from memory into a data set's folder: lists, arrays, data frames and ``datasets.Dataset`` objects.

Runs read files alone, so that a record always names rows that can be read again. The rows are kept in a folder of the
user's cache that is named by their content: equal rows are written once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UsageError
from fecbench.core.files import replacing
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.locations import DataLocations

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FOLDER = "given"
COLUMNS = ("text", "label")


def dataset_of(data: object, name: str = "data") -> str:
    """Return the data set's name or path as a run's settings have it, after writing data from memory to the cache.

    Args:
        data: a registered name, a path or ``hf:owner/name``; or texts with labels: a pair ``(texts, labels)``, a frame
            of pandas, polars or pyarrow, or a ``datasets.Dataset``, with columns ``text`` and ``label``; or a mapping
            from ``train``, ``validation`` and ``test`` to such objects.
        name: name of data from memory, which the record shows.

    Raises:
        UsageError: ``data`` is something else, or lacks a column.
    """
    if isinstance(data, str | os.PathLike):
        return os.fspath(data)
    splits = dict(data) if isinstance(data, Mapping) else {"train": data}
    unknown = sorted(set(splits) - set(SPLITS))
    if unknown or "train" not in splits:
        raise UsageError(
            f"data must be a mapping from {', '.join(SPLITS)} to rows, train among them, but its keys are "
            f"{', '.join(map(str, splits))}; rename them"
        )
    return str(_written({split: _table(rows, split) for split, rows in splits.items()}, name))


def _written(tables: Mapping[str, pa.Table], name: str) -> Path:
    """Write each table as ``SPLIT.parquet`` to the folder of their content, and return the folder."""
    from pyarrow import parquet

    folder = DataLocations().cache.parent / FOLDER / _digest(tables) / name
    folder.mkdir(parents=True, exist_ok=True)
    for split, table in tables.items():
        path = folder / f"{split}.parquet"
        if not path.exists():
            with replacing(path, "the user cache") as draft:
                parquet.write_table(table, draft)
    return folder


def _digest(tables: Mapping[str, pa.Table]) -> str:
    import pyarrow as pa

    sha = hashlib.sha256()
    for split in sorted(tables):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, tables[split].schema) as writer:
            writer.write_table(tables[split].combine_chunks())
        sha.update(split.encode())
        sha.update(sink.getvalue())
    return sha.hexdigest()[:16]


def _table(rows: Any, split: str) -> pa.Table:
    """Return the rows of a split as a table with the columns text and label, and others that it has.

    Raises:
        UsageError: ``rows`` is no such object, or lacks a column.
    """
    import pyarrow as pa

    if isinstance(rows, tuple | list) and len(rows) == len(COLUMNS):
        texts, labels = rows
        if len(texts) != len(labels):
            raise UsageError(
                f"{split} must have a label for each text, but has {len(texts):,} texts and {len(labels):,} labels"
            )
        rows = pa.table({"text": [*texts], "label": [*labels]})
    table = _arrow(rows, split)
    lacking = [column for column in COLUMNS if column not in table.column_names]
    if lacking == ["label"] and split == "test":
        return table  # texts to predict
    if lacking:
        raise UsageError(
            f"{split} must have the columns text and label, but lacks {' and '.join(lacking)} (it has "
            f"{', '.join(table.column_names)}); rename its columns"
        )
    return table


def _arrow(rows: Any, split: str) -> pa.Table:
    import pyarrow as pa

    features = getattr(rows, "features", None)
    if features is not None and hasattr(rows, "with_format"):  # datasets.Dataset: its labels may be numbers with names
        table = rows.with_format("arrow")[:]
        names = getattr(features.get("label"), "names", None)
        if names:
            place = table.column_names.index("label")
            table = table.set_column(place, "label", pa.array(names).take(table.column("label")))
        return _plain(table)
    try:
        table = pa.table(rows)  # any object of the Arrow interface: frames of pandas, polars, pyarrow, duckdb
    except (TypeError, ValueError, pa.ArrowInvalid) as error:
        raise UsageError(
            f"{split} must be texts and labels, a data frame or a datasets.Dataset, but is {type(rows).__name__}; "
            "give (texts, labels)"
        ) from error
    # pandas adds its index as a column of this name
    return _plain(table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")]))


def _plain(table: pa.Table) -> pa.Table:
    """Return the table without metadata and with one type of strings, so that equal rows have equal digests."""
    import pyarrow as pa

    strings = (pa.large_string(), pa.string_view())
    fields = [pa.field(field.name, pa.string() if field.type in strings else field.type) for field in table.schema]
    return table.cast(pa.schema(fields))
