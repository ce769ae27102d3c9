"""Read a row of a user's data set: its text, label, further texts, id and group, as the description says."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.raw_rows import cell_text
from fecbench.data.datasets.labels.label_sets import label_of_cell, label_of_indicators
from fecbench.data.datasets.labels.label_shares import label_of_mapping, label_of_numbers
from fecbench.data.datasets.own.columns import find_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fecbench.data.datasets.description.schema import Description
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.own.columns import FoundColumns


JOINS = {"space": " ", "newline": "\n", "named": "\n"}
RESERVED = {"text", "label", "group"}  # a column called group that isn't named as one would tie rows together


@dataclass(frozen=True)
class OwnRow:
    """A row as read.

    Attributes:
        texts: the texts by column, ``text`` first.
        label: the label as written, "" if missing.
        is_list: True if the label is a list of labels, or numbers of labels, as JSON.
        rater: the rater, "" if the data set names none.
    """

    texts: Mapping[str, str]
    label: str
    is_list: bool = False
    rater: str = ""


class RowReader:
    """Reads the rows of one split.

    Attributes:
        columns: the columns of the last row, found again for each row with other columns.
        skipped: rows that ``where`` of the description leaves out.
        empty: rows without a text, which the description may leave out.
        seen: the different values, a few at most, that the columns of ``where`` hold in these rows.
    """

    def __init__(self, description: Description, names: Sequence[str], labelled: bool):
        """Prepare for a split.

        Args:
            description: what to read.
            names: label names, for indicator columns.
            labelled: False if the column of the label may be missing.
        """
        self.description, self.labelled = description, labelled
        self.columns: FoundColumns | None = None
        self.skipped, self.empty, self.seen = 0, 0, dict[str, None]()
        self._names: list[str] = []
        self._label_found = False
        self._label_names = tuple(names)

    def read(self, position: str, cells: Mapping[str, Any], following: Iterator[RawRow]) -> OwnRow | None:
        """Return the row, or None if ``where`` or ``empty`` of the description leaves it out.

        Raises:
            DataError: a column is missing, the text is missing or not a string, the label is invalid, or a string is
                not valid Unicode.
        """
        columns = self._find(position, cells, following)
        if columns.where and not self._is_wanted(cells, columns.where):
            return None
        text = self._text(position, cells, columns)
        if not text:
            self.empty += 1
            return None
        texts = {"text": text, **self._others(cells, columns)}
        for name, column in (("id", columns.id), ("group", columns.group)):
            if column is not None:
                texts[name] = _identifier(position, name, column, cells.get(column))
        rater = "" if columns.rater is None else _identifier(position, "rater", columns.rater, cells.get(columns.rater))
        row = OwnRow(texts, *self._label(position, cells, columns), rater)
        _check_unicode(position, row)
        return row

    def _others(self, cells: Mapping[str, Any], columns: FoundColumns) -> dict[str, str]:
        """Return the row's further texts; none beside a rater, since a text has several rows then."""
        if columns.rater is not None:
            return {}
        reserved = {*columns.text, *columns.label, *columns.where, columns.id, columns.group, *RESERVED}
        others = {
            name: self._repaired(value)
            for name, value in cells.items()
            if name not in reserved and isinstance(value, str) and value.strip()
        }
        return dict(sorted(others.items()))

    def _find(self, position: str, cells: Mapping[str, Any], following: Iterator[RawRow]) -> FoundColumns:
        names = list(cells)
        if self.columns is None or names != self._names:
            self._names = names
            # in JSON, rows without a label may lack its key
            may_lack = not self.labelled or (self._label_found and self.description.labels.none != "refuse")
            self.columns = find_columns(position, cells, following, self.description.columns, label_may_lack=may_lack)
            self._label_found = self._label_found or bool(self.columns.label)
        return self.columns

    def _is_wanted(self, cells: Mapping[str, Any], where: Mapping[str, str | int | bool]) -> bool:
        for column, wanted in where.items():
            cell = cells[column]
            if not _is_equal(cell, wanted):
                self.skipped += 1
                if len(self.seen) < 10:  # for the message if no row is left
                    self.seen[f"{column} = {cell!r:.50}"] = None
                return False
        return True

    def _text(self, position: str, cells: Mapping[str, Any], columns: FoundColumns) -> str:
        parts = {column: cells[column] for column in columns.text}
        for value in parts.values():
            if value is not None and not isinstance(value, str):
                raise DataError(
                    f"{position}: the text must be a string, found {value!r:.100}; write it as one, or name another "
                    "column as --text-column"
                )
        filled = {column: self._repaired(value) for column, value in parts.items() if value and value.strip()}
        if not any(map(str.strip, filled.values())):
            if self.description.columns.empty == "drop":
                return ""
            found = next(iter(parts.values())) if len(parts) == 1 else list(parts.values())
            if any(value and value.strip() for value in parts.values()):
                raise DataError(
                    f"{position}: the text must not be empty, but replace in dataset.toml leaves nothing of {found!r}; "
                    'correct replace, remove the row, or write empty = "drop" under [columns]'
                )
            raise DataError(f"{position}: the text must not be empty, found {found!r}; write one or remove the row")
        join = self.description.columns.join
        named = join == "named" and len(columns.text) > 1
        return JOINS[join].join(f"{column}: {text}" if named else text for column, text in filled.items())

    def _repaired(self, text: str) -> str:
        for old, new in self.description.replace.items():
            text = text.replace(old, new)
        return text

    def _label(self, position: str, cells: Mapping[str, Any], columns: FoundColumns) -> tuple[str, bool]:
        """Return the label as written, and True if it is a list or numbers of labels."""
        if not columns.label:
            return "", False
        if len(columns.label) > 1:
            return self._label_of_columns(position, cells, columns.label)
        value = cells[columns.label[0]]
        if _is_mapping(value):
            self._check_labelling(position, value)
            return label_of_mapping(position, value.items() if isinstance(value, dict) else value), True
        return label_of_cell(position, value), isinstance(value, list | tuple)

    def _label_of_columns(self, position: str, cells: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, bool]:
        labels, names = self.description.labels, self._label_names or [column.strip() for column in columns]
        if labels.labelling is None:
            label = label_of_indicators(position, cells, columns, names)
            return label, label not in (*names, "")
        label = label_of_numbers(position, cells, columns, names, labels.raters is not None)
        return label, bool(label)

    def _check_labelling(self, position: str, numbers: object) -> None:
        if self.description.labels.labelling is None:
            raise DataError(
                f"{position}: numbers of labels need a labelling, found {numbers!r:.50}; give --labelling single if "
                "the labels of a text exclude one another, or --labelling multi if it can have several (labelling "
                "under [labels] in dataset.toml)"
            )


