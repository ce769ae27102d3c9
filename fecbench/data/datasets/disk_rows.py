"""Stream rows to an anonymous Arrow file and memory-map them, so that large data sets need little memory."""

from __future__ import annotations

import mmap
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Self

import pyarrow as pa
from platformdirs import user_cache_path

from fecbench.data.datasets.rows import CHUNK

if TYPE_CHECKING:
    from collections.abc import Mapping


class DiskRows:
    """Rows of texts, written to an anonymous file, which the system deletes once it is no longer mapped."""

    def __init__(self) -> None:
        self._file = _anonymous_file()
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._waiting: dict[str, list[str | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, row: Mapping[str, str]) -> None:
        """Append a row; the columns of the first row are those of all rows."""
        if self._writer is None:
            self._waiting = {column: [] for column in row}
            self._writer = pa.ipc.new_stream(self._file, pa.schema([(column, pa.string()) for column in row]))
        for column, values in self._waiting.items():
            values.append(row.get(column))
        if len(values) == CHUNK:  # of any column: all have equally many
            self._write(self._writer)

    def finish(self) -> dict[str, pa.ChunkedArray]:
        """Return the memory-mapped columns in which every row has a text; ``{}`` if there are no rows."""
        if self._writer is None:
            return {}
        self._write(self._writer)
        self._writer.close()
        self._file.flush()
        # The mapping keeps the file's content after __exit__ has closed the file.
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        rows = pa.ipc.open_stream(pa.py_buffer(mapped)).read_all()
        return {name: rows.column(name) for name in rows.column_names if not rows.column(name).null_count}

    def _write(self, writer: pa.RecordBatchStreamWriter) -> None:
        columns = [pa.array(values, pa.string()) for values in self._waiting.values()]
        writer.write_batch(pa.record_batch(columns, names=list(self._waiting)))
        for values in self._waiting.values():
            values.clear()


def _anonymous_file() -> IO[bytes]:
    """Open an anonymous file in the user's cache, or in the system's temporary folder if the cache can't be written.

    The cache comes first because temporary folders are often held in memory.
    """
    cache = user_cache_path("fecbench")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return TemporaryFile(dir=cache)
    except OSError:
        return TemporaryFile()
