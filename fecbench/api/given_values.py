"""Convert Python values into those that settings, specs and folders have."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fecbench.core.errors import UsageError
from fecbench.core.paths import path_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    Name = str | os.PathLike[str]


def names_of(given: Name | Iterable[Name] | None, about: str) -> tuple[str, ...]:
    """Return the names or paths that were given, as one or as several; ``about`` names them in a message.

    Raises:
        UsageError: something else was given.

    >>> names_of("ge", "datasets"), names_of(["ge", "ed"], "datasets"), names_of(None, "datasets")
    (('ge',), ('ge', 'ed'), ())
    """
    if isinstance(given, str | os.PathLike):
        return names_of((given,), about)
    several = tuple(given) if isinstance(given, Iterable) else () if given is None else (given,)
    if not all(isinstance(name, str | os.PathLike) for name in several):
        raise UsageError(f"{about} must be a name or a list of names, but is {given!r}; correct it")
    return tuple(name if isinstance(name, str) else path_text(name) for name in several)


def seeds_of(given: Iterable[int]) -> list[int]:
    """Return seeds as integers.

    Raises:
        UsageError: they are no integers.

    >>> seeds_of(np.arange(3))
    [0, 1, 2]
    """
    try:
        return [operator.index(seed) for seed in given]
    except TypeError:  # a single number, a fraction or a string
        raise UsageError(f"seeds must be integers, such as range(3) or [0, 7], but is {given!r}; correct it") from None


def settings_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the command line reads them: without None, numbers plain, paths and lists of names as text.

    >>> settings_of({"seed": np.int64(3), "lr": None, "label_columns": ["joy", "fear"]})
    {'seed': 3, 'label_columns': 'joy,fear'}
    """
    return {name: _plain(value) for name, value in given.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return path_text(value)
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return ",".join(value)
    return value.item() if isinstance(value, np.generic) else value
