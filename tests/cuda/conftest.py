"""Fixtures of the device check: a process makes all reports once, whichever worker asks first."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from filelock import FileLock

from fecbench.testing import NotHere
from fecbench.testing.device_check.measure import Case, device_reports
from fecbench.testing.device_check.report import DeviceReport
from tests.support.device_cases import LABELS, ON_LABEL_SETS, case


@pytest.fixture
def shared_cache(shared, monkeypatch) -> None:
    """Keep the compiled fake device where other workers find it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared / "cache"))


@contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture(scope="session")
def report_once(shared) -> Callable[[str, Callable[[], list[Case]]], list[DeviceReport]]:
    """Report on cases that all workers need, in one of them: ``report_once(name, make_cases)``."""

    def report(name: str, make: Callable[[], list[Case]]) -> list[DeviceReport]:
        file = shared / f"{name}.json"
        with FileLock(file.with_suffix(".lock")), _cache_in(shared):
            if not file.exists():
                try:
                    made = [asdict(one) for one in device_reports(make())]
                except NotHere as reason:
                    made = str(reason)
                file.write_text(json.dumps(made), encoding="utf-8")
        content = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(content, str):
            pytest.skip(content)
        return [DeviceReport.read(one) for one in content]

    return report


@pytest.fixture(scope="session")
def reports(report_once) -> dict[str, DeviceReport]:
    """The report of every method and variant, by its label."""
    labels = [*LABELS, *ON_LABEL_SETS]
    return dict(zip(labels, report_once("methods", lambda: [case(label) for label in labels]), strict=True))
