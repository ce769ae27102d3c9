"""Compare the weights of two runs with the same seed, as they come and with ``--deterministic``: equal to the bit?"""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from results import BATCH, Results, options
from torch import Tensor

from fecbench.core.files import read_tensors
from fecbench.training.checkpoints import BEST

CASES = {
    "ce": ("ce",),
    "ce, mean pooling": ("ce", "--pooling", "mean", "--head", "linear"),
    "aml": ("aml",),
    "sacl": ("sacl",),
}
MODES = {"as it comes": (), "deterministic": ("--deterministic",)}


def weights(given: argparse.Namespace, arguments: tuple[str, ...], folder: Path) -> Tensor:
    """Run a method for one epoch and return all weights in one vector.

    Raises:
        RuntimeError: the run fails.
    """
    common = ("--dataset", given.dataset, "--encoder", given.encoder, "--device", given.device, "--epochs", "1")
    limit = ("--limit", str(BATCH * given.steps), "--batch-size", str(BATCH), "--run-dir", str(folder))
    command = [sys.executable, "-m", "fecbench", "run", *arguments, *common, *limit]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-300:])
    tensors, _ = read_tensors(folder / BEST)
    return torch.cat([tensor.double().flatten() for _, tensor in sorted(tensors.items())])


def compare(given: argparse.Namespace, results: Results, case: str, mode: str) -> None:
    """Run a case twice, both at a time, and say whether the weights are equal."""
    with results.case(f"{case}, {mode}"), tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        run = partial(weights, given, (*CASES[case], *MODES[mode]))
        first, second = pool.map(run, [Path(folder) / "first", Path(folder) / "second"])
        moved = float((first - second).norm() / first.norm())
        results.say(f"{case}, {mode}", equal=torch.equal(first, second), relative_difference=moved)


def main() -> None:
    parser = options(__doc__, steps=20)
    parser.add_argument("--at-once", type=int, default=4, help="cases at a time, each of two runs")
    parser.add_argument("--cases", default=";".join(CASES), help="by semicolon")
    given = parser.parse_args()
    results = Results("determinism", given.device)
    cases = [(case, mode) for case in given.cases.split(";") for mode in MODES]
    with ThreadPoolExecutor(given.at_once) as pool:
        list(pool.map(lambda case: compare(given, results, *case), cases))


if __name__ == "__main__":
    main()
