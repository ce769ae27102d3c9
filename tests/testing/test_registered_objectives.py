"""Every registered objective passes the conformance kit."""

import pytest

from fecbench.core import registry
from fecbench.testing import ObjectiveConformance

pytestmark = pytest.mark.slow

CHECKS = list(ObjectiveConformance.checks())
KITS = {name: type("Kit", (ObjectiveConformance,), {"name": name})() for name in registry.objectives}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", KITS)
def test_every_registered_objective_conforms(name, check):
    getattr(KITS[name], check)()
