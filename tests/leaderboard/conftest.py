"""Records of runs that nobody ran: settings as the planner resolves them, predictions as a test wants them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fecbench.runs.plan import plan
from fecbench.runs.predictions import write_predictions
from fecbench.runs.record import Record, complete, create, write_about
from fecbench.training import metrics
from tests.conftest import unseal

LABELS = ("angry", "glad", "sad")
GOLD = np.random.default_rng(5).integers(0, 3, 150)
SMALL = {"dataset": "demo", "encoder": "scratch", "epochs": 1}


def guess(accuracy: float, seed: int, of: int = 0, gold: np.ndarray = GOLD) -> np.ndarray:
    """Predictions of about this accuracy, of method number ``of``."""
    draw = np.random.default_rng((seed, of))
    wrong = draw.random(len(gold)) >= accuracy
    return np.where(wrong, (gold + draw.integers(1, 3, len(gold))) % 3, gold)


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


def finish(made: Record, predicted: np.ndarray, extra=None, gold: np.ndarray = GOLD) -> None:
    """Complete a record with predictions (-1: no answer) and the scores that follow from them; ``extra`` are further metrics."""
    made.reload()
    labels = made.run_file.dataset.labels
    scores = metrics.score(gold, predicted, 3, metrics.all_metrics()[0]) | (extra or {})
    per_class = dict(zip(labels, metrics.per_class(gold, predicted, 3), strict=True))
    logits = np.where(predicted[:, None] < 0, -np.inf, np.eye(3)[predicted])
    write_predictions(made, torch.as_tensor(logits).float(), torch.as_tensor(gold))
    complete(made, {"metrics": {"validation": scores, "test": scores}, "per_class": per_class})
    unseal(made.folder)  # tests edit it
    made.reload()


@pytest.fixture
def three(make):
    """Three seeds of two methods on one data set, ``aml`` far ahead."""
    return [
        make(method, accuracy=accuracy, seed=seed)
        for method, accuracy in {"ce": 0.45, "aml": 0.9}.items()
        for seed in range(3)
    ]
