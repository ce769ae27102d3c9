"""The list that ``fecbench data`` prints: the registered data sets, and recipes for published files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fecbench.core import registry
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.recipe import Recipe
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.data.datasets.load import DatasetLoader
    from fecbench.data.datasets.locations import DataLocations


COLUMNS = ("name", "title", "labels", "rows", "licence", "source")
KEYS = (*COLUMNS, "found", "homepage", "language", "metric", "citation", "recipe", "download", "files", "cut")
LABEL_KEYS = ("labelling", "soft", "background")


def listed(locations: DataLocations) -> list[dict[str, Any]]:
    """Return the description of each registered data set, by name."""
    return [_described(name, locations) for name in registry.datasets]


def _described(name: str, locations: DataLocations) -> dict[str, Any]:
    """Return a data set's description. If the data set is broken or not found, ``source`` holds the reason."""
    row: dict[str, Any] = dict.fromkeys((*KEYS, *LABEL_KEYS)) | {"name": name, "found": False, "recipe": False}
    row |= {"download": "", "files": [], "cut": []}
    try:
        loader = get_dataset(name)
        row |= _facts(loader)
        row |= {"source": loader.source(locations).where, "found": True}
    except (Exception, SystemExit) as error:  # a plugin can raise anything; the others must still be listed
        row["source"] = f"not found: {error}"
    return row


def _facts(loader: DatasetLoader) -> dict[str, Any]:
    info = loader.info
    facts = {key: getattr(info, key) for key in ("title", "labels", "rows", "licence", "homepage")}
    facts |= {key: getattr(info, key) for key in ("language", "metric", "citation", *LABEL_KEYS)}
    if isinstance(loader, Recipe):
        facts |= {"recipe": True, "rows": loader.rows, "cut": loader.cut}
        facts |= {"download": loader.description.download, "files": loader.files}
    return facts


def print_list(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the data sets in a table, and the recipes in a few lines each."""
    others = [row for row in rows if not row["recipe"]]
    print_table(COLUMNS, [[_cell(row, column) for column in COLUMNS] for row in others])
    echo("")
    echo("Recipes read published files, which you download yourself: --dataset NAME --data-dir FOLDER")
    for row in rows:
        if row["recipe"]:
            _print_recipe(row)
    echo("")
    echo("rows: train / validation / test; cut: a split that was not published, and is cut from train")


def _print_recipe(row: Mapping[str, Any]) -> None:
    facts = [f"{_cell(row, 'rows')} rows", _labels(row, "labels"), row["language"]]
    facts += [f"licence: {row['licence']}", f"metric of the field: {row['metric']}" if row["metric"] else ""]
    echo("")
    echo(f"{row['name']}: {row['title']}")
    echo(f"    {'; '.join(fact for fact in facts if fact)}")
    echo(f"    {'found in ' + row['source'] if row['found'] else row['download'] or row['homepage']}")


def _cell(row: Mapping[str, Any], column: str) -> object:
    if column == "labels":
        return _labels(row)
    if column != "rows":
        return row[column]
    counts = zip(SPLITS, row["rows"] or (), strict=False)
    return " / ".join(_count(count, split in row["cut"]) for split, count in counts)


def _labels(row: Mapping[str, Any], unit: str = "") -> str:
    """Return the number of labels, and whether a text can have several of them or shares of them."""
    if not row["labels"]:
        return ""
    kinds = ["several a text" if row["labelling"] == "multi" else "", "in shares" if row["soft"] else ""]
    return ", ".join([f"{row['labels']} {unit}".strip(), *(kind for kind in kinds if kind)])


def _count(count: int | None, is_cut: bool) -> str:
    return "cut" if is_cut else "?" if count is None else f"{count:,}"
