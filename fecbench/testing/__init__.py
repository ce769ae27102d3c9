"""The conformance kits: what every plugin must do, checked without a network.

A plugin's whole test file::

    from fecbench.testing import ObjectiveConformance

    class TestFocal(ObjectiveConformance):
        name = "focal"

``fecbench check focal`` runs the same checks. None needs pytest. Objectives are checked on the demo data with the
scratch encoder on the CPU.
"""

from fecbench.testing.conformance import ObjectiveConformance
from fecbench.testing.doors import (
    DatasetConformance,
    EncoderConformance,
    FormatConformance,
    HeadConformance,
    MetricConformance,
)
from fecbench.testing.findings import NotConforming, NotHere

__all__ = [
    "DatasetConformance",
    "EncoderConformance",
    "FormatConformance",
    "HeadConformance",
    "MetricConformance",
    "NotConforming",
    "NotHere",
    "ObjectiveConformance",
]
