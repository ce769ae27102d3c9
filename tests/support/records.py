"""Records of runs that nobody ran, with predictions as a test wants them."""

import json
from pathlib import Path

import numpy as np
import torch

from fecbench.runs.predictions import write_predictions
from fecbench.runs.record import Record
from fecbench.runs.write_record import complete
from fecbench.training import metrics

LABELS = ("angry", "glad", "sad")


GOLD = np.random.default_rng(5).integers(0, 3, 150)


SMALL = {"dataset": "demo", "encoder": "scratch", "epochs": 1}
PAPER = {"k_pos": 10, "k_neg": 10, "weight": 1.0}  # hyper-parameters of the AML paper


def guess(accuracy: float, seed: int, of: int = 0, gold: np.ndarray = GOLD) -> np.ndarray:
    """Predictions of about this accuracy, of method number ``of``."""
    draw = np.random.default_rng((seed, of))
    wrong = draw.random(len(gold)) >= accuracy
    return np.where(wrong, (gold + draw.integers(1, 3, len(gold))) % 3, gold)


def finish(made: Record, predicted: np.ndarray, extra=None, gold: np.ndarray = GOLD) -> None:
    """Complete a record with predictions (-1: no answer) and their scores; ``extra`` are further metrics."""
    made.reload()
    labels = made.run_file.dataset.labels
    scores = metrics.score(gold, predicted, 3, metrics.all_metrics()[0]) | (extra or {})
    per_class = dict(zip(labels, metrics.per_class(gold, predicted, 3), strict=True))
    logits = np.where(predicted[:, None] < 0, -np.inf, np.eye(3)[predicted])
    write_predictions(made, torch.as_tensor(logits).float(), torch.as_tensor(gold))
    complete(made, {"metrics": {"validation": scores, "test": scores}, "per_class": per_class})
    unseal(made.folder)  # tests edit it
    made.reload()


def unseal(folder: Path) -> None:
    """Make a complete record one of an older fecbench: without the digests that tell what was edited since."""
    path = folder / "result.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "seal"}))
