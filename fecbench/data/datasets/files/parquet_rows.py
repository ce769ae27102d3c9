"""Read rows of Parquet, with the label names of a ClassLabel column that ``datasets`` wrote."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import pyarrow
from pyarrow import parquet

from fecbench.core.errors import DataError
from fecbench.data.datasets.description.wanted_columns import only_label_column
from fecbench.data.datasets.files.delimited import check_named_once
from fecbench.data.datasets.files.opening import open_unpacked
from fecbench.data.datasets.rows import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fecbench.data.datasets.description.schema import ColumnNames, FileFormat
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.files.source_files import SourceFile


def read_parquet(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:  # noqa: ARG001
    """Yield the rows of a Parquet file; class numbers become names, and columns of times are left out.

    Raises:
        DataError: it is not a readable Parquet file, or a column is named twice.
    """
    name = str(file)
    with (
        _explained(file),
        _seekable(file) as content,
        parquet.ParquetFile(content, page_checksum_verification=True) as table,
    ):
        schema = table.schema_arrow
        check_named_once(schema.names, name)
        label = only_label_column(columns, schema.names)
        names = _class_names(schema, label)
        # a time is neither text nor label, and Python's own type can't hold all of Parquet's times
        wanted = [column.name for column in schema if not pyarrow.types.is_temporal(column.type)]
        rows = (row for part in table.iter_batches(CHUNK, columns=wanted) for row in part.to_pylist())
        for number, row in enumerate(rows, 1):
            if label and names:
                row[label] = class_name(row[label], names)
            yield f"{name}, row {number}", row


def schema_class_names(file: SourceFile, columns: ColumnNames) -> tuple[str, ...]:
    """Return the label names in the schema of a Parquet file written by ``datasets``; ``()`` if there are none.

    Raises:
        DataError: it is not a readable Parquet file.
    """
    with _explained(file), _seekable(file) as content:
        schema = parquet.read_schema(content)
        return _class_names(schema, only_label_column(columns, schema.names))


@contextmanager
def _explained(file: SourceFile) -> Iterator[None]:
    """Turn errors of reading Parquet into DataError."""
    try:
        yield
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())  # it may have several lines
        raise DataError(f"{file} must be a readable Parquet file: {reason}; write it again") from error


@contextmanager
def _seekable(file: SourceFile) -> Iterator[Path | IO[bytes]]:
    """Yield a file that can be read from the end, as Parquet is; a packed file is unpacked to a temporary one."""
    if not file.member and not file.unpacker:
        yield file.path
        return
    with open_unpacked(file) as packed, TemporaryFile() as content:
        shutil.copyfileobj(packed, content)
        content.seek(0)
        yield content


def _class_names(schema: pyarrow.Schema, column: str | None) -> tuple[str, ...]:
    if column is None or b"huggingface" not in (schema.metadata or {}):
        return ()
    from datasets import Features

    try:
        return names_of(Features.from_arrow_schema(schema).get(column))
    except Exception:  # the metadata is any text, and the file can be used without it
        return ()


def names_of(feature: object) -> tuple[str, ...]:
    """Return the label names of a feature of ``datasets``: a ClassLabel or a list of them; ``()`` for others.

    They have no white space around them, as labels in cells.
    """
    feature = getattr(feature, "feature", feature)
    return tuple(name.strip() for name in getattr(feature, "names", None) or ())


def class_name(value: object, names: Sequence[str]) -> object:
    """Return the names of one or several ClassLabel numbers; return other values unchanged, such as -1."""
    if isinstance(value, list):
        return [class_name(number, names) for number in value]
    return names[value] if type(value) is int and 0 <= value < len(names) else value
