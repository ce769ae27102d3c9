"""The base class of metrics that have options or read label names, and their names with options.

A metric's name may give options: ``micro_f1:without=neutral``. Several are separated by semicolons.

>>> split_name("micro_f1:without=neutral, other")
('micro_f1', {'without': 'neutral, other'})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fecbench.core.errors import UnknownName, UsageError
from fecbench.core.settings import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


class Metric:
    """Base class of metrics with options or label names; an entry point of ``fecbench_metrics`` may be a subclass.

    A metric without options is computed for every run. One with options is computed where its name is given.

    Attributes:
        Config: the metric's options: a subclass of :class:`fecbench.Config` with a default for every field.
    """

    Config: ClassVar[type[Config]] = Config

    def __init__(self, config: Any, labels: Sequence[str]):
        """Build the metric.

        Args:
            config: the options.
            labels: the label names of the data set, by index.

        Raises:
            FecbenchError: the options don't fit the labels.
        """
        self.config = config
        self.labels = tuple(labels)

    def __call__(self, true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
        """Return the metric's value, a finite float.

        Args:
            true: true labels, int ``[N]``.
            predicted: predicted labels, int ``[N]``; -1 for no answer.
            classes: number of labels.
        """
        raise NotImplementedError


def split_name(name: str) -> tuple[str, dict[str, str]]:
    """Return the registered name and the options of a metric's full name.

    Raises:
        UsageError: an option isn't written as ``option=value``, or is given twice.
    """
    registered, colon, rest = name.partition(":")
    options: dict[str, str] = {}
    for part in rest.split(";") if colon else ():
        option, equals, value = (text.strip() for text in part.partition("="))
        if not (option and equals) or option in options:
            raise UsageError(
                f"the options of a metric must be written as METRIC:OPTION=VALUE, each once, but {name!r} has "
                f"{part!r}; an example is micro_f1:without=neutral"
            )
        options[option] = value
    return registered.strip(), options


def label_numbers(names: str, labels: Sequence[str], who: str) -> list[int]:
    """Return the numbers of the labels in ``names``, which are separated by commas.

    A name that holds a comma must be the only one.

    Raises:
        UnknownName: a name isn't among ``labels``; ``who`` says where it was given.

    >>> label_numbers("joy, fear", ("fear", "anger", "joy"), "")
    [2, 0]
    """
    each = [names] if names in labels else [name.strip() for name in names.split(",") if name.strip()]
    for name in each:
        if name not in labels:
            raise UnknownName("label", name, labels, where=who)
    return [list(labels).index(name) for name in each]
