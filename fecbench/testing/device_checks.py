"""The conformance kit for objectives on a CUDA device, real or fake."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, ClassVar

from fecbench.core.text import shortened
from fecbench.testing.checks import ObjectiveChecks
from fecbench.testing.device_check.measure import Case, device_reports
from fecbench.testing.findings import NotConforming, NotHere
from fecbench.testing.label_set_checks import LabelSetConformance
from fecbench.testing.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fecbench.testing.device_check.report import DeviceReport

MOST = 5  # waits that a finding lists


class DeviceConformance(ObjectiveChecks):
    """Checks of an objective on a CUDA device: on the GPU if there is one, else on fake tensors.

    Each part of a run is made once, with bf16 autocast: the stages, two training steps, the fetching of logs, the check
    of weights, and the prediction of the test rows.

    Attributes:
        name: the objective's name.
        settings: run settings and options that override its defaults in checks.
        max_operations: greatest number of operations on the device in a training step; None for no limit.
    """

    max_operations: ClassVar[int | None] = None

    @cached_property
    def report(self) -> DeviceReport:
        """The report of the objective on the device.

        Raises:
            NotHere: the objective doesn't train, or this machine has neither a GPU nor what a fake device needs.
        """
        if not self.subject.trains:
            raise NotHere("it trains nothing, so that no step can be made on the device")
        return _report(self.name, self.given)

    @property
    def summary(self) -> str:
        """Operations, copies and waits of a training step; empty if no step was made."""
        report = vars(self).get("report")  # cached, unless its making failed or was skipped
        if report is None or "step" not in report.parts:
            return ""
        counts = f"{report.operations():,} operations, {report.copies()} copies and {report.waits()} waits"
        return f"{counts} in a training step on {report.device}"

    def test_its_tensors_are_on_the_device(self) -> None:
        """Stages, steps and predictions work on a CUDA device: tensors and generators used together are there."""
        if self.report.faulty:
            name, part = self.report.faulty
            look = f"{part.line or self.name}: make tensors and generators on the others' device (device=x.device)"
            raise NotConforming("tensors and generators on one device", f"in {name}, {part.fault}", look)

    def test_a_step_waits_for_the_device_only_as_declared(self) -> None:
        """In a training step the host waits for the device at most as often as ``host_waits`` declares."""
        self._require_waits("step", self.report.declared, "by host_waits")

    def test_a_prediction_waits_for_the_device_once_a_batch_at_most(self) -> None:
        """In a prediction the host waits for the device at most once for each batch, and once for all logits."""
        part = self.report.parts.get("prediction")
        if part:
            self._require_waits("prediction", part.batches + 1, f"for {part.batches} batches")

    def test_a_step_makes_no_more_operations_than_allowed(self) -> None:
        """A training step makes at most ``max_operations`` operations on the device, if the test class sets a limit."""
        found = self.report.operations()
        if self.max_operations is not None and found > self.max_operations:
            by_count = sorted(self.report.parts["step"].operations.items(), key=lambda item: -item[1])
            counts = shortened([f"{count} {name}" for name, count in by_count])
            look = f"{self.subject.where('updates')}: make fewer, larger operations, or raise max_operations"
            raise NotConforming(f"at most {self.max_operations:,} operations a step", f"{found:,}: {counts}", look)

    def _require_waits(self, part: str, allowed: int, allowance: str) -> None:
        found = self.report.waits(part)
        if found <= allowed:
            return
        waits = [f"{count} x {wait}" for wait, count in self.report.parts[part].waits.items()]
        remedy = "keep values on the device (torch.where, masks as factors), or declare in host_waits what must be"
        required = f"at most {allowed} waits for the device in a {part} ({allowance})"
        raise NotConforming(required, f"{found}, {'; '.join(waits[:MOST])}", f"these lines: {remedy}")


class LabelSetDeviceConformance(DeviceConformance):
    """The same checks on texts with several labels, for objectives with ``multi`` among their ``labellings``."""

    about: ClassVar[str] = LabelSetConformance.about
    # Small batches, so that the few test rows make several: the number of waits that are allowed depends on theirs.
    conditions: ClassVar[Mapping[str, object]] = {**LabelSetConformance.conditions, "batch_size": 16}


def device_report(name: str, settings: Mapping[str, object] | None = None) -> DeviceReport:
    """Return what the objective ``name`` does on a CUDA device, under the conditions of its checks.

    Args:
        name: name of an objective.
        settings: run settings and options that override its defaults.

    Raises:
        NotHere: this machine has neither a GPU nor what a fake device needs.
    """
    return _report(name, tuple(sorted((settings or {}).items())))


@cache  # pytest makes a new object of a test class for each of its checks
def _report(name: str, settings: tuple[tuple[str, object], ...]) -> DeviceReport:
    return device_reports([Case(name, subject_of(name, settings).flags)])[0]
