"""Turn the rows of a user's own data set, from files or the hub, into checked splits; errors name the row."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.checks import check_splits
from fecbench.data.datasets.dataset import SPLITS, DatasetInfo, EmotionData
from fecbench.data.datasets.labels.label_map import check_known_classes
from fecbench.data.datasets.own.labelled import check_described_labels, labelled
from fecbench.data.datasets.own.read_split import read_split
from fecbench.data.datasets.own.row_reader import RowReader
from fecbench.data.datasets.splits.missing_splits import SplitChoice, check_foldable, cut_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from fecbench.data.datasets.description.schema import Description, LabelDescription
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.labels.given_names import GivenNames
    from fecbench.data.datasets.labels.label_names import WrittenLabel
    from fecbench.data.datasets.own.labelled import Labelled
    from fecbench.data.datasets.own.read_split import ReadSplit


NO_LABEL = {"", "-1"}  # cells of rows whose labels aren't published


def assemble(
    rows: Mapping[str, Iterable[RawRow]],
    description: Description,
    given: GivenNames,
    info: DatasetInfo,
    source: str,
    choice: SplitChoice,
) -> EmotionData:
    """Build checked data with three splits.

    A test split without any label becomes ``unlabelled`` texts.

    Args:
        rows: for each split, the position and the columns of each row. Further text columns of a split are
            kept if all its rows have text in them.
        description: columns and labels of the rows.
        given: label names by number; if there are none, the training labels in sorted order.
        info: facts about the data set.
        source: location of the rows, for messages.
        choice: choice of the rows of splits that are cut from train.

    Raises:
        DataError: a row, a label or a split is invalid.
    """
    check_described_labels(description, source)
    _check_named_columns(description, given, source)
    parts = {
        split: read_split(rows[split], RowReader(description, given.names, split != "test"), f"{source}: {split}")
        for split in SPLITS
        if split in rows
    }
    unlabelled, notes = None, [note for split, part in parts.items() for note in _skipped_note(split, part)]
    first_line = _first_line_notes(parts.values(), description, source)
    if "test" in parts and _is_unlabelled(parts["test"], given.names):
        unlabelled = parts.pop("test").unlabelled()
    found = labelled(parts, description, given, info, source)
    _check_not_left_out(found, description.labels, source)
    missing = choice.missing(found.splits, unlabelled is not None)
    if choice.folds is not None:
        check_foldable(missing, source)
    with _hint(first_line):
        _check_enough_to_cut(parts["train"].cells, found, choice, missing, source)
    descriptions = _descriptions(description, given, found.labels, source)
    told = (*notes, *first_line, *found.notes)
    data = EmotionData(found.info, found.labels, found.splits, source, descriptions, (), told, unlabelled=unlabelled)
    return check_splits(cut_missing(data, choice, source), source)


def _check_named_columns(description: Description, given: GivenNames, where: str) -> None:
    """Check that there are as many label names as columns of labels.

    Raises:
        DataError: there aren't.
    """
    columns = description.columns.label if isinstance(description.columns.label, list) else []
    if columns and given.names and len(given.names) != len(columns):
        raise DataError(
            f"{where}: each column of label under [columns] needs one name, but there are {len(columns)} columns and "
            f"{len(given.names)} names; correct names under [labels], or leave it out"
        )


def _check_not_left_out(found: Labelled, labels: LabelDescription, where: str) -> None:
    """Raise DataError if ``labels`` of a description leave out all rows of a split, or all classes but one."""
    drops = {f'{key} = "drop"': getattr(labels, key) == "drop" for key in ("several", "none")}
    changes = {key: bool(getattr(labels, key)) for key in ("map", "drop", "keep")}
    keys = " and ".join(key for key, given in {**changes, **drops}.items() if given)
    empty = [split for split, rows in found.splits.items() if not len(rows)]
    if keys and empty:
        raise DataError(
            f"{where}: {empty[0]} must hold at least one row, but {keys} under [labels] in dataset.toml leaves out all "
            "its rows; correct it, or add rows"
        )
    if keys and len(found.labels) < 2:
        raise DataError(
            f"{where}: at least two labels are needed, but {keys} under [labels] in dataset.toml leaves "
            f"{shortened(found.labels) or 'none'}; correct it"
        )


def _first_line_notes(parts: Collection[ReadSplit], description: Description, where: str) -> list[str]:
    """Return a note if the first line of a file that is read without a header seems to name the columns.

    Raises:
        DataError: so do the first lines of several files.
    """
    form, separator = description.format, description.labels.separator
    if (form.header and not form.columns) or isinstance(description.columns.label, list):
        return []  # names of columns would be refused where a column holds 0 and 1, or numbers
    rows, first = Counter[str](), Counter[str]()
    for part in parts:
        rows.update({cell: written.rows for cell, written in part.cells.items()})
        first.update(part.first_lines)
    mark = separator or "\n"
    alone = [cell for cell in rows if cell not in NO_LABEL and rows[cell] == first[cell] and mark not in cell]
    if not alone:
        return []
    position = next(part.cells[alone[0]].position for part in parts if alone[0] in part.cells)
    told = (
        f"{position}: the first line looks like the names of columns, since no other line has the label {alone[0]!r}; "
        "if it is, leave out --no-header, or header = false and columns under [format] in dataset.toml, and name "
        "the columns of text and label"
    )
    if rows[alone[0]] > 1:
        raise DataError(f"{where}: {told}; if it isn't, move the row down (other files begin with the same label)")
    return [told]


@contextmanager
def _hint(notes: Sequence[str]) -> Iterator[None]:
    """Add ``notes``, which may tell the cause, to a DataError."""
    try:
        yield
    except DataError as error:
        raise DataError(". ".join([str(error), *notes])) from None


def _is_unlabelled(test: ReadSplit, names: Sequence[str]) -> bool:
    """Return True if no row of the test split has a label; -1 is how ``datasets`` writes that, beside given names."""
    return set(test.cells) <= (NO_LABEL - set(names) if names else {""})


def _skipped_note(split: str, part: ReadSplit) -> list[str]:
    notes = []
    if part.skipped:
        notes.append(f"{part.skipped:,} rows of {split} aren't read, as where under [columns] says")
    if part.empty:
        rows = "1 row" if part.empty == 1 else f"{part.empty:,} rows"
        notes.append(f"left out: {rows} of {split} without a text")
    return notes


def _descriptions(description: Description, given: GivenNames, labels: Sequence[str], where: str) -> dict[str, str]:
    """Return the descriptions of the classes: those of the file of names, and those in ``dataset.toml``, which win.

    Raises:
        DataError: a class that is described in ``dataset.toml`` doesn't exist.
    """
    own = description.labels.descriptions
    check_known_classes(own, labels, "descriptions", where)
    return {label: text for label, text in {**given.descriptions, **own}.items() if label in labels}


def _check_enough_to_cut(
    cells: Mapping[str, WrittenLabel],
    found: Labelled,
    choice: SplitChoice,
    cut: Sequence[str],
    where: str,
) -> None:
    """Raise DataError if a class has too few training rows to give one to each split that is ``cut`` from train."""
    rows, first, needed = Counter[int](), dict[int, str](), choice.rows_needed(cut)
    for cell, written in cells.items():
        for number in found.in_cells[cell]:
            rows[number] += written.rows
            first.setdefault(number, written.position)
    rare = [
        f"{found.labels[number]!r} has {count} ({first[number]})" for number, count in rows.items() if count < needed
    ]
    if cut and rare:
        raise DataError(
            f"{where}: to cut {choice.words(cut)} from train, every class needs at least {needed} training rows, but "
            f"{shortened(rare)}; correct a label that is mistyped, leave the class out or join it with another (drop "
            f"or map under [labels] in dataset.toml), add rows, or {choice.remedy(cut)}"
        )
