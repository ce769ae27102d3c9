"""Load a data set of the Hugging Face hub, ``hf:owner/name[:config][@revision]``, whose rows have a text and labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench.core import hub
from fecbench.core.errors import DataError, DataNotFound, UsageError
from fecbench.core.plugin_errors import error_summary
from fecbench.data.datasets.addresses import parse_hub_address
from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.description.flags import FILE_FLAGS, Flags, with_flags
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.description.wanted_columns import only_label_column
from fecbench.data.datasets.files.file_formats import class_name, names_of
from fecbench.data.datasets.labels.given_names import GivenNames
from fecbench.data.datasets.own.assemble import assemble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datasets import Dataset

    from fecbench.data.datasets.description.schema import ColumnNames
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.splits.missing_splits import SplitChoice


ALIASES = {"valid": "validation", "val": "validation", "dev": "validation"}


def hub_rows(repo: str, config: str | None, revision: str | None) -> dict[str, Dataset]:
    """Download the splits of a hub data set, or read them from the local cache; no code of the repository is run.

    Raises:
        ConnectionError: the hub can't be reached and there is no local copy.
        DataError: the hub has no such data set, or it can't be read without running its code.
    """
    import datasets

    if Path(repo).exists():
        raise DataError(
            f"hf:{repo} names the hub, but a folder {repo} is here and would be read instead; "
            f"give it as ./{repo}, or move it"
        )
    datasets.disable_progress_bars()
    # datasets copies huggingface_hub's flag at its import, so a flag that is set later must be set here too.
    datasets.config.HF_HUB_OFFLINE = bool(hub.unreachable())
    try:
        loaded = datasets.load_dataset(repo, config, revision=revision)
    except ConnectionError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else "no reason given"
        raise DataError(
            f"hf:{repo} can't be loaded: {type(error).__name__}: {reason}; check name, config and revision"
        ) from error
    return {ALIASES.get(name, name): split for name, split in loaded.items()}


def load_hub(address: str, flags: Flags, choice: SplitChoice) -> EmotionData:
    """Load the data set at a hub ``address``; missing splits are cut from train by ``choice``.

    ``flags`` of the run name its columns.

    Raises:
        UsageError: the address is not ``owner/name[:config][@revision]``, or flags name files.
        DataNotFound: the hub can't be reached and there is no local copy.
        DataError: the data set can't be read, or lacks the columns.
    """
    match, where = parse_hub_address(address), f"hf:{address}"
    if files := [name for name in FILE_FLAGS.values() if name in flags]:
        raise UsageError(
            f"--{files[0].replace('_', '-')} names files on this machine, but {where} is on the hub; leave it out"
        )
    description = with_flags(Description(), flags)
    try:
        splits = hub_rows(match["repo"], match["config"], match["revision"])
    except ConnectionError as error:
        raise DataNotFound(
            f"{where} isn't on this machine, and {hub.unreachable() or error}; connect, or give a path or a named set"
        ) from error
    if "train" not in splits:
        raise DataError(
            f"{where} must have a train split, found {', '.join(splits)}; choose another data set or config"
        )
    train = splits["train"]
    description = _with_label_column(description, train)
    names = names_of(train.features.get(only_label_column(description.columns, train.column_names)))
    info = DatasetInfo(
        where,
        f"hub data set {match['repo']}",
        "as its hub card says",
        f"https://huggingface.co/datasets/{match['repo']}",
    )
    rows = {split: _rows(part, description.columns, f"{where}, {split}") for split, part in splits.items()}
    return assemble(rows, description, GivenNames(names), info, where, choice)


def _with_label_column(description: Description, train: Dataset) -> Description:
    """Return the description with the column ``labels`` of lists, if no column is named and there is no ``label``."""
    is_list = hasattr(train.features.get("labels"), "feature")
    if description.columns.label is not None or "label" in train.features or not is_list:
        return description
    return description.model_copy(update={"columns": description.columns.model_copy(update={"label": "labels"})})


def _rows(split: Dataset, columns: ColumnNames, where: str) -> Iterator[RawRow]:
    """Yield the position and the cells of each row, with class numbers replaced by their names if there are names."""
    label = only_label_column(columns, split.column_names)
    names = names_of(split.features.get(label))
    for number, row in enumerate(_decoded(split, where)):
        if label and names:
            row[label] = class_name(row[label], names)
        yield f"{where} row {number}", row


def _decoded(split: Dataset, where: str) -> Iterator[dict[str, Any]]:
    """Yield the rows with None for audio, images and videos, whose decoding takes time and further packages.

    Raises:
        DataError: the rows can't be decoded.
    """
    from datasets.features.features import require_decoding

    media = [column for column, feature in split.features.items() if require_decoding(feature)]
    try:
        for row in split.remove_columns(media):
            yield {column: row.get(column) for column in split.column_names}  # columns keep their numbers
    except Exception as error:
        raise DataError(
            f"{where} must have rows that can be decoded, but {error_summary(error)}; load the data set anew, or "
            "choose another one"
        ) from error
