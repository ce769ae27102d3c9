"""Which settings vary among the runs of a method, from which base, and hence which panels a sensitivity plot has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Configuration:
    """Runs that differ in their seeds alone.

    Attributes:
        settings: every setting's value.
        scores: by seed, fractions.
    """

    settings: Settings
    scores: Mapping[int, float]


@dataclass(frozen=True)
class Point:
    """One value of what varies.

    Attributes:
        values: of the panel's settings, in their order.
        scores: a seed each.
        base: whether this is the configuration from which the others are varied.
    """

    values: tuple[Any, ...]
    scores: tuple[float, ...]
    base: bool

    @property
    def text(self) -> str:
        """The values as a category's name, a line each; one line where all are equal."""
        shown = self.values if len(set(self.values)) > 1 else self.values[:1]
        return "\n".join(map(_shown, shown))


@dataclass(frozen=True)
class Panel:
    """What varies, all else being the base's.

    Attributes:
        settings: names of the settings that vary together.
        lines: by data set, the points in the order of their values.
    """

    settings: tuple[str, ...]
    lines: Mapping[str, tuple[Point, ...]]

    @property
    def name(self) -> str:
        """The settings: ``k_pos = k_neg`` where they always have one value."""
        return (" = " if self._equal else ", ").join(self.settings)

    @property
    def numeric(self) -> bool:
        """Whether every point has one number."""
        return self._equal and all(_is_number(point.values[0]) for points in self.lines.values() for point in points)

    @property
    def _equal(self) -> bool:
        return all(len(set(point.values)) == 1 for points in self.lines.values() for point in points)


def difference(one: Settings, other: Settings) -> frozenset[str]:
    """Names of the settings in which two configurations differ.

    >>> sorted(difference({"k_pos": 10, "k_neg": 10, "weight": 1}, {"k_pos": 20, "k_neg": 20, "weight": 1}))
    ['k_neg', 'k_pos']
    """
    return frozenset(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def base_of(configurations: Sequence[Configuration]) -> Configuration:
    """The configuration that differs from the others in the fewest settings, all told; of several the one with most seeds, then the first.

    >>> found = [Configuration({"k": k, "weight": weight}, {0: 0.5}) for k, weight in ((5, 1), (10, 2), (10, 1), (10, 4))]
    >>> base_of(found).settings
    {'k': 10, 'weight': 1}
    """

    def distance(one: Configuration) -> tuple[int, int]:
        return sum(len(difference(one.settings, other.settings)) for other in configurations), -len(one.scores)

    return min(configurations, key=distance)


def vary_alone(base: Settings, others: Sequence[Settings]) -> set[frozenset[str]]:
    """The sets of settings in which configurations differ from ``base``, without those that other such sets make up together.

    >>> base = {"k": 10, "weight": 1}
    >>> grid = [{"k": 5, "weight": 1}, {"k": 10, "weight": 2}, {"k": 5, "weight": 2}]
    >>> sorted(map(sorted, vary_alone(base, grid)))
    [['k'], ['weight']]
    """
    found = {difference(base, other) for other in others} - {frozenset[str]()}
    return {names for names in found if names != frozenset[str]().union(*(part for part in found if part < names))}


def panels(data_sets: Mapping[str, Sequence[Configuration]]) -> tuple[tuple[Panel, ...], tuple[str, ...]]:
    """The panels, a line in each for every data set on which those settings vary, and what is left out of them.

    ``data_sets`` are the configurations of one method by data set version, whose lines never mix.
    """
    lines: dict[tuple[str, ...], dict[str, tuple[Point, ...]]] = {}
    declared = list(
        dict.fromkeys(name for configurations in data_sets.values() for one in configurations for name in one.settings)
    )
    notes = []
    for name, configurations in data_sets.items():
        base = base_of(configurations)
        alone = vary_alone(base.settings, [one.settings for one in configurations])
        for names in alone:
            ordered = tuple(sorted(names, key=declared.index))
            lines.setdefault(ordered, {})[name] = _line(ordered, base, configurations)
        off = sum(
            bool(names := difference(base.settings, one.settings)) and names not in alone for one in configurations
        )
        if off:
            notes.append(
                f"{name}: configurations not drawn, differing from the base in the settings of several panels at once: {off}"
            )
        if not alone:
            notes.append(f"{name}: not drawn, since nothing varies among its runs")
    return tuple(Panel(names, lines[names]) for names in sorted(lines)), tuple(notes)


def _line(names: tuple[str, ...], base: Configuration, configurations: Sequence[Configuration]) -> tuple[Point, ...]:
    points = [
        Point(tuple(one.settings.get(name) for name in names), tuple(one.scores.values()), one is base)
        for one in configurations
        if difference(base.settings, one.settings) in (frozenset(), frozenset(names))
    ]
    return tuple(sorted(points, key=order))


def order(point: Point) -> tuple[tuple[bool, float, str], ...]:
    """Numbers by size, then everything else by name."""
    return tuple((not _is_number(value), value if _is_number(value) else 0.0, str(value)) for value in point.values)


def _shown(value: object) -> str:
    """A value in words, as short as tells it from every other.

    >>> [_shown(value) for value in (1234567, 2e-5, 0.5, 1.0, 0.1 + 0.2, None, True, "topk")]
    ['1234567', '2e-05', '0.5', '1', '0.30000000000000004', 'none', 'true', 'topk']
    """
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
