"""Plugin registries: map names of objectives, data sets, encoders, heads, metrics and formats to plugins.

All plugins are found by entry points, the built-in ones too, in the groups ``fecbench_objectives``,
``fecbench_datasets`` and so on. A registry lists and tests names by installed metadata alone. Plugins are
imported on demand; a broken plugin does not affect others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint
from typing import TypeVar

import catalogue

from fecbench.core.errors import PluginError, UnknownName, UsageError
from fecbench.core.plugin_errors import error_summary

T = TypeVar("T")
HERE = "this process"  # the distribution of plugins registered without a package


@dataclass(frozen=True)
class Origin:
    """The distribution and entry point of a registered name, read from metadata alone.

    Attributes:
        kind: the registry, such as ``heads``.
        name: the registered name.
        distribution: the package that registers it.
        version: that package's version.
        value: the plugin's address, ``module:object``.
    """

    kind: str
    name: str
    distribution: str
    version: str
    value: str

    def __str__(self) -> str:
        return f"{self.value} of {self.distribution} {self.version}".rstrip()


class Registry:
    """Names of one kind of plugin.

    catalogue itself lets duplicates overwrite each other silently and imports every plugin for one look-up,
    so that one broken plugin makes all look-ups raise. This wrapper answers from metadata and refuses
    duplicates.

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
        self._available: object = None
        self._installed: list[tuple[Origin, EntryPoint]] = []

    def origins(self, name: str | None = None) -> list[Origin]:
        """Return all registrations (of ``name`` alone, if given), sorted by name; two of one name are a collision."""
        origins = [*(origin for origin, _ in self._entries()), *self._here.values()]
        wanted = [origin for origin in origins if name in (None, origin.name)]
        return sorted(wanted, key=lambda origin: (origin.name, origin.distribution))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(origin.name for origin in self.origins()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.origins(name))

    def origin(self, name: str) -> Origin:
        """Return the registration of ``name``.

        Raises:
            UsageError: the name is no text.
            UnknownName: the name is not registered.
            PluginError: more than one distribution registers it.
        """
        if not isinstance(name, str):
            raise UsageError(f"the name of a {self.word} must be text, but is {name!r}; correct it")
        claims = self.origins(name)
        if not claims:
            raise UnknownName(self.word, name, self)
        if len(claims) > 1:
            raise PluginError(
                f"the {self.word} name {name!r} must be claimed once, but is claimed by "
                f"{' and by '.join(map(str, claims))}; uninstall one of them or rename its entry point"
            )
        return claims[0]

    def get(self, name: str) -> object:
        """Import and return the object registered as ``name``.

        Raises:
            UnknownName: the name is not registered.
            PluginError: the name is registered twice, or the import fails.
        """
        origin = self.origin(name)
        try:
            # origin() has refused duplicates, so that at most one entry point has the name.
            entry = next((entry for found, entry in self._entries() if found.name == name), None)
            return entry.load() if entry else self._catalogue.get(name)
        except (Exception, SystemExit) as error:  # a module that exits at its import must not end fecbench
            raise PluginError(
                f"the {self.word} {name!r} ({origin}) can't be imported: {error_summary(error)}; "
                f"fix or uninstall {origin.distribution}"
            ) from error

    def register(self, name: str, plugin: T) -> T:
        """Register ``plugin`` in this process only, for notebooks and tests; packages use entry points.

        Raises:
            PluginError: the name is registered already.
        """
        if name in self:
            raise PluginError(f"the {self.word} name {name!r} is taken by {self.origin(name)}; choose another")
        self._catalogue.register(name, func=plugin)
        value = f"{getattr(plugin, '__module__', '?')}:{getattr(plugin, '__qualname__', type(plugin).__qualname__)}"
        self._here[name] = Origin(self.kind, name, HERE, "", value)
        return plugin

    def _entries(self) -> list[tuple[Origin, EntryPoint]]:
        """Return the entry points of the group; picked once, since an environment has hundreds of other groups."""
        available = catalogue.AVAILABLE_ENTRY_POINTS
        if self._available is not available:
            group = available.select(group=self._catalogue.entry_point_namespace)
            self._installed = [(self._describe(entry), entry) for entry in group]
            self._available = available
        return self._installed

    def _describe(self, entry: EntryPoint) -> Origin:
        distribution, version = _identity(entry.dist)
        return Origin(self.kind, entry.name, distribution, version, entry.value)


@cache
def _identity(distribution: Distribution | None) -> tuple[str, str]:
    """Return name and version; cached, since each access parses the distribution's whole metadata file."""
    return (distribution.name, distribution.version) if distribution else ("?", "")


objectives = Registry("objectives")
datasets = Registry("datasets")
encoders = Registry("encoders")
heads = Registry("heads")
metrics = Registry("metrics")
formats = Registry("formats")

ALL = (objectives, datasets, encoders, heads, metrics, formats)
