"""Data sets: a name, a path or ``hf:owner/name`` to texts and labels in three splits.

A name means one fixed set of rows, pinned by checksum, and never falls through to another data set.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from fecbench.core import registry
from fecbench.core.errors import DataNotFound, PluginError, UnknownName, UsageError
from fecbench.core.paths import expanded
from fecbench.core.plugin_errors import plugin_errors
from fecbench.data.datasets.names import HUB_PREFIX, is_path

if TYPE_CHECKING:
    from fecbench.core.settings import RunSettings
    from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
    from fecbench.data.datasets.locations import DataLocations, Source


class DatasetLoader(Protocol):
    """What an entry point of the group ``fecbench_datasets`` offers."""

    @property
    def info(self) -> DatasetInfo:
        """Name, title, licence, rows and source, known without loading anything."""

    def source(self, places: DataLocations) -> Source:
        """Where the rows would come from. Raises DataNotFound where they can't be had."""

    def load(self, places: DataLocations) -> EmotionData:
        """The rows. Raises DataNotFound or DataError."""


def get_dataset(name: str) -> DatasetLoader:
    """The loader registered as ``name``.

    Raises:
        UnknownName: no data set has that name.
        PluginError: the plugin is broken or isn't a loader.
    """
    loader, origin = registry.datasets.get(name), registry.datasets.origin(name)
    with plugin_errors(f"the data set {name!r} ({origin})", loader):
        missing = [part for part in ("info", "source", "load") if not hasattr(loader, part)]
    if missing:
        raise PluginError(
            f"the data set {name!r} ({origin}) must offer info, source and load, but lacks {', '.join(missing)}"
        )
    return cast("DatasetLoader", loader)


def load_dataset(settings: RunSettings, places: DataLocations) -> EmotionData:
    """The data set that ``settings`` name, its labels described or, where so asked for, not.

    Raises:
        UsageError: the name is neither registered, nor a path, nor a hub address.
        DataNotFound: it isn't where it was looked for.
        DataError: what was found isn't what it should be.
    """
    data = _find(settings, places)
    return data if settings.label_texts == "described" else replace(data, descriptions={})


def _find(settings: RunSettings, places: DataLocations) -> EmotionData:
    from fecbench.data.datasets.columns import Columns

    name, columns = settings.dataset, Columns(settings.text_column, settings.label_column)
    if name.startswith(HUB_PREFIX):
        from fecbench.data.datasets.hub import load_hub

        return load_hub(name.removeprefix(HUB_PREFIX), columns, settings.split_seed)
    if is_path(name):
        from fecbench.data.datasets.own_files import load_path

        return load_path(Path(expanded(name)), columns, settings.split_seed, settings.quotes)
    check_dataset_name(name)
    return registered_datasets(name, places)


def registered_datasets(name: str, places: DataLocations) -> EmotionData:
    """The rows of the data set registered as ``name``, checked.

    Raises:
        UnknownName: no data set has that name.
        PluginError: its loader is broken, fails, or gives something else.
        DataNotFound: it isn't where it was looked for.
        DataError: what was found isn't what it should be.
    """
    from fecbench.data.datasets.checks import check_loaded

    loader = get_dataset(name)
    who = f"the data set {name!r} ({registry.datasets.origin(name)})"
    with plugin_errors(who, loader):
        return check_loaded(loader.load(places), who)


def check_dataset_name(name: str) -> None:
    """Check that ``name`` is a registered data set, an existing path, or a hub address (which isn't looked up).

    Raises:
        UsageError: nothing has that name, or the address isn't one.
        DataNotFound: there is nothing at that path.
    """
    if name.startswith(HUB_PREFIX):
        from fecbench.data.datasets.hub import parsed

        parsed(name.removeprefix(HUB_PREFIX))
        return
    if is_path(name):
        if not os.path.lexists(expanded(name)):
            raise DataNotFound(
                f"{name} doesn't exist; give a folder with train, validation and test files, or a training file"
            )
        return
    try:
        registry.datasets.origin(name)
    except UnknownName as error:
        if Path(name).exists():
            raise UsageError(
                f"{error}. A file or folder is given as a path: --dataset {os.curdir}{os.sep}{name}"
            ) from None
        raise
