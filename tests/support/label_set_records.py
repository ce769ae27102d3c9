"""Records of runs on texts with several labels that nobody ran, with probabilities as a test wants them."""

from functools import cache

import numpy as np
import torch
from sklearn.metrics import precision_recall_fscore_support

from fecbench.runs.board_counts import board_counts
from fecbench.runs.predictions import write_arrays
from fecbench.runs.record import VALIDATION, Record
from fecbench.runs.write_record import complete
from fecbench.training import label_set_metrics as metrics
from tests.support.records import unseal

LABELS = ("angry", "glad", "sad", "wry")
TRUE = np.random.default_rng(6).random((320, 4)) < (0.4, 0.3, 0.2, 0.1)
OF_LABELS = ("macro_f1", "micro_f1", "weighted_f1", "samples_f1", "jaccard", "exact_match", "hamming")


def logits_of(signal: float, seed: int, of: int = 0, true: np.ndarray = TRUE) -> np.ndarray:
    """Return logits ``[N, C]`` of method number ``of`` that tell the labels apart the better the greater ``signal``."""
    noise = np.random.default_rng((seed, of)).normal(size=true.shape)
    return (noise + signal * (2 * true - 1)).astype(np.float32)


def scores_of(true: np.ndarray, given: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Return the scores of every run on texts with several labels."""
    targets = true.astype(np.float64)
    return {
        **{name: getattr(metrics, name)(true, given) for name in OF_LABELS},
        **{name: getattr(metrics, name)(true, shares) for name in ("mean_average_precision", "lrap")},
        **{name: getattr(metrics, name)(targets, shares) for name in ("nll", "brier", "ece", "classwise_ece")},
        **{f"macro_f1_at_{fixed}": metrics.macro_f1(true, shares >= fixed) for fixed in (0.5, 0.3)},
        "without_label": float(np.mean(~given.any(1))),
    }


@cache
def _measured(true: bytes, shares: bytes, shape: tuple[int, int]) -> tuple[dict[str, float], dict[str, object]]:
    """Return the scores of a record and its counts for boards; computed once for equal arrays."""
    truth, sure = np.frombuffer(true, bool).reshape(shape), np.frombuffer(shares).reshape(shape)
    given = sure >= 0.5
    return scores_of(truth, given, sure), board_counts(truth.astype(np.float32), sure, given)


def finish_label_sets(made: Record, logits: np.ndarray, true: np.ndarray = TRUE, extra=None) -> None:
    """Complete a record with the labels that get a probability of 0.5, and their scores; ``extra`` are others."""
    made.reload()
    labels = made.run_file.dataset.labels
    shares = torch.from_numpy(logits).double().sigmoid().numpy()
    given = shares >= 0.5
    measured, counts = _measured(true.astype(bool).tobytes(), shares.tobytes(), true.shape)
    scores = measured | (extra or {})
    table = zip(*precision_recall_fscore_support(true, given, zero_division=0), strict=True)
    keys = ("precision", "recall", "f1", "support")
    arrays = {"logits": logits, "given": given, "hits": given & true, "size": true.sum(1).astype(np.int16)}
    rows = {"row": torch.arange(len(true))}
    write_arrays(made, rows | {name: torch.from_numpy(array) for name, array in arrays.items()})
    write_arrays(made, rows | {"logits": torch.from_numpy(logits)}, VALIDATION)
    per_class = {name: dict(zip(keys, map(float, row), strict=True)) for name, row in zip(labels, table, strict=True)}
    result = {"metrics": {"validation": scores, "test": scores}, "thresholds": dict.fromkeys(labels, 0.5)}
    complete(made, {**result, "per_class": per_class, **counts})
    unseal(made.folder)  # tests edit it
    made.reload()
