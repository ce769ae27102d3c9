"""Data sets: a name, a path or ``hf:owner/name`` to texts and labels in three splits.

A name means one fixed set of rows, pinned by checksum, and never falls through to another data set.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from fecbench import registry
from fecbench.errors import DataNotFound, PluginError, UnknownName, UsageError
from fecbench.guard import guard
from fecbench.paths import expanded

if TYPE_CHECKING:
    from fecbench.datasets.core import DatasetInfo, EmotionData, Places, Source
    from fecbench.settings import RunSettings

HUB_PREFIX = "hf:"


class DatasetLoader(Protocol):
    """What an entry point of the group ``fecbench_datasets`` offers."""

    @property
    def info(self) -> DatasetInfo:
        """Name, title, licence, rows and source, known without loading anything."""

    def source(self, places: Places) -> Source:
        """Where the rows would come from. Raises DataNotFound where they can't be had."""

    def load(self, places: Places) -> EmotionData:
        """The rows. Raises DataNotFound or DataError."""


def named(name: str) -> DatasetLoader:
    """The loader registered as ``name``.

    Raises:
        UnknownName: no data set has that name.
        PluginError: the plugin is broken or isn't a loader.
    """
    loader, origin = registry.datasets.get(name), registry.datasets.origin(name)
    with guard(f"the data set {name!r} ({origin})", loader):
        missing = [part for part in ("info", "source", "load") if not hasattr(loader, part)]
    if missing:
        raise PluginError(f"the data set {name!r} ({origin}) must offer info, source and load, but lacks {', '.join(missing)}")
    return cast("DatasetLoader", loader)


def load(settings: RunSettings, places: Places) -> EmotionData:
    """The data set that ``settings`` name, its labels described or, where so asked for, not.

    Raises:
        UsageError: the name is neither registered, nor a path, nor a hub address.
        DataNotFound: it isn't where it was looked for.
        DataError: what was found isn't what it should be.
    """
    data = _find(settings, places)
    return data if settings.label_texts == "described" else replace(data, descriptions={})


def _find(settings: RunSettings, places: Places) -> EmotionData:
    from fecbench.datasets.records import Columns

    name, columns = settings.dataset, Columns(settings.text_column, settings.label_column)
    if name.startswith(HUB_PREFIX):
        from fecbench.datasets.hub import load_hub

        return load_hub(name.removeprefix(HUB_PREFIX), columns, settings.split_seed)
    if is_path(name):
        from fecbench.datasets.files import load_path

        return load_path(Path(expanded(name)), columns, settings.split_seed, settings.quotes)
    check_name(name)
    return registered(name, places)


def registered(name: str, places: Places) -> EmotionData:
    """The rows of the data set registered as ``name``, checked.

    Raises:
        UnknownName: no data set has that name.
        PluginError: its loader is broken, fails, or gives something else.
        DataNotFound: it isn't where it was looked for.
        DataError: what was found isn't what it should be.
    """
    from fecbench.datasets.core import check_loaded

    loader = named(name)
    who = f"the data set {name!r} ({registry.datasets.origin(name)})"
    with guard(who, loader):
        return check_loaded(loader.load(places), who)


def check_name(name: str) -> None:
    """Check that ``name`` is a registered data set, an existing path, or a hub address (which isn't looked up).

    Raises:
        UsageError: nothing has that name, or the address isn't one.
        DataNotFound: there is nothing at that path.
    """
    if name.startswith(HUB_PREFIX):
        from fecbench.datasets.hub import parsed

        parsed(name.removeprefix(HUB_PREFIX))
        return
    if is_path(name):
        if not os.path.lexists(expanded(name)):
            raise DataNotFound(f"{name} doesn't exist; give a folder with train, validation and test files, or a training file")
        return
    try:
        registry.datasets.origin(name)
    except UnknownName as error:
        if Path(name).exists():
            raise UsageError(f"{error}. A file or folder is given as a path: --dataset {os.curdir}{os.sep}{name}") from None
        raise


def is_path(name: str) -> bool:
    """Whether ``name`` is written as a path: with a separator, or starting with ``.`` or ``~``."""
    return name.startswith((".", "~")) or any(mark and mark in name for mark in (os.sep, os.altsep))
