"""The conformance kit on texts with several labels, for AML and those of its variants that differ on them."""

from typing import ClassVar

import pytest

from fecbench.testing import ObjectiveConformance

MULTI: dict[str, object] = {"dataset": "demo-multi", "epochs": 8}


@pytest.mark.slow
class TestAMLOnLabelSets(ObjectiveConformance):
    name = "aml"
    settings: ClassVar = MULTI


@pytest.mark.slow
class TestUniformPairsOnLabelSets(ObjectiveConformance):
    name = "aml-uniform"
    settings: ClassVar = MULTI


@pytest.mark.slow
class TestTheReleasedCodeOnLabelSets(ObjectiveConformance):
    name = "aml-released"
    settings: ClassVar = MULTI


@pytest.mark.slow
class TestCooccurrenceOnLabelSets(ObjectiveConformance):
    name = "aml"
    settings: ClassVar = {**MULTI, "overlap": "cooccurrence", "slope": "linear", "adversary": "confuse"}
