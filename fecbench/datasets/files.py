"""A data set of the user's own: a folder with train / validation / test, or a training file alone, as CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fecbench import registry, strictjson
from fecbench.datasets.core import CHUNK, SPLITS, DatasetInfo, EmotionData
from fecbench.datasets.records import Columns, assemble
from fecbench.errors import DataError, DataNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fecbench.datasets.records import Row

STEMS = {"train": ("train",), "validation": ("validation", "valid", "val", "dev"), "test": ("test",)}
LABEL_FILE = "labels.txt"


def load_path(path: Path, columns: Columns, split_seed: int) -> EmotionData:
    """The data set in the folder or file ``path``; missing splits are cut from train by ``split_seed``.

    Label names by index may stand in ``labels.txt`` of the folder, one a line, each with a TAB and a description if you like.

    Raises:
        DataNotFound: there is no training file at ``path``.
        DataError: a file can't be read, or a row or split isn't what it must be; the message names file and line.
    """
    if os.path.lexists(path) and not (path.is_file() or path.is_dir()):
        raise DataError(_no_file(path))
    files = {"train": path} if path.is_file() else _split_files(path)
    name = path.resolve().stem if path.is_file() else path.resolve().name
    info = DatasetInfo(f"{name} (own)" if name in registry.datasets else name, "a data set of the user's own", "unknown", "")
    labels = _labels(path)
    rows = {split: read_rows(file) for split, file in files.items()}
    data = assemble(rows, columns, tuple(labels), info, str(path), split_seed)
    return replace(data, descriptions={name: description for name, description in labels.items() if description})


def _split_files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataNotFound(f"{folder} doesn't exist; give a folder with train, validation and test files, or a training file")
    found: dict[str, Path] = {}
    for split in SPLITS:
        files = [file for stem in STEMS[split] for suffix in READERS if os.path.lexists(file := folder / f"{stem}{suffix}")]
        if len(files) > 1:
            raise DataError(f"{folder}: one {split} file is needed, found {', '.join(file.name for file in files)}; remove all but one")
        if files and not files[0].is_file():
            raise DataError(_no_file(files[0]))
        if files:
            found[split] = files[0]
    if "train" not in found:
        raise DataNotFound(f"{folder} must hold a training file ({', '.join(f'train{suffix}' for suffix in READERS)}); none is there")
    return found


def _no_file(path: Path) -> str:
    return f"{path} must be a file, but is a folder, a pipe or a link to nothing; put a file there or remove it"


def _labels(path: Path) -> dict[str, str]:
    """Names and descriptions of the labels, by index; nothing where there is no such file.

    Raises:
        DataError: it isn't a file of names, two at least, each of them once.
    """
    file = path / LABEL_FILE
    if not path.is_dir() or not os.path.lexists(file):
        return {}
    if not file.is_file():
        raise DataError(_no_file(file))
    lines = [line.strip().partition("\t") for line in _text(file).split("\n") if line.strip()]
    names = [name.strip() for name, _, _ in lines]
    if len(names) < 2:
        raise DataError(f"{file} must name at least two labels, one a line, found {len(names)}; write them or remove the file")
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(f"{file} must name each label once, but {repeated[0]!r} stands there {names.count(repeated[0])} times")
    return {name: description.strip() for name, (_, _, description) in zip(names, lines, strict=True)}


def read_rows(path: Path) -> Iterator[Row]:
    """Where each row of a file stands, and its columns.

    Raises:
        DataError: the format is unknown or the file unreadable.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: the format must be one of {', '.join(READERS)}, found {path.suffix or 'no ending'}; rename or convert it")
    return reader(path)


def _lines(path: Path, newline: str) -> Iterator[str]:
    """The lines of the file at ``path``, read as they are asked for."""
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            for number, line in enumerate(file, 1):
                if "\0" in line:
                    raise DataError(f"{path}, line {number}: the file must be UTF-8 text, but holds a NUL; save it as UTF-8")
                yield line
    except UnicodeDecodeError:
        _text(path)  # tells the line
        raise
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}; check the file and its permissions") from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
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


def _read_delimited(path: Path, delimiter: str) -> Iterator[Row]:
    reader = csv.DictReader(_lines(path, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from _delimited_rows(reader, path, delimiter)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.reader.line_num}: {error}; check the quotes") from error


def _delimited_rows(reader: csv.DictReader[str], path: Path, delimiter: str) -> Iterator[Row]:
    _named_once(reader.fieldnames or (), f"{path}, line 1")
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if None in row or None in row.values():
            raise DataError(f"{where}: {len(reader.fieldnames or ())} columns are needed; quote texts that hold {delimiter!r}")
        yield where, row


def _named_once(columns: Iterable[str], where: str) -> None:
    """Raises DataError where two columns have one name: only one of them would be read."""
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(f"{where}: every column must be named once, but {repeated[0]!r} stands there twice; rename one")


def _read_csv(path: Path) -> Iterator[Row]:
    return _read_delimited(path, ",")


def _read_tsv(path: Path) -> Iterator[Row]:
    return _read_delimited(path, "\t")


def _read_json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_lines(path, newline="\n"), 1):
        if line.strip():
            yield f"{path}, line {number}", _json_object(line, f"{path}, line {number}")


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        row = strictjson.loads(line, numbers=False)
    except ValueError as error:
        raise DataError(f"{where}: every line must be a JSON object: {error}; correct or remove it") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: every line must be a JSON object, found {type(row).__name__}; write one object of text and label")
    return row


def _read_parquet(path: Path) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            _named_once(file.schema_arrow.names, str(path))
            # a time is neither text nor label, and Python's own can't hold every one of Parquet's
            columns = [column.name for column in file.schema_arrow if not pyarrow.types.is_temporal(column.type)]
            rows = (row for part in file.iter_batches(CHUNK, columns=columns) for row in part.to_pylist())
            for number, row in enumerate(rows, 1):
                yield f"{path}, row {number}", row
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        raise DataError(f"{path} must be a readable Parquet file: {error}; write it anew") from error


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
