"""Read the rows of a user's file: CSV, TSV, JSON lines, a JSON array or Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow
from pyarrow import parquet

from fecbench.core.errors import DataError
from fecbench.core.strict_json import loads
from fecbench.core.text import shortened
from fecbench.data.datasets.delimited import Quotes, check_named_once, read_delimited
from fecbench.data.datasets.rows import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fecbench.data.datasets.columns import Columns, RawRow


@dataclass(frozen=True)
class Reading:
    """Options for reading a user's file: the columns of text and label, and the meaning of quotes in CSV and TSV."""

    columns: Columns
    quotes: Quotes = "csv"


def read_rows(path: Path, reading: Reading) -> Iterator[RawRow]:
    """Yield the position and the cells, by column name, of each row of a file.

    Raises:
        DataError: the format is unknown, or the file is unreadable or malformed.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        formats, ending = ", ".join(READERS), path.suffix or "no ending"
        raise DataError(f"{path}: the format must be one of {formats}, found {ending}; rename or convert it")
    return reader(path, reading)


def text_of(path: Path) -> str:
    """Return the whole text of the file at ``path``.

    Raises:
        DataError: the file can't be read, is not UTF-8, or has a NUL character.
    """
    try:
        content = path.read_bytes()
        # utf-8-sig drops the byte order mark that some programs write: it would be part of the first column's name.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}: the file must be UTF-8 ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}; check the file and its permissions") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(f"{path}, line {line}: the file must be UTF-8 text, but holds a NUL; save it as UTF-8")
    return text


def _lines(path: Path, newline: str) -> Iterator[str]:
    """Yield the lines of the file at ``path``, without reading it whole; errors as in :func:`text_of`."""
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            for number, line in enumerate(file, 1):
                if "\0" in line:
                    raise DataError(
                        f"{path}, line {number}: the file must be UTF-8 text, but holds a NUL; save it as UTF-8"
                    )
                yield line
    except UnicodeDecodeError:
        text_of(path)  # raises an error that names the line
        raise
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}; check the file and its permissions") from error


def _read_csv(path: Path, reading: Reading) -> Iterator[RawRow]:
    return read_delimited(_lines(path, newline=""), path, ",", reading.columns, reading.quotes)


def _read_tsv(path: Path, reading: Reading) -> Iterator[RawRow]:
    return read_delimited(_lines(path, newline=""), path, "\t", reading.columns, reading.quotes)


def _read_json_lines(path: Path, reading: Reading) -> Iterator[RawRow]:  # noqa: ARG001
    array = ""
    for number, line in enumerate(_lines(path, newline="\n"), 1):
        if line.strip():
            where = f"{path}, line {number}"
            if number == 1 and line.lstrip().startswith("["):
                array = "; a file that is one JSON array is called .json"
            yield where, _json_object(line, where, "line", array)


def _read_json(path: Path, reading: Reading) -> Iterator[RawRow]:
    """Yield the rows of a JSON array, or of JSON lines in a file that is called .json."""
    text = text_of(path)
    if not text.lstrip().startswith("["):
        _check_not_one_object(text, path, reading.columns)
        yield from _read_json_lines(path, reading)
        return
    try:
        rows = loads(text, numbers=False)
    except ValueError as error:
        raise DataError(f"{path} must be a JSON array of objects: {error}; correct it") from error
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        yield where, _as_object(row, where, "row")


def _check_not_one_object(text: str, path: Path, columns: Columns) -> None:
    """Raise DataError if the file is one object that is not a row: it has a key for each split, or lists as columns."""
    try:
        content = loads(text, numbers=False)
    except ValueError:  # several lines
        return
    if not isinstance(content, dict):
        return
    if isinstance(content.get(columns.text), list | dict) or not {columns.text, columns.label} & content.keys():
        raise DataError(
            f"{path} must be a JSON array of objects, or JSON lines, but is one object of {shortened(list(content))}; "
            "write the rows of each split to a file of its own (train.json, validation.json, test.json)"
        )


def _json_object(line: str, where: str, what: str, hint: str) -> dict[str, Any]:
    try:
        row = loads(line, numbers=False)
    except ValueError as error:
        raise DataError(f"{where}: every {what} must be a JSON object: {error}; correct or remove it{hint}") from error
    return _as_object(row, where, what, hint)


def _as_object(row: object, where: str, what: str, hint: str = "") -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(
            f"{where}: every {what} must be a JSON object, found {type(row).__name__}; write one object of text and "
            f"label{hint}"
        )
    return row


def _read_parquet(path: Path, reading: Reading) -> Iterator[RawRow]:
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            check_named_once(file.schema_arrow.names, str(path))
            label, names = reading.columns.label, _class_names(file.schema_arrow, reading.columns.label)
            # a time is neither text nor label, and Python's own type can't hold all of Parquet's times
            columns = [column.name for column in file.schema_arrow if not pyarrow.types.is_temporal(column.type)]
            rows = (row for part in file.iter_batches(CHUNK, columns=columns) for row in part.to_pylist())
            for number, row in enumerate(rows, 1):
                if names:
                    row[label] = class_name(row[label], names)
                yield f"{path}, row {number}", row
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} must be a readable Parquet file: {error}; write it again") from error


def class_names(path: Path, columns: Columns) -> tuple[str, ...]:
    """Return the label names in the schema of a Parquet file written by ``datasets``; ``()`` for all other files.

    Raises:
        DataError: it is not a readable Parquet file.
    """
    if path.suffix.lower() != ".parquet":
        return ()
    try:
        return _class_names(parquet.read_schema(path), columns.label)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} must be a readable Parquet file: {error}; write it again") from error


def _class_names(schema: pyarrow.Schema, column: str) -> tuple[str, ...]:
    if b"huggingface" not in (schema.metadata or {}):
        return ()
    from datasets import Features

    try:
        return names_of(Features.from_arrow_schema(schema).get(column))
    except Exception:  # the metadata is any text, and the file can be used without it
        return ()


def names_of(feature: object) -> tuple[str, ...]:
    """Return the label names of a feature of ``datasets``; ``()`` if it is not a ClassLabel."""
    return tuple(getattr(feature, "names", None) or ())


def class_name(value: object, names: Sequence[str]) -> object:
    """Return the name of a ClassLabel number; return other values unchanged, such as -1 for "unlabelled"."""
    return names[value] if type(value) is int and 0 <= value < len(names) else value


READERS: dict[str, Callable[[Path, Reading], Iterator[RawRow]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".json": _read_json,
    ".parquet": _read_parquet,
}
