"""Fixtures of the leaderboard's tests: records that nobody ran, with settings as the planner resolves them."""

from pathlib import Path

import pytest

from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from fecbench.runs.run_folder import create
from fecbench.runs.write_record import write_about
from tests.support.label_set_records import LABELS as SET_LABELS
from tests.support.label_set_records import TRUE, finish_label_sets, logits_of
from tests.support.records import LABELS, SMALL, finish, guess


@pytest.fixture
def make(tmp_path: Path):
    """Write a complete record: ``make("ce", seed=1, accuracy=0.7)``; what isn't named here is a setting."""
    number = 0

    def record(
        method: str = "ce", *, accuracy: float = 0.6, folder: Path | None = None, about=None, extra=None, **flags
    ) -> Record:
        nonlocal number
        number += 1
        chosen = plan(method, {**SMALL, "seed": 0, **flags})
        made = create(folder or tmp_path / "runs" / f"r{number:03}-{method}")
        settings = {key: {"value": setting.value, "origin": setting.origin} for key, setting in chosen.origins.items()}
        data = {
            "name": chosen.settings.dataset,
            "fingerprint": f"rows of {chosen.settings.dataset}",
            "labels": list(LABELS),
        }
        described = {
            "objective": {"name": method},
            "dataset": data,
            "settings": settings,
            "code": "c1",
            "precision": "float32",
            "notes": [],
        }
        write_about(made, described | {"started": f"2026-01-01T00:{number // 60:02}:{number % 60:02}"} | (about or {}))
        finish(made, guess(accuracy, chosen.settings.seed, sum(map(ord, method))), extra)
        return made

    return record


@pytest.fixture
def three(make):
    """Three seeds of two methods on one data set, ``aml`` far ahead."""
    return [
        make(method, accuracy=accuracy, seed=seed)
        for method, accuracy in {"ce": 0.45, "aml": 0.9}.items()
        for seed in range(3)
    ]


@pytest.fixture
def make_sets(tmp_path: Path):
    """Write a complete record on texts with several labels: ``make_sets("ce", seed=1, signal=0.7)``."""
    number = 0

    def record(method: str = "ce", *, signal: float = 1.0, true=TRUE, about=None, extra=None, data=None, **flags):
        nonlocal number
        number += 1
        # Planned on `demo`, since not every method takes several labels a text.
        chosen = plan(method, {**SMALL, "seed": 0, **flags})
        made = create(tmp_path / "runs" / f"s{number:03}-{method}")
        settings = {key: {"value": setting.value, "origin": setting.origin} for key, setting in chosen.origins.items()}
        dataset = {
            "name": "sets",
            "fingerprint": "rows of sets",
            "labels": list(SET_LABELS),
            "labelling": "multi",
            "rows": {"train": 90, "validation": 10, "test": len(true)},
            **(data or {}),
        }
        settings["dataset"]["value"] = dataset["name"]
        described = {"objective": {"name": method, "variant_of": ""}, "dataset": dataset, "settings": settings}
        when = {"started": f"2026-02-01T00:{number // 60:02}:{number % 60:02}"}
        write_about(made, {**described, "code": "c1", "precision": "float32", "notes": [], **when, **(about or {})})
        finish_label_sets(made, logits_of(signal, chosen.settings.seed, sum(map(ord, method)), true), true, extra)
        return made

    return record


@pytest.fixture
def six(make_sets):
    """Three seeds of two methods on texts with several labels, ``aml`` far ahead."""
    return [
        make_sets(method, signal=signal, seed=seed)
        for method, signal in {"ce": 0.6, "aml": 1.4}.items()
        for seed in range(3)
    ]
