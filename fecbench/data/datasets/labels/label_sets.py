"""Read the labels of a row, which may be one, several or none: from a cell, or from indicator columns.

Indicator columns are one for each label, with 1 in the rows that have the label and 0 in the others.
"""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.raw_rows import cell_text
from fecbench.data.datasets.labels.label_names import ONE_LABEL
from fecbench.data.datasets.labels.several_labels import COMMA, holding_several

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from fecbench.data.datasets.description.schema import LabelDescription
    from fecbench.data.datasets.labels.label_names import WrittenLabel


ON, OFF = {"1", "1.0", "true"}, {"0", "0.0", "false"}
INDICATORS = ON | OFF
"""The cells of an indicator column, in lower case."""
NONE = "[]"  # how a row is written whose columns are all 0; "" is a row whose label isn't known


def label_of_cell(position: str, value: object) -> str:
    """Return the label in a cell as text; lists become JSON, as they are written in CSV cells.

    Raises:
        DataError: it is neither text nor a whole number nor a list.
    """
    if isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is not None and (not isinstance(value, str | int) or isinstance(value, bool)):
        raise DataError(f"{position}: {ONE_LABEL}, found {value!r}; correct or remove the row")
    return cell_text(value)


def label_of_indicators(position: str, cells: Mapping[str, Any], columns: Sequence[str], names: Sequence[str]) -> str:
    """Return the label of a row with indicator columns.

    Args:
        position: position of the row, for messages.
        cells: cells of the row by column.
        columns: columns of the labels.
        names: names of these labels.

    Returns:
        The one label that is 1; a JSON list if there are several or none; "" if all cells are empty.

    Raises:
        DataError: a cell is neither 0 nor 1.
    """
    indicators = [cell_text(cells.get(column)).lower() for column in columns]
    if not any(indicators):
        return ""
    for column, indicator in zip(columns, indicators, strict=True):
        if indicator not in INDICATORS:
            raise DataError(
                f"{position}: the column {column!r} of a label must hold 0 or 1 (or false, true), found "
                f"{cells.get(column)!r:.50}; {_advice(indicator)}"
            )
    on = [name for name, indicator in zip(names, indicators, strict=True) if indicator in ON]
    return on[0] if len(on) == 1 else json.dumps(on, ensure_ascii=False)


def _advice(cell: str) -> str:
    if cell.replace(".", "", 1).isdecimal():
        return (
            "intensities and counts need --labelling (labelling under [labels] in dataset.toml), and votes --raters: "
            "give them, or write 1 or 0 for each label"
        )
    return "correct it, or leave the column out of label under [columns] in dataset.toml"


def label_sets(
    written: Mapping[str, WrittenLabel], labels: LabelDescription, names: Collection[str], indicators: bool
) -> dict[str, tuple[str, ...]]:
    """Return the labels in each of the cells ``written``.

    Lists are looked into only if the description says how several labels are written, whether labels exclude one
    another, or what becomes of rows with several labels or none: otherwise all of them are to be refused. With an empty
    separator, each cell is one label.

    Args:
        written: the different cells of a split, as returned by :func:`label_of_cell` or :func:`label_of_indicators`.
        labels: the described labels.
        names: known label names; a cell that is one of them is one label, whatever marks it has.
        indicators: True if the cells come from indicator columns.

    Raises:
        DataError: a list that is looked into holds something else than names or whole numbers.
    """
    one_each = labels.separator == "" and not indicators
    several = set() if indicators or labels.separator is not None else set(holding_several(list(written), names))
    told = labels.separator or labels.several == "drop" or labels.none != "refuse" or labels.labelling == "single"
    if one_each or not (indicators or told):
        return {cell: () if not cell else (cell, cell) if cell in several else (cell,) for cell in written}
    return {
        cell: (cell,) if cell and cell in names else _labels_in(cell, label.position, labels.separator, cell in several)
        for cell, label in written.items()
    }


def _labels_in(cell: str, position: str, separator: str | None, several: bool) -> tuple[str, ...]:
    if cell.startswith("[") and cell.endswith("]"):
        return _items(cell, position, separator)
    if separator:
        return _stripped(cell.split(separator))
    if not several:
        return (cell,) if cell else ()
    parts = _stripped(re.split(COMMA, cell))
    if len(parts) == 1 and parts[0] != cell:  # a list of one, such as "joy,"
        return parts
    return parts if len(parts) > 1 else (cell, cell)  # such as "joy and love": how many labels makes no difference


def are_labels(items: Iterable[object]) -> bool:
    """Return True if all items of a list are names or whole numbers."""
    return all(isinstance(item, str | int) and not isinstance(item, bool) for item in items)


def no_list_of_labels(position: str, cell: str) -> DataError:
    """Return the error for a list with an item that isn't a label, or with the same label twice."""
    return DataError(
        f"{position}: a list of labels must hold different names or whole numbers, found {cell:.100}; correct it "
        "(0 and 1 for each label are written in columns of their own, which --label-columns names)"
    )


def _items(cell: str, position: str, separator: str | None) -> tuple[str, ...]:
    """Return the items of a list in brackets, as JSON, Python, numpy or a person writes it.

    >>> _items('["joy", "not sure"]', "line 1", None), _items("['joy', 3]", "line 1", None)
    (('joy', 'not sure'), ('joy', '3'))
    >>> _items("[0 4]", "line 1", None), _items("[]", "line 1", None)
    (('0', '4'), ())

    Raises:
        DataError: an item is neither a name nor a whole number.
    """
    for read in (json.loads, ast.literal_eval):
        try:
            items = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if not are_labels(items):
            raise no_list_of_labels(position, cell)
        return _stripped(str(item) for item in items)
    content = cell[1:-1]
    mark = (
        re.escape(separator)
        if separator and separator in content
        else r"[,;|]"
        if re.search(COMMA, content)
        else r"\s+"
    )
    return _stripped(part.strip().strip("\"'") for part in re.split(mark, content))


def _stripped(parts: Any) -> tuple[str, ...]:
    """Return the different ``parts`` without white space around them; empty ones are left out."""
    return tuple(dict.fromkeys(part for each in parts if (part := each.strip())))
