"""The conformance kit: what every objective must do, checked on the demo data with the scratch encoder on the CPU.

A plugin's whole test file::

    from fecbench.testing import ObjectiveConformance

    class TestFocal(ObjectiveConformance):
        name = "focal"

``fecbench check focal`` runs the same checks. None needs pytest.
"""

from fecbench.testing.conformance import NotConforming, ObjectiveConformance

__all__ = ["NotConforming", "ObjectiveConformance"]
