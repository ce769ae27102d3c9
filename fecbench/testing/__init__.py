"""Conformance kits: checks that every plugin must pass, run without a network.

A plugin's whole test file::

    from fecbench.testing import ObjectiveConformance

    class TestFocal(ObjectiveConformance):
        name = "focal"

``fecbench check focal`` runs the same checks. They don't need pytest. Objectives are checked on the demo data with
a small encoder on the CPU. One that takes several labels a text has a second class in its tests, a subclass of
``LabelSetConformance``.

Imports the wings from ``core`` to ``results`` only; of the wings, only ``cli`` may import it.
"""

from fecbench.testing.dataset_checks import DatasetConformance
from fecbench.testing.device_checks import DeviceConformance, LabelSetDeviceConformance, device_report
from fecbench.testing.encoder_checks import EncoderConformance
from fecbench.testing.findings import NotConforming, NotHere
from fecbench.testing.format_checks import FormatConformance
from fecbench.testing.head_checks import HeadConformance
from fecbench.testing.label_set_checks import LabelSetConformance
from fecbench.testing.metric_checks import MetricConformance
from fecbench.testing.objective_checks import ObjectiveConformance

__all__ = [
    "DatasetConformance",
    "DeviceConformance",
    "EncoderConformance",
    "FormatConformance",
    "HeadConformance",
    "LabelSetConformance",
    "LabelSetDeviceConformance",
    "MetricConformance",
    "NotConforming",
    "NotHere",
    "ObjectiveConformance",
    "device_report",
]
