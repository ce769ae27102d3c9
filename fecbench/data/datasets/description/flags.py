"""The flags of a run that replace keys of a description, such as ``--text-column``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fecbench.core import registry
from fecbench.core.errors import DataError, UsageError
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.description.wanted_columns import label_columns, text_columns

if TYPE_CHECKING:
    from fecbench.core.settings import RunSettings


Flags = Mapping[str, str | int | bool]
"""The flags that are given, by the names of their settings."""

KEYS = {
    "train_file": ("files", "train"),
    "validation_file": ("files", "validation"),
    "test_file": ("files", "test"),
    "delimiter": ("format", "delimiter"),
    "header": ("format", "header"),
    "quotes": ("format", "quotes"),
    "text_column": ("columns", "text"),
    "label_column": ("columns", "label"),
    "label_columns": ("columns", "label"),
    "label_separator": ("labels", "separator"),
    "labelling": ("labels", "labelling"),
    "raters": ("labels", "raters"),
    "rater_column": ("columns", "rater"),
    "id_column": ("columns", "id"),
    "group_column": ("columns", "group"),
}
"""Table and key of a description that each flag replaces."""
FILE_FLAGS = {"train": "train_file", "validation": "validation_file", "test": "test_file"}


def flags_of(settings: RunSettings) -> Flags:
    """Return those of the flags that are given."""
    return {name: value for name in KEYS if (value := getattr(settings, name)) is not None}


def check_flags(dataset: str, given: Mapping[str, object]) -> None:
    """Raise UsageError if a flag is ``given`` with a registered data set, which it wouldn't change.

    Only flags that a person gives are checked: older records of registered sets hold defaults such as text_column.
    """
    flags = [name for name in KEYS if given.get(name) is not None]
    if flags and dataset in registry.datasets:
        raise UsageError(
            f"--{flags[0].replace('_', '-')} reads a data set of your own, but {dataset} is registered: leave it out, "
            "or give the files as a path (--dataset path/to/folder), for which a recipe can be copied to a dataset.toml"
        )


def with_flags(description: Description, flags: Flags) -> Description:
    """Return the description with the keys that ``flags`` replace.

    Raises:
        DataError: text and label are the same column.
        UsageError: a flag names one column of the label, and another several.
    """
    if "label_column" in flags and "label_columns" in flags:
        raise UsageError(
            "--label-column names one column of the label and --label-columns a column for each label, so only one of "
            "them can be given; leave one out"
        )
    content = description.model_dump(exclude_unset=True)  # what isn't given must not look as if it were
    for name, value in flags.items():
        table, key = KEYS[name]
        content.setdefault(table, {})[key] = _names(str(value)) if name == "label_columns" else value
    _add_labelling(content, flags)
    if flags.get("header"):  # the file's own names replace those of a file without a header
        content["format"].pop("columns", None)
    described = Description.model_validate(content)
    both = [column for column in text_columns(described.columns) if column in label_columns(described.columns)]
    if both:
        raise DataError(
            f"the text and the label must be two columns, but both are {both[0]!r}; name yours with --text-column and "
            "--label-column"
        )
    return described


def _add_labelling(content: dict[str, Any], flags: Flags) -> None:
    """Set ``labelling`` to ``multi`` if a flag says how several labels are written and nothing says otherwise."""
    says_several = flags.get("label_separator") or flags.get("label_columns")
    if says_several and not {"labelling", "several"} & content.get("labels", {}).keys():
        content.setdefault("labels", {})["labelling"] = "multi"


def _names(columns: str) -> list[str]:
    """Return the columns that a flag lists.

    Raises:
        UsageError: there are fewer than two.
    """
    names = [name for part in columns.split(",") if (name := part.strip())]
    if len(names) < 2:
        raise UsageError(
            f"--label-columns must list a column for each of two or more labels, with commas, but is {columns!r}; add "
            "the others, or name one column of labels with --label-column"
        )
    return names
