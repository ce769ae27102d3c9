"""The base class of metrics, the facts that a metric declares, and names with options.

A metric's name may give options: ``micro_f1:without=neutral``. Several are separated by semicolons.

>>> split_name("micro_f1:without=neutral, other")
('micro_f1', {'without': 'neutral, other'})
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from fecbench.core.errors import UnknownName, UsageError
from fecbench.core.settings import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from fecbench.data.datasets.dataset import Labelling


Needs = Literal["labels", "probabilities", "targets"]
NEEDS = ("labels", "probabilities", "targets")


@dataclass(frozen=True)
class MetricFacts:
    """The facts that a metric declares as attributes; a plain function that declares nothing has the defaults.

    Attributes:
        needs: the arrays that the metric is called with (:class:`Metric`).
        labellings: the labellings that it is for.
        higher_is_better: False for losses and errors.
        is_fraction: True if its values are between 0 and 1, so that tables show percentages.
        display: name in tables; "" for the registered name.
        on_request: True to compute it only where it is named.
    """

    needs: Needs = "labels"
    labellings: tuple[Labelling, ...] = ("single",)
    higher_is_better: bool = True
    is_fraction: bool = True
    display: str = ""
    on_request: bool = False

    @classmethod
    def of(cls, metric: object) -> Self:
        """Return the facts that a metric declares: a function, a subclass of :class:`Metric` or an object of one."""
        facts: dict[str, Any] = {fact.name: getattr(metric, fact.name, fact.default) for fact in fields(cls)}
        return cls(**facts)


class Metric:
    """Base class of metrics that declare facts, have options or read label names.

    An entry point of ``fecbench_metrics`` may be a subclass. A metric without options is computed for every run on data
    of its labellings, unless it is on request. One with options is computed where its name is given.

    Attributes:
        Config: the metric's options: a subclass of :class:`fecbench.Config` with a default for every field.
        needs: ``labels``, ``probabilities`` or ``targets``: what ``__call__`` is called with.
        labellings: ``single`` for data whose labels exclude one another, ``multi`` for texts with several labels.
        higher_is_better: False for losses and errors.
        is_fraction: True if the values are between 0 and 1, so that tables show percentages.
        display: name in tables; "" for the registered name.
        on_request: True to compute the metric only where it is named.
        labelling: the labelling of the data set, one of ``labellings``; set before the first call.
    """

    Config: ClassVar[type[Config]] = Config
    needs: ClassVar[Needs] = "labels"
    labellings: ClassVar[tuple[Labelling, ...]] = ("single",)
    higher_is_better: ClassVar[bool] = True
    is_fraction: ClassVar[bool] = True
    display: ClassVar[str] = ""
    on_request: ClassVar[bool] = False
    labelling: Labelling = "single"

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
            true: true labels: int ``[N]``, or for ``multi`` bool ``[N, C]``. If the metric needs ``targets``: the
                targets, float64 ``[N, C]`` between 0 and 1, which may be shares of raters.
            predicted: labels given: int ``[N]`` with -1 for no answer, or for ``multi`` bool ``[N, C]``. If the metric
                needs ``probabilities`` or ``targets``: the probabilities, float64 ``[N, C]``; a text without an answer
                has a row of zeros.
            classes: number of labels C.
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
