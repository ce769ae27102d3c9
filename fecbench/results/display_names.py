"""Names of methods and data sets in tables of papers, as their plugins declare them."""

from __future__ import annotations

from contextlib import suppress

from fecbench.core import registry
from fecbench.core.errors import FecbenchError


def method_display(name: str) -> str:
    """Return the display name of a method; its registered name if it has none or isn't installed.

    >>> method_display("lcl"), method_display("not-installed")
    ('LCL', 'not-installed')
    """
    if name not in registry.objectives:
        return name
    from fecbench.objective.check import get_objective  # imports torch, which boards of registered names don't need

    with suppress(FecbenchError):
        # Of the class itself: a variant in another package would else go by the name of the method that it changes.
        return str(vars(get_objective(name)).get("display") or name)
    return name


def dataset_display(name: str) -> str:
    """Return the display name of a data set; its registered name if it has none or isn't registered.

    >>> dataset_display("ed"), dataset_display("my-folder")
    ('Empathetic Dialogues (ED)', 'my-folder')
    """
    if name not in registry.datasets:
        return name
    from fecbench.data.datasets.load import get_dataset

    with suppress(FecbenchError):
        return get_dataset(name).info.display or name
    return name
