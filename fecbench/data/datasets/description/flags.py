"""The flags of a run that replace keys of a description, such as ``--text-column``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fecbench.core import registry
from fecbench.core.errors import DataError, UsageError
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.description.wanted_columns import label_columns, text_columns

if TYPE_CHECKING:
    from fecbench.core.settings import RunSettings


Flags = Mapping[str, str | bool]
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
    """
    content = description.model_dump(exclude_unset=True)  # what isn't given must not look as if it were
    for name, value in flags.items():
        table, key = KEYS[name]
        content.setdefault(table, {})[key] = value
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
