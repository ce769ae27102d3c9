"""What a run tells the world: pluggy hooks for its life, and commands that plugins add.

Hooks observe. Progress, the history file and the trackers are hook implementations; none can steer training. A plugin implements any of
them in a module or class registered under the entry-point group ``fecbench``:

>>> class Stopwatch:
...     @hookimpl
...     def run_started(self, run):
...         print(f"{run.objective} on {run.dataset}")
>>> observers = Observers([Stopwatch()])
>>> observers.notify("run_started", run=RunInfo("r1", "runs/r1", "ce", "demo", {}, epochs=1, steps_per_epoch=2))
ce on demo
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pluggy

from fecbench.core.errors import FecbenchError, PluginError
from fecbench.core.plugin_errors import error_summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import click


PROJECT = "fecbench"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class RunInfo:
    """What observers know of a run: its id, folder, objective, data set, settings by name, and length."""

    id: str
    folder: str
    objective: str
    dataset: str
    settings: Mapping[str, object]
    epochs: int
    steps_per_epoch: int
    notes: tuple[str, ...] = ()


class RunHooks:
    """The hook specifications. Every number is a Python float, fetched from the device for all observers at once."""

    @hookspec
    def run_started(self, run: RunInfo) -> None:
        """The data and model stand; the first batch comes next (of epoch 1, or of the epoch that a resumed run continues with)."""

    @hookspec
    def updates_logged(self, run: RunInfo, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Means of the updates' losses and logs since the last call, every few batches; ``step`` batches of the epoch are done."""

    @hookspec
    def epoch_finished(self, run: RunInfo, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """An epoch's batches are done; ``logs`` are means over the epoch, ``seconds`` what the batches took."""

    @hookspec
    def evaluated(self, run: RunInfo, epoch: int, split: str, metrics: Mapping[str, float], best: bool) -> None:
        """A split was evaluated; ``best`` says whether this epoch is the best on validation so far."""

    @hookspec
    def run_finished(self, run: RunInfo, result: Mapping[str, object]) -> None:
        """The run is complete and its record written."""

    @hookspec
    def run_failed(self, run: RunInfo, error: BaseException) -> None:
        """The run stopped early (``KeyboardInterrupt`` where a person stopped it)."""

    @hookspec
    def commands(self) -> Iterable[click.Command]:  # type: ignore[empty-body]
        """Commands to add to ``fecbench``."""


class Observers:
    """A plugin manager that lets no observer stop a run by accident.

    A ``FecbenchError`` from an observer is passed on (a history that can't be written must stop the run); any other exception is reported
    once and its observer dropped, since a tracker that loses its server must not cost hours of training.
    """

    def __init__(self, observers: Iterable[object] = ()):
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(RunHooks)
        for observer in observers:
            self.add(observer)

    def add(self, observer: object, name: str | None = None) -> None:
        """Register ``observer`` under ``name``.

        Raises:
            PluginError: it implements a hook that doesn't exist, or asks for an argument that the hook doesn't have.
        """
        try:
            self.manager.register(observer, name)
            self.manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self.manager.is_registered(observer):
                self.manager.unregister(observer)
            raise PluginError(f"the hook plugin {name or observer!r} doesn't fit fecbench's hooks: {error}") from error

    def notify(self, event: str, **arguments: object) -> None:
        """Call the hook ``event`` of every observer, in order of registration."""
        present = self.manager.list_name_plugin()
        for name, observer in present:
            others = [other for _, other in present if other is not observer]
            try:
                self.manager.subset_hook_caller(event, others)(**arguments)
            except FecbenchError:
                raise
            except (Exception, SystemExit) as error:
                self.manager.unregister(observer)
                warnings.warn(
                    f"observer {name} failed at {event} and was dropped: {error_summary(error)}", stacklevel=2
                )

    def commands(self) -> list[click.Command]:
        """Every command that a plugin adds; one that can't say its commands is reported and adds none."""
        found: list[click.Command] = []
        present = self.manager.list_name_plugin()
        for name, observer in present:
            others = [other for _, other in present if other is not observer]
            try:
                added = [
                    command
                    for commands in self.manager.subset_hook_caller("commands", others)()
                    for command in commands
                ]
                names = [command.name for command in added]  # what isn't a command has none
            except (Exception, SystemExit) as error:
                warnings.warn(
                    f"the hook plugin {name} adds no commands: {error_summary(error)}; mend or uninstall it",
                    stacklevel=2,
                )
                continue
            found += [command for command, known in zip(added, names, strict=True) if known]
        return found


def get_hook_plugin(name: str) -> object:
    """The hook plugin of the entry point ``name`` in the group ``fecbench``, checked against the hooks.

    Raises:
        PluginError: it can't be imported, is claimed twice, or doesn't fit the hooks.
    """
    entry, *others = entry_points(group=PROJECT, name=name)
    if others:
        claims = ", ".join(f"{one.value} of {one.dist.name if one.dist else '?'}" for one in (entry, *others))
        raise PluginError(f"the hook plugin name {name!r} is claimed by {claims}; uninstall all but one")
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:
        distribution = entry.dist.name if entry.dist else "?"
        raise PluginError(
            f"the hook plugin {name!r} ({entry.value} of {distribution}) can't be imported: {error_summary(error)}; mend or uninstall it"
        ) from error
    Observers().add(plugin, name)
    return plugin


def installed() -> tuple[list[tuple[str, object]], list[str]]:
    """The working hook plugins of the entry-point group ``fecbench``, by name, and the reasons why the others don't work.

    Imports them one by one (pluggy's own loader gives up at the first that is broken).
    """
    plugins, reasons = [], []
    for name in sorted(entry_points(group=PROJECT).names):
        try:
            plugins.append((name, get_hook_plugin(name)))
        except PluginError as error:
            reasons.append(str(error))
    return plugins, reasons
