"""Conformance kits: checks that every plugin must pass, run without a network.

A plugin's whole test file::

    from fecbench.testing import ObjectiveConformance

    class TestFocal(ObjectiveConformance):
        name = "focal"

``fecbench check focal`` runs the same checks. They don't need pytest. Objectives are checked on the demo data with
the scratch encoder on the CPU.

Imports the wings from ``core`` to ``results`` only; of the wings, only ``cli`` may import it.
"""

from fecbench.testing.dataset_checks import DatasetConformance
from fecbench.testing.device_checks import DeviceConformance, device_report
from fecbench.testing.encoder_checks import EncoderConformance
from fecbench.testing.findings import NotConforming, NotHere
from fecbench.testing.format_checks import FormatConformance
from fecbench.testing.head_checks import HeadConformance
from fecbench.testing.metric_checks import MetricConformance
from fecbench.testing.objective_checks import ObjectiveConformance

__all__ = [
    "DatasetConformance",
    "DeviceConformance",
    "EncoderConformance",
    "FormatConformance",
    "HeadConformance",
    "MetricConformance",
    "NotConforming",
    "NotHere",
    "ObjectiveConformance",
    "device_report",
]
