"""Modules of the benchmarks, which are scripts in folders of their own."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

from tests.support import ROOT

BENCHMARKS = ROOT / "benchmarks"
SPEED, GPU = BENCHMARKS / "speed", BENCHMARKS / "gpu"


@contextmanager
def benchmark_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a script by its name; what it sets in the environment is put back, and the modules are forgotten."""
    for folder in (SPEED, GPU):
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]
