"""Write a data set as Parquet files with a ``dataset.toml`` that describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from fecbench.core.toml_text import to_toml
from fecbench.data.datasets.description.facts import UNKNOWN_LICENCE
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.description.toml_file import FILE
from fecbench.data.datasets.own.load_path import UNTITLED
from fecbench.data.datasets.rows import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from datasets import Dataset

    from fecbench.data.datasets.dataset import EmotionData


ABOUT = ("title", "licence", "homepage", "language", "citation", "metric", "note")  # keys of a description
NAMED = ("id", "group")  # columns that a description must name


def write_dataset(data: EmotionData, folder: Path) -> None:
    """Write the splits of ``data`` as ``train.parquet`` and so on, and ``dataset.toml``, into the empty ``folder``.

    Labels are written by name. Loading the folder gives equal rows, and so an equal fingerprint.
    """
    for split, rows in data.text_splits.items():
        _write(rows, data.labels, folder / f"{split}.parquet")
    (folder / FILE).write_text(to_toml(_content(data)), encoding="utf-8")


def _write(rows: Dataset, labels: Sequence[str], path: Path) -> None:
    """Write a split in chunks, so that a large one doesn't fill the memory."""
    schema = pa.schema([(name, pa.string()) for name in rows.column_names])
    with parquet.ParquetWriter(path, schema) as writer:
        for table in _tables(rows, labels):
            writer.write_table(table.cast(schema))


def _tables(rows: Dataset, labels: Sequence[str]) -> Iterator[pa.Table]:
    names, arrow = pa.array(labels, pa.string()), rows.with_format("arrow")
    for start in range(0, len(rows), CHUNK):
        table = arrow[start : start + CHUNK]
        if "label" in table.column_names:
            place = table.column_names.index("label")
            table = table.set_column(place, "label", names.take(table.column("label")))
        yield table


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
            "labels": {"names": list(data.labels), "descriptions": dict(data.descriptions)},
        }
    )
    return description.model_dump(exclude_defaults=True)
