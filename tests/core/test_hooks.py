"""Hooks observe: they are checked when added, and can't stop a run by accident."""

import click
import pytest

from fecbench.core import hooks
from fecbench.core.errors import FecbenchError, PluginError, RunError
from fecbench.core.hooks import Observers, RunInfo, hookimpl

RUN = RunInfo("id", "runs/id", "ce", "demo", {}, epochs=1, steps_per_epoch=1)


class Recorder:
    def __init__(self):
        self.seen = []

    @hookimpl
    def run_started(self, run):
        self.seen.append(run.id)


class Typo:
    @hookimpl
    def run_startet(self, run): ...


class Greedy:
    @hookimpl
    def run_started(self, run, trainer): ...


@pytest.mark.parametrize("plugin", [Typo(), Greedy(), 5])
def test_an_observer_without_a_known_hook_is_refused(plugin):
    with pytest.raises(PluginError, match="the hook plugin 'mine' doesn't fit fecbench's hooks"):
        Observers().add(plugin, "mine")


def test_observers_are_called_in_order_and_a_failing_one_is_dropped():
    class Failing:
        calls = 0

        @hookimpl
        def run_started(self, run):
            Failing.calls += 1
            raise ValueError("server gone")

    first, last = Recorder(), Recorder()
    observers = Observers([first])
    observers.add(Failing(), "tracker")
    observers.add(last, "last")
    with pytest.warns(UserWarning, match="observer tracker failed at run_started and was dropped.*server gone"):
        observers.notify("run_started", run=RUN)
    observers.notify("run_started", run=RUN)
    assert first.seen == last.seen == ["id", "id"]
    assert Failing.calls == 1


def test_an_error_of_ours_is_passed_on():
    class Full:
        @hookimpl
        def run_started(self, run):
            raise RunError("no space")

    with pytest.raises(FecbenchError, match="no space"):
        Observers([Full()]).notify("run_started", run=RUN)


def test_plugins_add_commands():
    class Extra:
        @hookimpl
        def commands(self):
            return [click.Command("certify")]

    assert [command.name for command in Observers([Extra()]).commands()] == ["certify"]


def test_broken_hook_plugins_are_reported_and_skipped(install):
    install("bad-hooks", "fecbench", bad="nowhere:x")
    install("good-hooks", "fecbench", good="fecbench_aml.commands")
    plugins, reasons = hooks.installed()
    assert [name for name, _ in plugins] == ["aml", "good"]
    assert len(reasons) == 1
    assert "'bad' (nowhere:x of bad-hooks) can't be imported" in reasons[0]


def test_a_hook_name_that_two_distributions_claim_is_named_and_hurts_nobody_else(install):
    install("thief", "fecbench", aml="fecbench.core.errors")
    plugins, reasons = hooks.installed()
    assert plugins == []
    (reason,) = reasons
    assert "'aml' is claimed by" in reason
    assert "thief" in reason
    assert "uninstall all but one" in reason


def test_a_hook_plugin_that_exits_at_import_is_only_reported(install):
    install("leaver", "fecbench", leaver="leaving", code="import sys\nsys.exit(3)\n")
    plugins, reasons = hooks.installed()
    assert [name for name, _ in plugins] == ["aml"]
    assert "'leaver' (leaving of leaver) can't be imported: SystemExit: 3" in reasons[0]


@pytest.mark.parametrize("answer", [None, [3], "raise"])
def test_a_plugin_that_cannot_say_its_commands_adds_none_and_hides_no_other(answer):
    class Broken:
        @hookimpl
        def commands(self):
            if answer == "raise":
                raise ValueError("no commands today")
            return answer if answer is not None else 3

    class Fine:
        @hookimpl
        def commands(self):
            return [click.Command("fine")]

    with pytest.warns(UserWarning, match="adds no commands"):
        found = Observers([Broken(), Fine()]).commands()
    assert [command.name for command in found] == ["fine"]
