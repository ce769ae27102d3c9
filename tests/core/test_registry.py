"""Names come from metadata, are claimed once, and a broken plugin hurts nobody else."""

import subprocess
import sys

import catalogue
import pytest

from fecbench.core import registry
from fecbench.core.errors import PluginError, UnknownName, UsageError


def test_built_ins_come_through_entry_points():
    assert {"ce", "aml"} <= set(registry.objectives)
    assert registry.objectives.origin("ce").distribution == "fecbench"
    assert {"ge", "ge-prepared", "ed", "ed-prepared", "demo"} <= set(registry.datasets)


def test_entry_points_are_picked_once_for_all_look_ups(monkeypatch):
    class Counted:
        picked = 0

        def select(self, **wanted):
            self.picked += 1
            return installed.select(**wanted)

    installed, counted = catalogue.AVAILABLE_ENTRY_POINTS, Counted()
    monkeypatch.setattr(catalogue, "AVAILABLE_ENTRY_POINTS", counted)
    assert registry.heads.get("linear") is registry.heads.get("linear") is not None
    assert "mlp" in registry.heads
    assert counted.picked == 1


def test_a_duplicate_names_both_distributions(install):
    install("first-plugin", "fecbench_objectives", mine="one:Mine")
    install("second-plugin", "fecbench_objectives", mine="two:Mine")
    with pytest.raises(PluginError, match=r"'mine'.*first-plugin.*second-plugin.*uninstall"):
        registry.objectives.get("mine")


def test_a_duplicate_of_a_built_in_is_refused_and_stops_no_other(install):
    install("thief", "fecbench_objectives", ce="thief:CE")
    with pytest.raises(PluginError, match=r"fecbench.*thief"):
        registry.objectives.get("ce")
    assert registry.objectives.get("aml") is not None


@pytest.mark.parametrize("value", ["no_such_module:Thing", "fecbench.core.errors:NoSuchName"])
def test_a_broken_plugin_is_named_when_asked_for_and_hurts_nobody(install, value):
    install("sloppy-plugin", "fecbench_objectives", broken=value)
    assert "broken" in registry.objectives
    assert registry.objectives.get("ce") is not None
    with pytest.raises(PluginError, match=r"'broken'.*sloppy-plugin.*can't be imported.*fix or uninstall"):
        registry.objectives.get("broken")


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(UnknownName, match="did you mean 'native'"):
        registry.heads.get("nativ")


@pytest.mark.parametrize("name", [None, 123])
def test_a_name_is_text(name):
    with pytest.raises(UsageError, match=f"the name of a head must be text, but is {name}"):
        registry.heads.get(name)


def test_registering_by_hand(monkeypatch):
    fresh = registry.Registry("test_kinds")
    assert fresh.register("thing", dict) is dict
    assert fresh.get("thing") is dict
    assert list(fresh) == ["thing"]
    with pytest.raises(PluginError, match=r"'thing' is taken by builtins:dict"):
        fresh.register("thing", list)


def test_listing_imports_no_plugin_and_nothing_heavy():
    code = (
        "import sys; from fecbench.core import registry; names = [list(one) for one in registry.ALL]; 'ce' in "
        "registry.objectives;"
        "heavy = {'torch', 'transformers', 'datasets', 'fecbench_ce', 'fecbench_aml', 'fecbench.model.heads'} "
        "& set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
