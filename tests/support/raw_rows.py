"""Rows as the readers of files yield them, before labels and texts are checked."""

from pathlib import Path

from fecbench.data.datasets.description.schema import ColumnNames, FileFormat
from fecbench.data.datasets.files.file_formats import read_rows
from fecbench.data.datasets.files.source_files import SourceFile, source_files


def rows_of(file: SourceFile | Path, wanted=None, **form) -> list[dict]:
    """The cells of each row; ``wanted`` holds the keys of ColumnNames, ``form`` the options of FileFormat."""
    return [cells for _, cells in _read(file, wanted, form)]


def positions(file: SourceFile | Path, wanted=None, **form) -> list[str]:
    """The position of each row, without the folder."""
    return [position.rpartition("/")[2] for position, _ in _read(file, wanted, form)]


def _read(file, wanted, form):
    if isinstance(file, Path):
        (file,) = source_files(file.parent, file.name)
    return list(read_rows(file, FileFormat(**form), ColumnNames(**(wanted or {}))))


def put(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """A file with this content, line breaks as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path
