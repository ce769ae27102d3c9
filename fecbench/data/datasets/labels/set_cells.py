"""Read the labels in cells of data whose texts can have several labels, or shares of labels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fecbench.core.errors import DataError
from fecbench.data.datasets.labels.label_names import check_labelled, refuse_several
from fecbench.data.datasets.labels.label_sets import are_labels, label_sets, no_list_of_labels
from fecbench.data.datasets.labels.label_shares import shares_of
from fecbench.data.datasets.labels.several_labels import holding_several

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.data.datasets.description.schema import LabelDescription
    from fecbench.data.datasets.labels.label_names import WrittenLabel


Shares = dict[str, float]
"""The share of each label of a text, by name."""


def has_numbers(cell: str, written: WrittenLabel) -> bool:
    """Return True if a cell gives numbers of labels."""
    return written.is_list and cell.startswith("{")


def shares_in_cells(
    cells: Mapping[str, WrittenLabel],
    labels: LabelDescription,
    labelling: Labelling,
    names: Collection[str],
    where: str,
) -> dict[str, Shares]:
    """Return the share of each label in each of the ``cells``: 1 of each label in a list, and none in an empty cell.

    Args:
        cells: the different cells of a split.
        labels: the described labels.
        labelling: whether labels exclude one another.
        names: known labels; a cell that is one of them is one label, whatever marks it has.
        where: location of the split, for messages.

    Raises:
        DataError: a cell holds several labels and no separator is given, a list or number is invalid, or labels exclude
            one another and a row has none, or several.
    """
    sets = _sets(cells, labels, names)
    lists = [cell for cell, written in cells.items() if sets[cell] and not has_numbers(cell, written)]
    if labels.raters is not None and lists:
        raise DataError(
            f"{cells[lists[0]].position}: the votes of raters must be numbers of labels, found {lists[0]!r}; leave "
            "--raters (raters under [labels] in dataset.toml) out, or write a number of votes for each label"
        )
    if labelling == "single":
        _check_exclusive(cells, sets, labels, where)
    return {cell: shares_of(found, labelling, labels.raters, cells[cell].position) for cell, found in sets.items()}


def _sets(
    cells: Mapping[str, WrittenLabel], labels: LabelDescription, names: Collection[str]
) -> dict[str, dict[str, float]]:
    """Return the number of each label in each cell."""
    texts = {cell: written for cell, written in cells.items() if not written.is_list}
    in_lists = {cell: _in_list(cell, written.position) for cell, written in cells.items() if written.is_list}
    known = {*names, *(label for found in in_lists.values() for label in found)}
    if labels.separator is None:
        refuse_several(cells, holding_several(list(texts), known))
    sets = label_sets(texts, labels, known, False)
    return {cell: in_lists[cell] if cell in in_lists else dict.fromkeys(sets[cell], 1.0) for cell in cells}


def _in_list(cell: str, position: str) -> dict[str, float]:
    """Return the number of each label in a list or mapping that is written as JSON.

    Raises:
        DataError: an item of a list isn't a label, or occurs twice.
    """
    content = json.loads(cell)
    if isinstance(content, dict):
        return content
    names = [str(item).strip() for item in content]
    if not are_labels(content) or not all(names) or len(set(names)) < len(names):
        raise no_list_of_labels(position, cell)
    return dict.fromkeys(names, 1.0)


def _check_exclusive(
    cells: Mapping[str, WrittenLabel], sets: Mapping[str, Mapping[str, float]], labels: LabelDescription, where: str
) -> None:
    """Raise DataError if labels exclude one another, and a row has none, or several without numbers of them.

    In data with numbers, the labels of a list have a vote each.
    """
    if labels.none == "refuse":
        total = sum(written.rows for written in cells.values())
        check_labelled({cell: cells[cell] for cell, found in sets.items() if not found}, total, where)
    if not any(has_numbers(cell, written) for cell, written in cells.items()):
        refuse_several(cells, [cell for cell, found in sets.items() if len(found) > 1])
