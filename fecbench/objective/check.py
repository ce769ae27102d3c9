"""Check that a plugin is a usable objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from fecbench.core import registry
from fecbench.core.errors import PluginError
from fecbench.core.plugin_errors import error_summary
from fecbench.core.run_flags import RUN_FLAGS
from fecbench.core.settings import Config, RunSettings, plain
from fecbench.data.batch import BatchNeeds
from fecbench.data.datasets.dataset import Labelling
from fecbench.objective.objective import Objective

FIX = "; fix or uninstall the plugin"


def get_objective(name: str) -> type[Objective]:
    """Return the objective class registered as ``name``, checked.

    Raises:
        UnknownName: no objective has this name.
        PluginError: the plugin is broken, isn't a usable objective, or has an option named like a flag of
            ``fecbench run``.
    """
    plugin = registry.objectives.get(name)
    try:
        return check_objective(plugin)
    except PluginError as error:
        raise PluginError(f"the objective {name!r} ({registry.objectives.origin(name)}) {error}") from None


def check_objective(plugin: object) -> type[Objective]:
    """Return ``plugin`` if it is a usable objective class.

    Raises:
        PluginError: it isn't; the message says why.
    """
    if not (isinstance(plugin, type) and issubclass(plugin, Objective)):
        raise PluginError(f"must be a subclass of fecbench.Objective, but is {plugin!r}{FIX}")
    if plugin.trains and plugin.updates is Objective.updates:
        raise PluginError("must define updates(batch, model), or set trains = False")
    _check_config(plugin)
    _check_panels(plugin)
    _check_gaps(plugin)
    _check_symbols(plugin)
    _check_host_waits(plugin)
    _check_labellings(plugin)
    _check_preferences(plugin)
    _check_defaults(plugin)
    return plugin


def _check_panels(plugin: type[Objective]) -> None:
    if not isinstance(plugin.panels, Mapping) or not all(
        isinstance(names, tuple | list) for names in plugin.panels.values()
    ):
        raise PluginError(f"must have panels that are tuples of names by title, but they are {plugin.panels!r}{FIX}")


def _check_gaps(plugin: type[Objective]) -> None:
    if not isinstance(plugin.gaps, Mapping) or not all(
        isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(name, str) for name in pair)
        for pair in plugin.gaps.values()
    ):
        raise PluginError(f"must have gaps that are pairs of names by title, but they are {plugin.gaps!r}{FIX}")


def _check_symbols(plugin: type[Objective]) -> None:
    if not isinstance(plugin.symbols, Mapping) or not all(
        isinstance(symbol, str) for symbol in plugin.symbols.values()
    ):
        raise PluginError(f"must have symbols that are texts by option, but they are {plugin.symbols!r}{FIX}")


def _check_host_waits(plugin: type[Objective]) -> None:
    waits = plugin.host_waits
    if not isinstance(waits, Mapping) or not all(
        isinstance(reason, str) and isinstance(count, int) and count >= 0 for reason, count in waits.items()
    ):
        raise PluginError(f"must have host_waits that are numbers by reason, but they are {waits!r}{FIX}")


def _check_labellings(plugin: type[Objective]) -> None:
    """Check that ``labellings`` names one kind of data or both, and that the reason is text."""
    named = plugin.labellings
    if not isinstance(named, tuple) or not named or not set(named) <= {*get_args(Labelling)}:
        raise PluginError(f"must have labellings that are ('single',), ('multi',) or both, but they are {named!r}{FIX}")
    if not isinstance(plugin.labelling_reason, str):
        raise PluginError(f"must have a labelling_reason that is text, but it is {plugin.labelling_reason!r}{FIX}")


def _check_config(plugin: type[Objective]) -> None:
    """Check that every option can be given as a flag of ``fecbench run`` and has a default."""
    if not (isinstance(plugin.Config, type) and issubclass(plugin.Config, Config)):
        raise PluginError(f"must have a Config that is a subclass of fecbench.Config, but it is {plugin.Config!r}{FIX}")
    fields = plugin.Config.model_fields
    clashes = sorted(RUN_FLAGS & set(fields))
    if clashes:
        raise PluginError(f"has the option {', '.join(clashes)}, which `fecbench run` has itself; rename it")
    required = [name for name, option in fields.items() if option.is_required()]
    if required:
        raise PluginError(f"has options without a default: {', '.join(required)}; give each one")
    unsupported = [name for name, option in fields.items() if not plain(option.annotation)]
    if unsupported:
        raise PluginError(
            f"has options that a command line can't give: {', '.join(unsupported)}; "
            "use str, int, float, bool or Literal"
        )


def _check_defaults(plugin: type[Objective]) -> None:
    """Check that the default options are valid and that ``batch_needs`` accepts them."""
    try:
        needs = plugin.batch_needs(plugin.Config())
    except (Exception, SystemExit) as error:  # a plugin's validator or batch_needs can raise anything
        raise PluginError(
            f"can't be configured with its own defaults: {error_summary(error)}; correct Config"
        ) from error
    if not isinstance(needs, BatchNeeds):
        raise PluginError(f"must have needs that are a fecbench.BatchNeeds, but they are {needs!r}{FIX}")


def _check_preferences(plugin: type[Objective]) -> None:
    """Check that ``settings``, ``presets`` and ``rehearsal`` are dicts of known settings and options."""
    if not isinstance(plugin.presets, Mapping) or not all(isinstance(name, str) for name in plugin.presets):
        raise PluginError(f"must have presets that are a dict by data set name, but they are {plugin.presets!r}{FIX}")
    known = {*RunSettings.model_fields, *plugin.Config.model_fields}
    for values in (plugin.settings, plugin.rehearsal, *plugin.presets.values()):
        if not isinstance(values, Mapping):
            raise PluginError(f"must have settings and presets that are dicts, but one is {values!r}{FIX}")
        unknown = sorted(set(values) - known)
        if unknown:
            raise PluginError(
                f"prefers settings that don't exist: {', '.join(unknown)}; correct settings, presets or rehearsal"
            )
