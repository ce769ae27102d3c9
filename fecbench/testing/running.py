"""Run the checks of a conformance kit and report the outcome of each: passed, failed or skipped."""

from __future__ import annotations

import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.core import registry
from fecbench.core.errors import FecbenchError, PluginError, UsageError
from fecbench.core.plugin_errors import error_summary
from fecbench.core.progress import silent
from fecbench.objective.check import get_objective
from fecbench.testing.dataset_checks import DatasetConformance
from fecbench.testing.device_checks import DeviceConformance, LabelSetDeviceConformance
from fecbench.testing.encoder_checks import EncoderConformance
from fecbench.testing.findings import NotConforming, NotHere, innermost
from fecbench.testing.format_checks import FormatConformance
from fecbench.testing.head_checks import HeadConformance
from fecbench.testing.label_set_checks import LabelSetConformance
from fecbench.testing.metric_checks import MetricConformance
from fecbench.testing.objective_checks import ObjectiveConformance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fecbench.core.progress import Report
    from fecbench.testing.checks import Conformance, ObjectiveChecks
    from fecbench.testing.plugin_checks import PluginConformance

KITS: dict[str, type[PluginConformance]] = {
    "datasets": DatasetConformance,
    "encoders": EncoderConformance,
    "heads": HeadConformance,
    "metrics": MetricConformance,
    "formats": FormatConformance,
}

# by device, and by the labelling of the data
OBJECTIVE_KITS: dict[str, dict[str, type[ObjectiveChecks]]] = {
    "cpu": {"single": ObjectiveConformance, "multi": LabelSetConformance},
    "cuda": {"single": DeviceConformance, "multi": LabelSetDeviceConformance},
}


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Attributes:
        check: the check's name, in words.
        requires: the check's requirement.
        failure: requirement, finding and where to look, in lines; empty if it passed.
        skipped: reason why it can't run on this machine; empty if it ran.
        reason: the failure in one line.
    """

    check: str
    requires: str
    failure: str = ""
    skipped: str = ""
    reason: str = ""


def kit_of(kind: str, name: str, device: str = "cpu") -> Conformance:
    """Return the kit for the plugin ``name`` of a registry's ``kind``; with ``device`` cuda that of a CUDA device.

    Raises:
        UnknownName: no objective has this name.
        PluginError: the objective is broken.
        UsageError: a plugin that isn't an objective is to be checked on a CUDA device.
    """
    return kits_of(kind, name, device)[0]


def kits_of(kind: str, name: str, device: str = "cpu") -> list[Conformance]:
    """Return all kits for a plugin: two for an objective that takes texts with one label and with several.

    Raises:
        UnknownName: no objective has this name.
        PluginError: the objective is broken.
        UsageError: a plugin that isn't an objective is to be checked on a CUDA device.
    """
    if kind != registry.objectives.kind:
        if device == "cuda":
            raise UsageError(f"--device cuda checks objectives, but {name} is one of the {kind}; leave --device out")
        return [_kit(KITS[kind], name)]
    bases = OBJECTIVE_KITS[device]
    return [_kit(bases[labelling], name) for labelling in bases if labelling in get_objective(name).labellings]


def _kit(base: type[Conformance], name: str) -> Conformance:
    kit: Conformance = type("Kit", (base,), {"name": name})()
    return kit


def outcomes(kit: Conformance, report: Report = silent) -> Iterator[Outcome]:
    """Run every check of ``kit`` and yield its outcome; ``report`` is called with the name of each before it runs."""
    # A generator, so that the command can print each outcome when it is known: some checks train whole runs.
    for method, requires in kit.checks().items():
        check = method.removeprefix("test_").replace("_", " ") + (f" ({kit.about})" if kit.about else "")
        report(check)
        with _one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they would break up the printed list of outcomes
            yield _outcome(kit, method, check, requires)


def _outcome(kit: Conformance, method: str, check: str, requires: str) -> Outcome:
    try:
        getattr(kit, method)()
    except NotHere as reason:
        return Outcome(check, requires, skipped=str(reason))
    except NotConforming as failure:
        return Outcome(check, requires, str(failure), reason=f"must have {failure.required}, found {failure.found}")
    except Exception as error:  # a plugin's code can raise anything
        # A PluginError wraps the plugin's own exception, whose traceback leads into the plugin.
        cause = error.__cause__ if isinstance(error, PluginError) and error.__cause__ else error
        finding = NotConforming(requires, _message(cause), _where(kit, cause))
        return Outcome(check, requires, str(finding), reason=_message(error))
    return Outcome(check, requires)


def _message(error: BaseException) -> str:
    # not str() alone: the exception of a plugin may fail to print
    return str(error) if isinstance(error, FecbenchError) else error_summary(error)


def _where(kit: Conformance, error: BaseException) -> str:
    if isinstance(kit, ObjectiveConformance):
        return innermost(traceback.extract_tb(error.__traceback__), get_objective(kit.name))
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno} ({last.name}), from {getattr(kit, 'where', kit.name)}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one torch thread: the kits' small networks gain nothing from more, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