def _is_mapping(value: object) -> bool:
    """Return True if a cell maps labels to numbers; Parquet's maps are lists of pairs.

    >>> _is_mapping({"joy": 2}), _is_mapping([("joy", 2)]), _is_mapping(["joy"]), _is_mapping([])
    (True, True, False, False)
    """
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], tuple))


def _is_equal(cell: object, wanted: str | int | bool) -> bool:
    """Return True if a cell holds the ``wanted`` value, which CSV files write as text.

    >>> _is_equal("1", 1), _is_equal("1.0", 1), _is_equal(1, "1"), _is_equal("True", True), _is_equal(None, "")
    (True, True, True, True, True)
    """
    found = cell_text(cell)
    if isinstance(wanted, bool):
        return found.lower() == str(wanted).lower()
    if isinstance(wanted, int) and found.endswith(".0"):
        found = found.removesuffix(".0")
    return found == str(wanted).strip()


def _identifier(position: str, name: str, column: str, value: object) -> str:
    """Return the id, the group or the rater of a row. A row without a group is one of its own.

    Raises:
        DataError: it is not a text or number, or the id or the rater is missing.
    """
    is_missing = isinstance(value, float) and isnan(value)  # so Python's json writes what pandas lacks
    text = "" if is_missing else cell_text(value)
    if not isinstance(value, str | int | float | None) or (name != "group" and not text):
        raise DataError(
            f"{position}: the {name} must be a text or number, found {value!r:.50} in the column {column!r}; write one "
            "or name another column"
        )
    return text


def _check_unicode(position: str, row: OwnRow) -> None:
    """Raise DataError if a text, the label or a column's name has a lone surrogate (allowed in JSON, not in UTF-8)."""
    for value in (row.label, *row.texts, *row.texts.values()):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"{position}: all text must be valid Unicode, found {value!r}; remove the lone surrogate"
            ) from None
