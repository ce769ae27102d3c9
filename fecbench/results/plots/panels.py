"""Find the panels of a sensitivity plot: the settings that vary among a method's runs, around a base configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Configuration:
    """Runs that differ only in their seeds.

    Attributes:
        settings: the value of every setting.
        scores: the score of each seed (and fold), as a fraction.
    """

    settings: Settings
    scores: Mapping[int | str, float]


@dataclass(frozen=True)
class Point:
    """One configuration in a panel.

    Attributes:
        values: the values of the panel's settings, in their order.
        repetitions: the seeds, or `seed/fold`.
        scores: the score of each of them.
        base: True for the base configuration.
    """

    values: tuple[Any, ...]
    repetitions: tuple[int | str, ...]
    scores: tuple[float, ...]
    base: bool

    @property
    def text(self) -> str:
        """The values as a label of the axis, one a line; a single line if all are equal."""
        labels = self.values if len(set(self.values)) > 1 else self.values[:1]
        return "\n".join(map(_format, labels))


@dataclass(frozen=True)
class Panel:
    """Configurations that vary in the same settings, with all others as in the base.

    Attributes:
        settings: the names of the settings that vary together.
        lines: the points of each data set, sorted by their values.
    """

    settings: tuple[str, ...]
    lines: Mapping[str, tuple[Point, ...]]

    @property
    def name(self) -> str:
        """The settings' names, as ``k_pos = k_neg`` if they are always equal, else as ``k_pos, k_neg``."""
        return (" = " if self._equal else ", ").join(self.settings)

    @property
    def numeric(self) -> bool:
        """True if every point has a single number as its value."""
        return self._equal and all(_is_number(point.values[0]) for points in self.lines.values() for point in points)

    @property
    def _equal(self) -> bool:
        return all(len(set(point.values)) == 1 for points in self.lines.values() for point in points)


def differing_names(one: Settings, other: Settings) -> frozenset[str]:
    """Return the names of the settings in which two configurations differ.

    >>> sorted(differing_names({"k_pos": 10, "k_neg": 10, "weight": 1}, {"k_pos": 20, "k_neg": 20, "weight": 1}))
    ['k_neg', 'k_pos']
    """
    return frozenset(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def base_of(configurations: Sequence[Configuration]) -> Configuration:
    """Return the configuration with the smallest total number of differing settings to all others.

    Ties go to the configuration with the most seeds, then to the first.

    >>> grid = [(5, 1), (10, 2), (10, 1), (10, 4)]
    >>> base_of([Configuration({"k": k, "weight": weight}, {0: 0.5}) for k, weight in grid]).settings
    {'k': 10, 'weight': 1}
    """

    def distance(one: Configuration) -> tuple[int, int]:
        return sum(len(differing_names(one.settings, other.settings)) for other in configurations), -len(one.scores)

    return min(configurations, key=distance)


def vary_alone(base: Settings, others: Sequence[Settings]) -> set[frozenset[str]]:
    """Return the sets of settings in which configurations differ from ``base``, without unions of other such sets.

    A configuration that differs in a union of several sets (a grid's corner) belongs to no panel.

    >>> base = {"k": 10, "weight": 1}
    >>> grid = [{"k": 5, "weight": 1}, {"k": 10, "weight": 2}, {"k": 5, "weight": 2}]
    >>> sorted(map(sorted, vary_alone(base, grid)))
    [['k'], ['weight']]
    """
    differing = {differing_names(base, other) for other in others} - {frozenset[str]()}

    def union_of_subsets(names: frozenset[str]) -> frozenset[str]:
        return frozenset[str]().union(*(subset for subset in differing if subset < names))

    return {names for names in differing if names != union_of_subsets(names)}


def panels(data_sets: Mapping[str, Sequence[Configuration]]) -> tuple[tuple[Panel, ...], tuple[str, ...]]:
    """Return the panels, each with a line for every data set on which its settings vary, and notes on what is left out.

    ``data_sets`` holds the configurations of one method by data set version. Each has a base and lines of its own.
    """
    lines: dict[tuple[str, ...], dict[str, tuple[Point, ...]]] = {}
    order_of_names = _setting_names(data_sets)
    notes = []
    for data_set, configurations in data_sets.items():
        base = base_of(configurations)
        varying = vary_alone(base.settings, [configuration.settings for configuration in configurations])
        for names in varying:
            settings = tuple(sorted(names, key=order_of_names.index))
            lines.setdefault(settings, {})[data_set] = _line(settings, base, configurations)
        differing = [differing_names(base.settings, configuration.settings) for configuration in configurations]
        left_out = sum(bool(names) and names not in varying for names in differing)
        if left_out:
            notes.append(
                f"{data_set}: configurations left out because they differ from the base in the settings of several "
                f"panels: {left_out}"
            )
        if not varying:
            notes.append(f"{data_set}: left out because nothing varies among its runs")
    return tuple(Panel(settings, lines[settings]) for settings in sorted(lines)), tuple(notes)


def _setting_names(data_sets: Mapping[str, Sequence[Configuration]]) -> list[str]:
    """Return the names of all settings, in the order of the configurations."""
    names = {}
    for configurations in data_sets.values():
        for configuration in configurations:
            names.update(dict.fromkeys(configuration.settings))
    return list(names)


def _line(names: tuple[str, ...], base: Configuration, configurations: Sequence[Configuration]) -> tuple[Point, ...]:
    """Return the points of the base and of all configurations that differ from it in exactly ``names``."""
    points = [
        Point(
            tuple(one.settings.get(name) for name in names), tuple(one.scores), tuple(one.scores.values()), one is base
        )
        for one in configurations
        if differing_names(base.settings, one.settings) in (frozenset(), frozenset(names))
    ]
    return tuple(sorted(points, key=sort_key))


def sort_key(point: Point) -> tuple[tuple[int, float, str], ...]:
    """Return a sort key: numbers by size, then all other values by name."""
    return tuple((0, value, "") if _is_number(value) else (1, 0.0, str(value)) for value in point.values)


def _format(value: object) -> str:
    """Return the shortest text that distinguishes a value from every other.

    >>> [_format(value) for value in (1234567, 2e-5, 0.5, 1.0, 0.1 + 0.2, None, True, "topk")]
    ['1234567', '2e-05', '0.5', '1', '0.30000000000000004', 'none', 'true', 'topk']
    """
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
