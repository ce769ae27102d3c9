"""Fixtures of the tests of the benchmarks' scripts."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.support.benchmark_modules import benchmark_modules


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """A benchmark's module by name."""
    with benchmark_modules(monkeypatch) as module:
        yield module
