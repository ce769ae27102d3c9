"""The one door for objectives, data sets, encoders, heads, metrics and formats: names to plugins.

Everything comes in through entry points, the built-ins too, in the groups ``fecbench_objectives``, ``fecbench_datasets`` and so on. A
registry lists and tests names from installed metadata alone; a plugin is imported when it is asked for, and a broken one hurts nobody else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint
from typing import TypeVar

import catalogue

from fecbench.core.errors import PluginError, UnknownName
from fecbench.core.plugin_errors import error_summary

T = TypeVar("T")
HERE = "this process"


@dataclass(frozen=True)
class Origin:
    """Where a registered name comes from, told by metadata alone."""

    kind: str
    name: str
    distribution: str
    version: str
    value: str

    def __str__(self) -> str:
        return f"{self.value} of {self.distribution} {self.version}".rstrip()


class Registry:
    """Names of one kind of plugin.

    Bare, catalogue lets a duplicate overwrite silently, imports every plugin to answer one look-up, and lets one broken plugin make all of
    them raise; this wrapper answers from metadata and refuses duplicates.

    >>> "aml" in objectives, "alm" in objectives
    (True, False)
    >>> heads.get("quadratic")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    fecbench.core.errors.UnknownName: no head is called 'quadratic'. Known: ...linear, mlp...
    """

    def __init__(self, kind: str):
        self.kind = kind
        self.word = kind.removesuffix("s").replace("dataset", "data set")
        self._catalogue = catalogue.create("fecbench", kind, entry_points=True)
        self._here: dict[str, Origin] = {}

    def origins(self, name: str | None = None) -> list[Origin]:
        """All registrations, sorted by name (of ``name`` alone, if given); more than one for a name is a collision."""
        entries = catalogue.AVAILABLE_ENTRY_POINTS.select(group=self._catalogue.entry_point_namespace)
        found = [*(self._describe(entry) for entry in entries), *self._here.values()]
        return sorted(
            (origin for origin in found if name in (None, origin.name)), key=lambda o: (o.name, o.distribution)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(origin.name for origin in self.origins()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.origins(name))

    def origin(self, name: str) -> Origin:
        """Where ``name`` comes from.

        Raises:
            UnknownName: nothing has that name.
            PluginError: more than one distribution claims it.
        """
        claims = self.origins(name)
        if not claims:
            raise UnknownName(self.word, name, self)
        if len(claims) > 1:
            raise PluginError(
                f"the {self.word} name {name!r} must be claimed once, but is claimed by {' and by '.join(map(str, claims))}; "
                "uninstall one of them or rename its entry point"
            )
        return claims[0]

    def get(self, name: str) -> object:
        """The object registered as ``name``, imported now.

        Raises:
            UnknownName: nothing has that name.
            PluginError: it is claimed twice, or its import fails.
        """
        origin = self.origin(name)
        try:
            return self._catalogue.get(name)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"the {self.word} {name!r} ({origin}) can't be imported: {error_summary(error)}; mend or uninstall {origin.distribution}"
            ) from error

    def register(self, name: str, plugin: T) -> T:
        """Register ``plugin`` for this process alone, as a notebook or a test does; packages use entry points.

        Raises:
            PluginError: the name is taken.
        """
        if name in self:
            raise PluginError(f"the {self.word} name {name!r} is taken by {self.origin(name)}; choose another")
        self._catalogue.register(name, func=plugin)
        value = f"{getattr(plugin, '__module__', '?')}:{getattr(plugin, '__qualname__', type(plugin).__qualname__)}"
        self._here[name] = Origin(self.kind, name, HERE, "", value)
        return plugin

    def _describe(self, entry: EntryPoint) -> Origin:
        distribution, version = _identity(entry.dist)
        return Origin(self.kind, entry.name, distribution, version, entry.value)


@cache
def _identity(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version; cached, since each reading parses the distribution's whole metadata file."""
    return (distribution.name, distribution.version) if distribution else ("?", "")


objectives = Registry("objectives")
datasets = Registry("datasets")
encoders = Registry("encoders")
heads = Registry("heads")
metrics = Registry("metrics")
formats = Registry("formats")

ALL = (objectives, datasets, encoders, heads, metrics, formats)
