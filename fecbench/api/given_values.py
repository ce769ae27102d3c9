"""Convert Python values into those that settings, specs and folders have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def names_of(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names that were given, as one string or as several.

    >>> names_of("ge"), names_of(["ge", "ed"])
    (('ge',), ('ge', 'ed'))
    """
    return (given,) if isinstance(given, str) else tuple(given)


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the command line reads them: without None, numbers plain, paths and lists of names as text.

    >>> settings_of({"seed": np.int64(3), "lr": None, "label_columns": ["joy", "fear"]})
    {'seed': 3, 'label_columns': 'joy,fear'}
    """
    return {name: _plain(value) for name, value in given.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return ",".join(value)
    return value.item() if isinstance(value, np.generic) else value
