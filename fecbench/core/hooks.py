"""Run events (pluggy hooks) and commands added by plugins.

Hooks observe a run and cannot change training. The progress bar, the history file and the trackers are hook
implementations. A plugin implements any of them in a module or class registered under the entry-point group
``fecbench``:

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
from importlib.metadata import EntryPoint, entry_points
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
    """The facts about a run that observers receive.

    Attributes:
        id: identifier of the run.
        folder: path of the run record.
        objective: name of the objective.
        dataset: name of the data set.
        settings: values of all settings by name.
        epochs: maximum number of epochs.
        steps_per_epoch: number of batches in an epoch.
        notes: remarks on the data and the settings, as sentences.
    """

    id: str
    folder: str
    objective: str
    dataset: str
    settings: Mapping[str, object]
    epochs: int
    steps_per_epoch: int
    notes: tuple[str, ...] = ()


class RunHooks:
    """The hook specifications. All numbers are Python floats, copied from the device once for all observers."""

    @hookspec
    def run_started(self, run: RunInfo) -> None:
        """Handle the start of a run: data and model are ready, and no batch of this process was trained on yet.

        A resumed run starts at its next epoch, any other at epoch 1.
        """

    @hookspec
    def updates_logged(self, run: RunInfo, epoch: int, step: int, logs: Mapping[str, float]) -> None:
        """Handle the logs of a few batches, after ``step`` batches of the epoch.

        ``logs`` are the means of the updates' losses and logs since the last call.
        """

    @hookspec
    def epoch_finished(self, run: RunInfo, epoch: int, logs: Mapping[str, float], seconds: float) -> None:
        """Handle the end of an epoch; ``logs`` are means over the epoch, ``seconds`` is the time of its batches."""

    @hookspec
    def evaluated(self, run: RunInfo, epoch: int, split: str, metrics: Mapping[str, float], best: bool) -> None:
        """Handle the evaluation of a split; ``best`` is True if this is the best epoch on validation so far."""

    @hookspec
    def run_finished(self, run: RunInfo, result: Mapping[str, object]) -> None:
        """Handle the end of a complete run, whose record is written."""

    @hookspec
    def run_failed(self, run: RunInfo, error: BaseException) -> None:
        """Handle a run that stops on ``error`` (``KeyboardInterrupt`` if the user stopped it)."""

    @hookspec
    def commands(self) -> Iterable[click.Command]:  # type: ignore[empty-body]
        """Return commands to add to ``fecbench``."""


class Observers:
    """A plugin manager in which a failing observer does not stop the run.

    A ``FecbenchError`` from an observer is raised (a run must stop if its history can't be written). Any
    other exception is reported once and its observer dropped: a tracker that loses its server must not cost
    hours of training.
    """

    def __init__(self, observers: Iterable[object] = ()):
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(RunHooks)
        for observer in observers:
            self.add(observer)

    def add(self, observer: object, name: str | None = None) -> None:
        """Register ``observer`` under ``name``.

        Raises:
            PluginError: it implements no hook or an unknown one, or its hook has an argument that the
                specification lacks.
        """
        try:
            self.manager.register(observer, name)
            # pluggy accepts unknown hook names until it is asked; a misspelt hook would never be called.
            self.manager.check_pending()
            if not self.manager.get_hookcallers(observer):
                raise ValueError("it implements none; mark a method with fecbench.hookimpl")
        except (pluggy.PluginValidationError, ValueError) as error:
            if self.manager.is_registered(observer):
                self.manager.unregister(observer)
            raise PluginError(
                f"the hook plugin {name or observer!r} doesn't fit fecbench's hooks: {error}; "
                "fix or uninstall the plugin"
            ) from error

    def notify(self, event: str, **arguments: object) -> None:
        """Call the hook ``event`` of every observer, in order of registration."""
        present = self.manager.list_name_plugin()
        for name, observer in present:
            others = [other for _, other in present if other is not observer]
            try:
                # One observer at a time: in one call of pluggy, one that fails would keep the others from being called.
                self.manager.subset_hook_caller(event, others)(**arguments)
            except FecbenchError:
                raise
            except (Exception, SystemExit) as error:
                self.manager.unregister(observer)
                warnings.warn(
                    f"observer {name} failed at {event} and was dropped: {error_summary(error)}", stacklevel=2
                )

    def commands(self) -> list[click.Command]:
        """Return the commands of all plugins; a plugin whose hook fails is reported and adds none."""
        all_commands: list[click.Command] = []
        present = self.manager.list_name_plugin()
        for name, observer in present:
            others = [other for _, other in present if other is not observer]
            try:
                added = [
                    command
                    for commands in self.manager.subset_hook_caller("commands", others)()
                    for command in commands
                ]
                names = [command.name for command in added]  # raises AttributeError for objects that are not commands
            except (Exception, SystemExit) as error:
                warnings.warn(
                    f"the hook plugin {name} adds no commands: {error_summary(error)}; fix or uninstall the plugin",
                    stacklevel=2,
                )
                continue
            all_commands += [command for command, command_name in zip(added, names, strict=True) if command_name]
        return all_commands


def get_hook_plugin(name: str) -> object:
    """Import the hook plugin of the entry point ``name`` in the group ``fecbench`` and check it against the hooks.

    Raises:
        PluginError: the plugin can't be imported, its name is registered twice, or it doesn't fit the hooks.
    """
    entry, *others = entry_points(group=PROJECT, name=name)
    if others:
        claims = ", ".join(f"{claim.value} of {_distribution(claim)}" for claim in (entry, *others))
        raise PluginError(f"the hook plugin name {name!r} is claimed by {claims}; uninstall all but one")
    try:
        plugin = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"the hook plugin {name!r} ({entry.value} of {_distribution(entry)}) can't be imported: "
            f"{error_summary(error)}; fix or uninstall the plugin"
        ) from error
    # In a manager of its own, which is dropped: only the check is wanted here.
    Observers().add(plugin, name)
    return plugin


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "?"


def installed() -> tuple[list[tuple[str, object]], list[str]]:
    """Return the working hook plugins of the group ``fecbench`` by name, and an error message for each other plugin.

    Imports them one by one, because pluggy's own loader stops at the first broken plugin.
    """
    plugins, reasons = [], []
    for name in sorted(entry_points(group=PROJECT).names):
        try:
            plugins.append((name, get_hook_plugin(name)))
        except PluginError as error:
            reasons.append(str(error))
    return plugins, reasons
