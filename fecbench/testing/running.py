"""Runs a kit's checks one after another, and tells of each whether it holds, fails or can't be made here."""

from __future__ import annotations

import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from fecbench.core import registry
from fecbench.core.errors import FecbenchError, PluginError
from fecbench.objective.check import get_objective
from fecbench.testing.conformance import ObjectiveConformance
from fecbench.testing.doors import KITS
from fecbench.testing.findings import NotConforming, NotHere, innermost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fecbench.testing.checks import Conformance


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        check: its name, in words.
        requires: what it requires.
        failure: required, found, where to look; empty where it holds.
        skipped: why it can't be made on this machine; empty where it was made.
        reason: the failure in one line.
    """

    check: str
    requires: str
    failure: str = ""
    skipped: str = ""
    reason: str = ""


def kit_of(kind: str, name: str) -> Conformance:
    """The kit for the plugin ``name`` of a registry's kind.

    Raises:
        UnknownName, PluginError: an objective isn't installed, or can't be used at all.
    """
    if kind == registry.objectives.kind:
        get_objective(name)
    base = KITS.get(kind, ObjectiveConformance)
    kit: Conformance = type("Kit", (base,), {"name": name})()
    return kit


def outcomes(kit: Conformance) -> Iterator[Outcome]:
    """Make every check of ``kit``."""
    for method, requires in kit.checks().items():
        check = method.removeprefix("test_").replace("_", " ")
        with _one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield _outcome(kit, method, check, requires)


def _outcome(kit: Conformance, method: str, check: str, requires: str) -> Outcome:
    try:
        getattr(kit, method)()
    except NotHere as reason:
        return Outcome(check, requires, skipped=str(reason))
    except NotConforming as failure:
        return Outcome(check, requires, str(failure), reason=f"must have {failure.required}, found {failure.found}")
    except Exception as error:  # a plugin's code can raise anything
        found = error.__cause__ if isinstance(error, PluginError) and error.__cause__ else error
        said = str(found) if isinstance(found, FecbenchError) else f"{type(found).__name__}: {found}"
        return Outcome(check, requires, str(NotConforming(requires, said, _where(kit, found))), reason=str(error))
    return Outcome(check, requires)


def _where(kit: Conformance, error: BaseException) -> str:
    if isinstance(kit, ObjectiveConformance):
        return innermost(traceback.extract_tb(error.__traceback__), get_objective(kit.name))
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno} ({last.name}), from {getattr(kit, 'where', kit.name)}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small gain nothing from more threads, and lose much on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
