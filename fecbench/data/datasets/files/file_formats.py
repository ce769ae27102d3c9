"""Read the rows of a file in any format: CSV, TSV, JSON, JSON lines, Parquet or lines of text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.delimited import names_columns, read_csv, read_tsv
from fecbench.data.datasets.files.json_rows import read_json, read_json_lines
from fecbench.data.datasets.files.opening import open_text
from fecbench.data.datasets.files.parquet_rows import class_name, names_of, read_parquet, schema_class_names
from fecbench.data.datasets.files.swallowed_rows import LINE_BREAK
from fecbench.data.datasets.files.text_lines import read_text_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fecbench.data.datasets.description.schema import ColumnNames, FileFormat
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.files.source_files import SourceFile


__all__ = ["READERS", "class_name", "class_names", "names_of", "read_rows"]

READERS: dict[str, Callable[[SourceFile, FileFormat, ColumnNames], Iterator[RawRow]]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_json_lines,
    ".json": read_json,
    ".parquet": read_parquet,
}
"""The readers of the formats that a file's ending tells."""
LINES = ".lines"
BEGINS_JSON = re.compile(r'\[\s*[\[{"]|\{\s*"')
BEGIN = 2**16  # characters of a file that are read to tell its format


def read_rows(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:
    """Yield the position and the cells, by column name, of each row of a file.

    The columns of a file without a header, and of JSON arrays as rows, are called as ``form.columns`` says, else
    ``"1"``, ``"2"``, ... Those of lines are ``text``, ``label`` (if the file has labels) and ``line``.

    Args:
        file: the file.
        form: its format, where its ending doesn't tell it.
        columns: the columns of text and label, by which an unknown format or delimiter is recognised.

    Raises:
        DataError: the format is unknown, or the file is unreadable or malformed.
    """
    ending = _format(file, form, columns)
    if file.rows and ending not in (".json", ".jsonl"):
        raise DataError(f"{file}: only JSON files have rows that are named after a #, found {ending}; leave the # out")
    reader = read_text_lines if ending == LINES else READERS[ending]
    return reader(file, form, columns)


def class_names(file: SourceFile, columns: ColumnNames) -> tuple[str, ...]:
    """Return the label names in the schema of a Parquet file written by ``datasets``; ``()`` for all other files.

    Raises:
        DataError: it is not a readable Parquet file.
    """
    return schema_class_names(file, columns) if file.ending == ".parquet" else ()


def _format(file: SourceFile, form: FileFormat, columns: ColumnNames) -> str:
    """Return the ending that stands for the format of a file, ``.lines`` for lines of text.

    Raises:
        DataError: the format is unknown, or there are options that don't go together.
    """
    if form.pattern and (form.turns or file.labels):
        raise DataError(
            f"{file}: a pattern takes the label from its line: leave turns and files of labels out, or the pattern"
        )
    if form.pattern or form.turns or file.labels:
        if form.kind not in (None, "lines"):
            raise DataError(
                f'{file}: pattern, turns and files of labels are for kind = "lines", found {form.kind}; leave one out'
            )
        return LINES
    if form.kind:
        return f".{form.kind}"
    if file.ending in READERS:
        return file.ending
    if form.delimiter or form.columns or not form.header:
        return ".csv"
    return _recognised(file, form, columns)


def _recognised(file: SourceFile, form: FileFormat, columns: ColumnNames) -> str:
    """Return the format of a file with an unknown ending by its first line.

    Raises:
        DataError: the first line is neither JSON nor names the columns of the text.
    """
    start = _start(file, form.encoding)
    if file.rows or BEGINS_JSON.match(start):
        return ".json"
    if names_columns(LINE_BREAK.split(start, maxsplit=1)[0], form, columns):
        return ".csv"
    formats, ending = ", ".join(READERS), file.ending or "no ending"
    raise DataError(
        f"{file}: the format must be one of {formats}, found {ending}; rename or convert it, or say what it is: "
        "--delimiter for a CSV file, or kind under [format] in dataset.toml"
    )


def _start(file: SourceFile, encoding: str) -> str:
    """Return the first characters of a file, from the first line on that is not blank."""
    with open_text(file, encoding, newline="", errors="replace") as text:
        return text.read(BEGIN).lstrip()
