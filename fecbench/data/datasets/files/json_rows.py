"""Read rows of JSON: an array, lines, equally long columns, or any part of a document by a JMESPath expression."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.core.strict_json import loads
from fecbench.core.text import shortened
from fecbench.data.datasets.description.wanted_columns import label_columns, number_of, text_columns
from fecbench.data.datasets.files.json_paths import key_of, path_to_rows, select
from fecbench.data.datasets.files.opening import read_lines, whole_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fecbench.data.datasets.description.schema import ColumnNames, FileFormat
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.files.source_files import SourceFile


def read_json_lines(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:
    """Yield the rows of a file that holds a JSON object, or an array of cells, on each line.

    With an expression for rows, the rows of a line are what the expression finds in it.

    Raises:
        DataError: a line is not JSON, or not a row.
    """
    path, array = str(file), ""
    for number, line in enumerate(read_lines(file, form.encoding, newline="\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        if number == 1 and line.lstrip().startswith("["):
            array = "; a file that is one JSON array is called .json"
        try:
            content = loads(line, numbers=False)
        except ValueError as error:
            raise DataError(
                f"{where}: every line must be a JSON object: {error}; correct or remove it{array}"
            ) from error
        if file.rows:
            content = select(file.rows, content, where)
        for row in content if file.rows and isinstance(content, list) else [content]:
            yield where, _as_cells(row, where, "line", form, columns, array)


def read_json(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:
    """Yield the rows of a JSON document, or of JSON lines in a file that is called .json.

    The rows are the objects, or arrays of cells, in the document's array, or in the array that the expression for rows
    finds. An object of equally long arrays has a column in each.

    Raises:
        DataError: the file is not JSON, or does not hold rows.
    """
    if _holds_lines(file, form):
        yield from read_json_lines(file, form, columns)
        return
    path, text = str(file), whole_text(file, form.encoding)
    try:
        content = loads(text, numbers=False)
    except ValueError as error:
        if text.lstrip().startswith("["):
            raise DataError(f"{path} must be a JSON array of objects: {error}; correct it") from error
        yield from read_json_lines(file, form, columns)  # raises an error that names the line
        return
    del text
    rows = _rows_of(select(file.rows, content, path) if file.rows else content, file, columns)
    arrays = f"; {path}[] selects the elements of the arrays" if file.rows else ""
    for number, row in enumerate(rows, 1):
        where = f"{path}, row {number}"
        yield where, _as_cells(row, where, "row", form, columns, arrays)


def _holds_lines(file: SourceFile, form: FileFormat) -> bool:
    """Return True if the first line of a file is JSON by itself, and other lines follow."""
    lines = (line for line in read_lines(file, form.encoding, newline="\n") if line.strip())
    begin = list(islice(lines, 2))
    if len(begin) < 2:
        return False
    try:
        loads(begin[0], numbers=False)
    except ValueError:
        return False
    return True


def _rows_of(content: object, file: SourceFile, columns: ColumnNames) -> Iterator[object]:
    """Return the rows in the content of a file.

    Raises:
        DataError: there are none; the message shows how to name them.
    """
    if isinstance(content, list):
        return iter(content)
    if not isinstance(content, dict):
        raise DataError(
            f"{file} must be a JSON array of objects, or JSON lines, but is one {type(content).__name__}; correct it"
        )
    if arrays := _parallel(content, columns):
        return (dict(zip(arrays, cells, strict=True)) for cells in zip(*arrays.values(), strict=True))
    if _is_row(content, columns):
        return iter([content])
    raise DataError(_no_rows(content, file, columns))


def _is_row(content: Mapping[str, Any], columns: ColumnNames) -> bool:
    """Return True if an object has a text or a label, and the text is not itself an array or object."""
    texts = text_columns(columns)
    named = any(column in content for column in [*texts, *label_columns(columns)])
    return named and not any(isinstance(content.get(str(column)), list | dict) for column in texts)


def _parallel(content: Mapping[str, Any], columns: ColumnNames) -> dict[str, list[object]]:
    """Return the columns in an object of equally long arrays, text among them; {} if it is something else.

    pandas writes each column as an object, with the rows' names as keys.
    """
    if not all(column in content for column in text_columns(columns)):
        return {}
    values = list(content.values())
    if all(isinstance(value, dict) for value in values) and all(value.keys() == values[0].keys() for value in values):
        return {name: list(value.values()) for name, value in content.items()}
    if all(isinstance(value, list) for value in values) and len(set(map(len, values))) == 1:
        return dict(content)
    return {}


def _no_rows(content: Mapping[str, Any], file: SourceFile, columns: ColumnNames) -> str:
    """Return the error message for an object that is neither a row nor columns, with the way to the rows."""
    lengths = {key: len(value) for key, value in content.items() if isinstance(value, list)}
    if lengths and all(column in lengths for column in text_columns(columns)):
        found = shortened([f"{key} with {length:,}" for key, length in lengths.items()])
        return f"{file}: arrays that are columns must be equally long, found {found}; correct them"
    path = path_to_rows(content, text_columns(columns)) or next(map(key_of, content), "rows")
    begin = f"{file.path.name}#{file.rows}." if file.rows else f"{file.path.name}#"
    return (
        f"{file} must be a JSON array of objects, or JSON lines, but is one object of {shortened(list(content))}; "
        "write the rows of each split to a file of its own (train.json, validation.json, test.json), or name the rows "
        f"within the file: {begin}{path}"
    )


def _as_cells(
    row: object, where: str, what: str, form: FileFormat, columns: ColumnNames, hint: str
) -> Mapping[str, Any]:
    """Return the cells of a row by column name.

    Raises:
        DataError: it is neither an object nor an array of cells.
    """
    if isinstance(row, dict):
        return row
    if not isinstance(row, list) or not (form.columns or all(map(number_of, text_columns(columns)))):
        raise DataError(
            f"{where}: every {what} must be a JSON object, found {type(row).__name__}; write one object of text and "
            f"label{', or give their numbers as columns' if isinstance(row, list) else ''}{hint}"
        )
    names = form.columns or [str(number) for number in range(1, len(row) + 1)]
    if len(names) != len(row):
        raise DataError(
            f"{where}: {len(names)} columns are needed ({', '.join(names)}), found {len(row)}; correct the {what}, or "
            "name as many columns as there are"
        )
    return dict(zip(names, row, strict=True))
