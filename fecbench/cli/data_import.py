"""``fecbench data import``: write a data set as Parquet files with a description."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import DATA_DIR, JSON
from fecbench.cli.data_options import row_options, row_settings
from fecbench.core import registry
from fecbench.core.errors import DataError, UsageError
from fecbench.core.options import PATH
from fecbench.core.paths import path_text
from fecbench.core.text import shortened
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_json, print_table
from fecbench.terminal.status_line import status_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fecbench.core.settings import RunSettings
    from fecbench.data.datasets.dataset import EmotionData


MOST_LABELS = 20  # labels that are listed


@row_options()
@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option("--to", "folder", type=PATH, required=True, help="new or empty folder to write to")
@click.option(
    "--cut-missing", is_flag=True, help="cut missing splits from the training rows, as a run does, and write them too"
)
@DATA_DIR
@JSON
def import_data(
    files: Sequence[str], folder: Path, cut_missing: bool, data_dir: Path | None, as_json: bool, **flags: Any
) -> None:
    """Write a data set as Parquet files with a dataset.toml.

    FILES is a file, a folder, a dataset.toml or a name, as for `fecbench run --dataset`, or a file for each split with
    the split's word in its name (train, dev or valid, test). The options are those of a run. What they choose is
    written down: the folder needs none of them, and loads to the same rows.

    \b
    Examples:
      fecbench data import train.csv dev.csv test.csv --to my-data
      fecbench data import path/to/folder --text-column Utterance --label-column Emotion --to my-data
    """
    settings = row_settings(*_named(files, flags), "data import")
    if settings.folds is not None and not cut_missing:
        raise UsageError(
            "--folds cuts test splits from the training rows, which needs --cut-missing; add or leave it out"
        )
    data = _import(settings, DataLocations(data_dir), folder, cut_missing)
    _report(data, folder, as_json)


def _named(files: Sequence[str], flags: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the data set to read and the flags to read it with; of several files, each is that of a split."""
    if len(files) == 1 and files[0] not in registry.datasets and os.path.lexists(files[0]):
        return path_text(files[0]), flags
    if len(files) == 1:
        return files[0], flags
    from fecbench.data.datasets.files.given_files import as_splits

    folder, named = as_splits(files)
    return folder, {**flags, **named}


def _import(settings: RunSettings, locations: DataLocations, folder: Path, cut_missing: bool) -> EmotionData:
    """Read a data set, write it to ``folder`` or nothing at all, and return it.

    Raises:
        UsageError: the folder isn't new or empty, or can't be written.
        DataError: the data set is unreadable or invalid.
    """
    from fecbench.data.datasets.write import write_dataset
    from fecbench.results.export.new_folder import new_folder

    with status_line() as report, new_folder(folder) as draft:
        report(f"reading {settings.dataset}")
        data = load_dataset(settings, locations, cut=cut_missing)
        report(f"writing {folder}")
        write_dataset(data, draft)
        report(f"reading {folder} back")
        _check_same(data, draft)
    return data


def _check_same(data: EmotionData, folder: Path) -> None:
    """Raise DataError unless the rows in ``folder`` are those of ``data``."""
    read = load_dataset(row_settings(f"{folder}{os.sep}", {}, "data import"), DataLocations(), cut=False)
    if _identity(read) != _identity(data):
        raise DataError(
            f"the rows of {data.name} must be read back as they were written, but differ; please report this fault "
            "(nothing was written)"
        )


def _identity(data: EmotionData) -> tuple[object, ...]:
    """Return what must be equal in a data set that is read back."""
    return data.fingerprint, data.labels, data.labelling, data.info.soft, data.info.background


def _report(data: EmotionData, folder: Path, as_json: bool) -> None:
    """Print a summary of the written data set."""
    summary = _summary(data, folder)
    if as_json:
        print_json(summary)
        return
    echo(f"written: {data.name} to {folder}")
    print_table(["split", "rows"], list(summary["rows"].items()))
    echo(f"{len(data.labels)} labels{_kind(data)}: {shortened(data.labels, MOST_LABELS)}")
    for note in data.notes:
        echo(f"note: {note}")
    echo(f"train on it: fecbench run ce --dataset {shlex.quote(path_text(folder))}")


def _kind(data: EmotionData) -> str:
    """Return how the labels of a text relate to each other, in words; "" if each text has exactly one."""
    several = ", several a text" if data.labelling == "multi" else ""
    return several + (", in shares" if data.info.soft else "")


def _summary(data: EmotionData, folder: Path) -> dict[str, Any]:
    """Return the summary of a written data set, as ``--json`` prints it."""
    return {
        "folder": str(folder),
        "title": data.info.title,
        "licence": data.info.licence,
        "rows": {split: len(part) for split, part in data.text_splits.items()},
        "labels": list(data.labels),
        **({} if data.one_label else {"labelling": data.labelling, "soft": data.info.soft}),
        "columns": data.columns,
        "cut": list(data.cut),
        "notes": list(data.notes),
        "fingerprint": data.fingerprint,
    }
