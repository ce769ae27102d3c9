"""Turn data from memory into a data set's folder: lists, arrays, data frames and ``datasets.Dataset`` objects.

Runs read files alone, so that a record always names rows that can be read again. The rows are kept in a folder of the
user's cache that is named by their content: equal rows are written once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import UsageError
from fecbench.core.files import replacing, writing
from fecbench.core.paths import path_text
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.locations import DataLocations

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

FOLDER = "given"
CACHE = "choose another name, or free space in the user cache or make it writable"  # how a message ends


def dataset_of(data: object, name: str = "data") -> str:
    """Return the data set's name or path as a run's settings have it, after writing data from memory to the cache.

    Args:
        data: a registered name, a path or ``hf:owner/name``; or texts with labels: a pair ``(texts, labels)``, or a
            frame of pandas, polars or pyarrow, a ``datasets.Dataset`` or a mapping with columns ``text`` and ``label``
            (or those that ``text_column`` and ``label_column`` name); or a mapping from ``train``, ``validation`` and
            ``test`` to such objects.
        name: name of data from memory, which the record shows.

    Raises:
        UsageError: ``data`` is something else, or ``name`` is no name of a folder.
    """
    if isinstance(data, str | os.PathLike):
        return data if isinstance(data, str) else path_text(data)
    if not isinstance(name, str) or Path(name).name != name or name in ("", "..") or not name.isprintable():
        raise UsageError(f"name must be a folder's name in printable characters, but is {name!r}; choose another")
    splits = _by_split(data)
    unknown = sorted(map(str, set(splits) - set(SPLITS)))
    if unknown or "train" not in splits:
        raise UsageError(
            f"data must be a mapping from {', '.join(SPLITS)} to rows, train among them, but its keys are "
            f"{', '.join(map(str, splits))}; rename them"
        )
    return str(_written({split: _table(rows, split) for split, rows in splits.items()}, name))


def _by_split(data: object) -> dict[Any, Any]:
    """Return a mapping of splits as it is; any other object, such as a mapping of columns, as the training rows."""
    if isinstance(data, Mapping) and "text" not in data and not data.keys().isdisjoint(SPLITS):
        return dict(data)
    return {"train": data}


def _written(tables: Mapping[str, pa.Table], name: str) -> Path:
    """Write each table as ``SPLIT.parquet`` to the folder of their content, and return the folder."""
    from pyarrow import parquet

    folder = DataLocations().cache.parent / FOLDER / _digest(tables) / name
    with writing(folder, CACHE):
        folder.mkdir(parents=True, exist_ok=True)
    for split, table in tables.items():
        path = folder / f"{split}.parquet"
        if not path.exists():
            with replacing(path, CACHE) as draft:
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
    """Return the rows of a split as a table.

    Raises:
        UsageError: ``rows`` is no such object, or holds values that no file can.
    """
    import pyarrow as pa

    try:
        if isinstance(rows, tuple) and len(rows) == 2:
            return _plain(_of_pair(*rows, split))
        if hasattr(rows, "features") and hasattr(rows, "__len__"):  # datasets.Dataset, not a stream of rows
            return _plain(_of_dataset(rows))
        table = pa.table(rows)  # any object of the Arrow interface: frames of pandas, polars, pyarrow, duckdb
        # pandas adds its index as a column of this name
        return _plain(table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")]))
    except (TypeError, ValueError, pa.ArrowException) as error:
        reason = " ".join(map(str, error.args))
        raise UsageError(
            f"{split} must be (texts, labels), a data frame or a datasets.Dataset, but is {type(rows).__name__} that "
            f"can't be read as one ({reason}); correct it, or give (texts, labels)"
        ) from error


def _of_pair(texts: Any, labels: Any, split: str) -> pa.Table:
    """Return the table of texts and labels: lists, arrays or columns of data frames.

    Raises:
        UsageError: one has several columns, or there are more texts than labels or fewer.
    """
    import pyarrow as pa

    for what, values in (("texts", texts), ("labels", labels)):
        if isinstance(values, str) or len(getattr(values, "shape", (0,))) > 1:
            raise UsageError(
                f"{split} must have a list or column of {what}, but they are {type(values).__name__}; give a list "
                "(or a frame with a column of 0 and 1 for each label, and label_columns)"
            )
    texts, labels = list(texts), list(labels)
    if len(texts) != len(labels):
        raise UsageError(
            f"{split} must have a label for each text, but has {len(texts):,} texts and {len(labels):,} labels; "
            "correct one of them"
        )
    # from_pandas: a missing label is NaN there
    return pa.table({"text": pa.array(texts, from_pandas=True), "label": pa.array(labels, from_pandas=True)})


def _of_dataset(rows: Any) -> pa.Table:
    """Return the table of a ``datasets.Dataset``, with names instead of the numbers of its classes."""
    import pyarrow as pa

    from fecbench.data.datasets.files.parquet_rows import names_of

    table = rows.with_format("arrow")[:]
    for place, column in enumerate(table.column_names):
        if names := names_of(rows.features[column]):
            named = [_named(value, names) for value in table.column(place).to_pylist()]
            table = table.set_column(place, column, pa.array(named))
    return table


def _named(value: Any, names: Sequence[str]) -> Any:
    """Return the name of a class, a list of names for several, None for -1, which stands for an unknown class."""
    if isinstance(value, list):
        return [_named(number, names) for number in value]
    return None if value is None or value < 0 else names[value]


def _plain(table: pa.Table) -> pa.Table:
    """Return the table without metadata and with one type of strings, so that equal rows have equal digests."""
    import pyarrow as pa

    return pa.table([_plain_column(column) for column in table.columns], names=table.column_names)


def _plain_column(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    import pyarrow as pa

    kind = _plain_type(column.type)
    if pa.types.is_dictionary(column.type):  # Arrow can't cast the categories of polars
        return pa.array(column.to_pylist(), kind)
    return column.cast(kind)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):  # categories
        return _plain_type(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    return pa.string() if kind in (pa.large_string(), pa.string_view()) else kind
