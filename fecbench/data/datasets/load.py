"""Load a data set by its registered name, by a path, or by ``hf:owner/name``.

A registered name stands for one set of rows, pinned by checksum, or by numbers of rows (recipes, ``ed-csv``); only
``rusentiment`` has no pin. If those rows are not available, loading fails; no other data set is used in their place.
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
from fecbench.data.datasets.addresses import HUB_PREFIX, is_path, parse_hub_address

if TYPE_CHECKING:
    from fecbench.core.settings import RunSettings
    from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
    from fecbench.data.datasets.locations import DataLocations, Source
    from fecbench.data.datasets.splits.missing_splits import SplitChoice


class DatasetLoader(Protocol):
    """The interface of an entry point of the group ``fecbench_datasets``."""

    @property
    def info(self) -> DatasetInfo:
        """Name, title, licence, rows and source, known without loading anything."""

    def source(self, places: DataLocations) -> Source:
        """Describe the location the rows would be read from.

        Raises:
            DataNotFound: the rows are not available.
        """

    def load(self, places: DataLocations) -> EmotionData:
        """Load the rows.

        Raises:
            DataNotFound: the rows are not available.
            DataError: the data is unreadable or invalid.
        """


def get_dataset(name: str) -> DatasetLoader:
    """Return the loader registered as ``name``.

    Raises:
        UnknownName: no data set is registered under that name.
        PluginError: the plugin is broken or is not a loader.
    """
    loader, origin = registry.datasets.get(name), registry.datasets.origin(name)
    with plugin_errors(f"the data set {name!r} ({origin})", loader):
        missing = [part for part in ("info", "source", "load") if not hasattr(loader, part)]
    if missing:
        raise PluginError(
            f"the data set {name!r} ({origin}) must offer info, source and load, but lacks {', '.join(missing)}; "
            "fix or uninstall the plugin"
        )
    return cast("DatasetLoader", loader)


def load_dataset(settings: RunSettings, places: DataLocations, *, cut: bool = True) -> EmotionData:
    """Load the data set that ``settings`` name, without label descriptions if they ask for label names alone.

    Args:
        settings: name of the data set, and how its rows are read.
        places: folders that are searched for it.
        cut: False to load the data set as published: splits that it lacks aren't cut from its training rows.

    Raises:
        UsageError: the name is neither registered, nor a path, nor a hub address.
        DataNotFound: the data set was not found.
        DataError: the data set is unreadable or invalid.
    """
    data = _load(settings, places, cut)
    return data if settings.label_texts == "described" else replace(data, descriptions={})


# The loaders are imported on demand: they need numpy and pyarrow, and many commands only check a name.
def _load(settings: RunSettings, places: DataLocations, cut: bool) -> EmotionData:
    from fecbench.data.datasets.description.flags import flags_of
    from fecbench.data.datasets.splits.missing_splits import SplitChoice, check_foldable

    name, flags = settings.dataset, flags_of(settings)
    choice = SplitChoice(settings.split_seed, settings.folds, settings.fold, cut)
    if name.startswith(HUB_PREFIX):
        from fecbench.data.datasets.hub import load_hub

        return load_hub(name.removeprefix(HUB_PREFIX), flags, choice)
    if is_path(name):
        from fecbench.data.datasets.own.load_path import load_path

        return load_path(Path(expanded(name)), flags, choice)
    check_dataset_name(name)
    data = load_registered(name, places, choice)
    if settings.folds is not None:
        check_foldable(data.cut, name)
    return data


def load_registered(name: str, places: DataLocations, choice: SplitChoice | None = None) -> EmotionData:
    """Load and check the data set registered as ``name``.

    ``choice`` cuts the splits that a recipe lacks. Other data sets have all splits.

    Raises:
        UnknownName: no data set is registered under that name.
        PluginError: the loader is broken, fails, or returns something else than a data set.
        DataNotFound: the data set was not found.
        DataError: the data set is unreadable or invalid.
    """
    from fecbench.data.datasets.checks import check_loaded
    from fecbench.data.datasets.recipe import Recipe

    loader = get_dataset(name)
    who = f"the data set {name!r} ({registry.datasets.origin(name)})"
    with plugin_errors(who, loader):
        if isinstance(loader, Recipe):  # its rows are checked where they are read, and may lack splits to be cut
            return loader.load(places, choice)
        return check_loaded(loader.load(places), who)


def check_dataset_name(name: str) -> None:
    """Raise an error unless ``name`` is a registered name, an existing path, or a hub address.

    Hub addresses are only parsed, not looked up.

    Raises:
        UsageError: the name is unknown, or the hub address is malformed.
        DataNotFound: the path does not exist.
    """
    if name.startswith(HUB_PREFIX):
        parse_hub_address(name.removeprefix(HUB_PREFIX))
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
                f"{error}. To use the file or folder of that name, give its path: --dataset {os.curdir}{os.sep}{name}"
            ) from None
        raise
