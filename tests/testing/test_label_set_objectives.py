"""The conformance kit on texts with several labels, for the objectives that take them."""

from typing import ClassVar

import pytest

from fecbench.core import registry
from fecbench.core.errors import UsageError
from fecbench.objective.check import get_objective
from fecbench.runs.plan import plan
from fecbench.testing import ObjectiveConformance


@pytest.mark.slow
class TestCrossEntropyOnLabelSets(ObjectiveConformance):
    name = "ce"
    settings: ClassVar = {"dataset": "demo-multi", "epochs": 8}


@pytest.mark.parametrize("name", list(registry.objectives))
def test_every_objective_takes_several_labels_or_refuses_in_a_sentence(name):
    if "multi" in get_objective(name).labellings:
        assert plan(name, {"dataset": "demo-multi"}).name == name
    else:
        with pytest.raises(UsageError, match=f"objective {name} .* is for data with one label a text"):
            plan(name, {"dataset": "demo-multi"})
