"""Rows on the disk instead of in memory: written as they come, and read from there by the page."""

from __future__ import annotations

import mmap
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Self

import pyarrow as pa
from platformdirs import user_cache_path

from fecbench.data.datasets.dataset import CHUNK

if TYPE_CHECKING:
    from collections.abc import Mapping


class DiskRows:
    """Rows of texts on their way into a file without a name, which goes when nobody holds them any more."""

    def __init__(self) -> None:
        self._file = _unnamed()
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._waiting: dict[str, list[str | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, row: Mapping[str, str]) -> None:
        """Append a row. The first one's columns are those of all."""
        if self._writer is None:
            self._waiting = {column: [] for column in row}
            self._writer = pa.ipc.new_stream(self._file, pa.schema([(column, pa.string()) for column in row]))
        for column, values in self._waiting.items():
            values.append(row.get(column))
        if len(values) == CHUNK:
            self._write(self._writer)

    def finish(self) -> dict[str, pa.ChunkedArray]:
        """The columns in which every row has a text, mapped from the file: the system reads what is asked for, and may forget it again.

        Nothing where there is no row.
        """
        if self._writer is None:
            return {}
        self._write(self._writer)
        self._writer.close()
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        found = pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()
        return {name: found.column(name) for name in found.column_names if not found.column(name).null_count}

    def _write(self, writer: pa.RecordBatchStreamWriter) -> None:
        columns = [pa.array(values, pa.string()) for values in self._waiting.values()]
        writer.write_batch(pa.record_batch(columns, names=list(self._waiting)))
        for values in self._waiting.values():
            values.clear()


def _unnamed() -> IO[bytes]:
    """A file in the user's cache, which is on a disk; where that can't be written, among the system's temporary ones."""
    cache = user_cache_path("fecbench")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return TemporaryFile(dir=cache)
    except OSError:
        return TemporaryFile()
