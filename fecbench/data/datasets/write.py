"""Write a data set as Parquet files with a ``dataset.toml`` that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from fecbench.core.toml_text import to_toml
from fecbench.data.datasets.description.facts import UNKNOWN_LICENCE
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.description.toml_file import FILE
from fecbench.data.datasets.own.load_path import UNTITLED
from fecbench.data.datasets.rows import CHUNK, label_columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from datasets import Dataset

    from fecbench.data.datasets.dataset import EmotionData


ABOUT = ("title", "display", "licence", "homepage", "language", "citation", "metric", "note")  # keys of a description
NAMED = ("id", "group")  # columns that a description must name


def write_dataset(data: EmotionData, folder: Path) -> None:
    """Write the splits of ``data`` as ``train.parquet`` and so on, and ``dataset.toml``, into the empty ``folder``.

    Labels are written by name: one, a list of them, or a map of them to shares. Loading the folder gives equal rows,
    and so an equal fingerprint.
    """
    for split, rows in data.text_splits.items():
        _write(rows, data.labels, folder / f"{split}.parquet")
    (folder / FILE).write_text(to_toml(_content(data)), encoding="utf-8")


def _write(rows: Dataset, labels: Sequence[str], path: Path) -> None:
    """Write a split in chunks, so that a large one doesn't fill the memory."""
    texts = [name for name in rows.column_names if name not in label_columns_of(rows)]
    schema = pa.schema([*((name, pa.string()) for name in texts), *_label_type(rows)])
    with parquet.ParquetWriter(path, schema) as writer:
        for table in _tables(rows, labels):
            writer.write_table(table.select(schema.names).cast(schema))


def _label_type(rows: Dataset) -> list[tuple[str, pa.DataType]]:
    """Return name and type of the label's column; none if the rows have no labels."""
    columns = label_columns_of(rows)
    if len(columns) < 2:
        kinds = {"label": pa.string(), "labels": pa.list_(pa.string())}
        return [("label", kinds[column]) for column in columns]
    return [("label", pa.map_(pa.string(), pa.float32()))]


def _tables(rows: Dataset, labels: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows in chunks, with a column ``label`` of names."""
    names, arrow, columns = pa.array(labels, pa.string()), rows.with_format("arrow"), label_columns_of(rows)
    for start in range(0, len(rows), CHUNK):
        table = arrow[start : start + CHUNK]
        if columns:
            cells = [table.column(column).combine_chunks() for column in columns]
            table = table.drop_columns(columns).append_column("label", _named(names, *cells))
        yield table


def _named(names: pa.Array, numbers: pa.Array, weights: pa.Array | None = None) -> pa.Array:
    """Return labels by name: one a row, a list of them, or a map of them to their weights."""
    if not pa.types.is_list(numbers.type):
        return names.take(numbers)
    named = names.take(numbers.flatten())
    sizes = [len(row) for row in numbers.to_pylist()]
    offsets = pa.array(np.cumsum([0, *sizes]), pa.int32())
    if weights is not None:
        return pa.MapArray.from_arrays(offsets, named, weights.flatten())
    return pa.ListArray.from_arrays(offsets, named)


def _content(data: EmotionData) -> dict[str, Any]:
    """Return the content of ``dataset.toml``."""
    known = {key: getattr(data.info, key) for key in ABOUT}
    about = {key: value for key, value in known.items() if value not in ("", UNTITLED, UNKNOWN_LICENCE)}
    # named only if all splits have it: a split without a column that the description names is refused
    columns = {name: name for name in NAMED if all(name in rows.column_names for rows in data.text_splits.values())}
    description = Description.model_validate(
        {
            **about,
            "files": {split: f"{split}.parquet" for split in data.text_splits},
            "columns": columns,
            "labels": {"names": list(data.labels), "descriptions": dict(data.descriptions), **_labelling(data)},
        }
    )
    return description.model_dump(exclude_defaults=True)


def _labelling(data: EmotionData) -> dict[str, Any]:
    """Return the keys that say how labels relate to each other."""
    background = {"background": list(data.info.background)}
    return background if data.one_label else {"labelling": data.labelling, **background}
