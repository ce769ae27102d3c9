"""Measure the milliseconds a step of transformers.Trainer and of methods, in one process, without checkpoints.

All step on the same batches. The first epoch meets every width for the first time, the second is warm, the third
counts.
"""

import argparse
import gc
import tempfile
from pathlib import Path
from typing import Any

import torch
from contender import trainer
from results import BATCH, Results, options, peak_mib, settings
from trainee import Trainee

OTHERS = ("lcl", "supcon", "sacl", "hypemo", "cdp-mlm", "tfd", "emoberta", "r-drop", "taco")
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "ce": ("ce", {}),
    "ce padded": ("ce", {"packing": False}),
    "ce compiled": ("ce", {"compile": True}),
    "ce label head": ("ce", {"head": "label"}),
    "ce batch 256": ("ce", {"batch_size": 256}),
    "aml": ("aml", {}),
    **{name: (name, {}) for name in OTHERS},
}
TRAINER = "Trainer"
DEFAULT = (TRAINER, "ce", "ce padded", "aml", *OTHERS)


def measure_trainer(given: argparse.Namespace, results: Results) -> None:
    """Measure transformers.Trainer, the contender of the speed benchmarks."""
    own = settings(given, limit=BATCH * given.steps, epochs=3, precision="auto")
    with tempfile.TemporaryDirectory() as folder:
        found = trainer("random", own, Path(folder))
    rate = found["texts_per_second"]
    results.say(TRAINER, ms=1000 * BATCH / rate, texts_s=rate, peak_mib=found["peak_mib"])


def measure(case: str, given: argparse.Namespace, results: Results) -> None:
    """Measure a method."""
    name, more = CASES[case]
    trainee = Trainee.of(name, settings(given, **more), steps=given.steps)
    peak_mib(trainee.device)
    first, second, third = (1000 * trainee.epoch_seconds() for _ in range(3))
    rate, memory = 1000 * trainee.batches.batch_size / third, peak_mib(trainee.device)
    results.say(case, ms=third, first_ms=first, second_ms=second, texts_s=rate, peak_mib=memory)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--part", default="throughput", help="the name of the results")
    parser.add_argument("--cases", default=",".join(DEFAULT), help=f"by comma, of: {TRAINER}, {', '.join(CASES)}")
    given = parser.parse_args()
    results = Results(given.part, given.device)
    for case in given.cases.split(","):
        with results.case(case):
            if case == TRAINER:
                measure_trainer(given, results)
            else:
                measure(case, given, results)
        gc.collect()
        if given.device == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
