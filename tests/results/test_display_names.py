"""Display names: declared by plugins, not inherited, and the registered name where there is none."""

import fecbench
from fecbench.core import registry
from fecbench.objective.check import get_objective
from fecbench.results.display_names import dataset_display, method_display
from tests.support import ROOT

OWN = sorted(name for name in registry.objectives if get_objective(name).__module__.startswith("fecbench_"))


def test_every_method_of_the_project_has_a_display_name_of_its_own():
    names = [method_display(name) for name in OWN]
    assert len(set(names)) == len(OWN)
    assert not set(names) & set(OWN)


def test_data_sets_go_by_the_papers_names():
    names = [dataset_display(name) for name in ("ed-prepared", "ge-prepared", "ge-multi", "ge-raters", "demo")]
    assert names[:2] == ["Empathetic Dialogues (ED)", "GoEmotions (GE)"]
    assert names[2:] == ["GoEmotions, multi-label", "GoEmotions, raters", "demo"]


def test_a_subclass_does_not_inherit_a_display_name(install):
    code = """
    import fecbench
    class Mine(fecbench.Objective):
        display = "Mine!"
        def updates(self, batch, model):
            yield fecbench.Update(self.task.nll(model.classify(model.project(model.encode(batch))), batch))
    class Changed(Mine):
        pass
    """
    install("my-method", "fecbench_objectives", mine="my_method:Mine", changed="my_method:Changed", code=code)
    assert (method_display("mine"), method_display("changed")) == ("Mine!", "changed")


def test_a_broken_or_missing_plugin_goes_by_its_registered_name(install):
    install("bad-method", "fecbench_objectives", bad="bad_method:Missing", code="")
    assert (method_display("bad"), method_display("never-heard-of")) == ("bad", "never-heard-of")


def test_the_attribute_is_documented():
    assert "`display`" in (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert fecbench.Objective.display == ""
