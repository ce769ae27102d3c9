"""The process that makes the parts of a run on a device; the parent has it load the fake device before torch."""

from __future__ import annotations

import json
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from fecbench.core.errors import NumericalError, PluginError
from fecbench.core.plugin_errors import error_summary
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.plan import plan
from fecbench.testing.device_check.fake_device import FakeDevice
from fecbench.testing.device_check.gpu import GPU
from fecbench.testing.device_check.lines import lines_of
from fecbench.testing.device_check.method import MethodOnDevice
from fecbench.testing.device_check.report import DeviceReport, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def main(cases: str, reports: str, fake: str) -> None:
    """Write a report of each of the ``cases`` to the file ``reports``, both as JSON."""
    torch.set_num_threads(1)
    made = [report_of(case, FakeDevice() if fake else GPU()) for case in json.loads(Path(cases).read_text("utf-8"))]
    Path(reports).write_text(json.dumps([asdict(report) for report in made]), encoding="utf-8")


def report_of(case: Mapping[str, Any], device: FakeDevice | GPU) -> DeviceReport:
    """Return what a method does on ``device``, up to its first fault."""
    parts, declared = {}, 0
    try:
        chosen = plan(case["method"], case["flags"])
        declared = sum(chosen.objective.host_waits.values())
        data = load_dataset(chosen.settings, DataLocations(Path(case["data_dir"]) if case["data_dir"] else None))
        method = MethodOnDevice(chosen, data, device, case["bf16"])
        for name, make in method.parts.items():
            parts[name] = _part(device, method, make)
            if parts[name].fault:
                break
    except Exception as error:  # a plugin's code can raise anything
        parts["building"] = _faulty(error)
    return DeviceReport(case["method"], device.name, declared, parts)


def _part(device: FakeDevice | GPU, method: MethodOnDevice, make: Callable[[], object]) -> Part:
    method.predicted, fault = 0, Part()
    with device.recorded() as recording:
        try:
            make()
        except NumericalError as error:
            if device.computes:  # a verdict on made-up values says nothing
                fault = _faulty(error)
        except Exception as error:  # as above
            fault = _faulty(error)
    return Part(
        dict(recording.operations),
        dict(recording.waits),
        dict(recording.copies),
        method.predicted,
        fault.fault,
        fault.line,
    )


def _faulty(error: Exception) -> Part:
    """Return the part that ``error`` ended: its message, and the innermost line of the author's code."""
    cause = error.__cause__ if isinstance(error, PluginError) and error.__cause__ else error
    frames = [*traceback.walk_tb(cause.__traceback__)][::-1]
    return Part(fault=error_summary(cause), line=lines_of(frames))
