"""Estimate the hours of all of benchmarks/paper.toml from parts measured on this device; see the README here."""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from datasets import disable_progress_bars
from shapes import roberta_base

from fecbench import EmotionData, hookimpl
from fecbench.bench.planned_run import PlannedRun

SPEC = Path(__file__).parents[1] / "paper.toml"
EPOCHS, LOGGED = 2, 10
SCORED = ("validation", "test")


class Timestamps:
    """An observer that records the time of each event of a run."""

    def __init__(self) -> None:
        self.begun = self.ended = 0.0
        self.batches: list[tuple[int, int, float]] = []  # epoch, batches done, time
        self.trained: list[float] = []
        self.evaluated_at: list[float] = []

    @hookimpl
    def run_started(self) -> None:
        self.begun = time.time()

    @hookimpl
    def updates_logged(self, epoch: int, step: int) -> None:
        self.batches.append((epoch, step, time.time()))

    @hookimpl
    def epoch_finished(self) -> None:
        self.trained.append(time.time())

    @hookimpl
    def evaluated(self) -> None:
        self.evaluated_at.append(time.time())

    @hookimpl
    def run_finished(self) -> None:
        self.ended = time.time()


class Parts(NamedTuple):
    """Seconds of the parts of a run.

    Attributes:
        start_up: from the start of the process to the first batch.
        step: a batch.
        validation: scoring the validation split.
        checkpoint: writing a checkpoint.
        test: the final scoring of both splits.
    """

    start_up: float
    step: float
    validation: float
    checkpoint: float
    test: float

    @classmethod
    def of(cls, stamps: Timestamps, spawned: float) -> "Parts":
        """Return the parts of a run of two epochs, measured in the second, when the device is warm."""
        (_, first, since), *_, (_, last, until) = [entry for entry in stamps.batches if entry[0] == EPOCHS]
        step = (until - since) / (last - first)
        # Between the scores of the first epoch and the first log of the second lie a checkpoint and `first` batches.
        checkpoint = max(0.0, since - stamps.evaluated_at[0] - first * step)
        test = max(0.0, stamps.ended - stamps.evaluated_at[-1] - checkpoint)
        return cls(stamps.begun - spawned, step, stamps.evaluated_at[-1] - stamps.trained[-1], checkpoint, test)

    def run(self, steps: int, epochs: int) -> float:
        """Return the seconds of a whole run that isn't stopped early."""
        return self.start_up + epochs * (steps * self.step + self.validation + self.checkpoint) + self.test


def excerpt(data: EmotionData, rows: int, folder: Path) -> Path:
    """Write ``data`` with about ``rows`` rows to score to ``folder`` as a data set of one's own, and return the folder.

    Every class is among these rows. The training rows are all there.
    """
    disable_progress_bars()
    folder.mkdir()
    for split, table in data.splits.items():
        labels = table["label"][:]
        kept = sorted({*range(min(rows, len(table))), *map(labels.index, range(len(data.labels)))})
        (table if split == "train" else table.select(kept)).to_json(folder / f"{split}.jsonl")
    lines = (f"{name}\t{data.descriptions.get(name, '')}\n" for name in data.labels)
    (folder / "labels.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def probe(spawned: float, order: dict[str, Any]) -> None:
    """Make a short run and print its parts as JSON; called in a process of its own."""
    from fecbench.terminal.fast_import import fast_import

    with fast_import():  # as the command does
        import transformers.modeling_utils  # noqa: F401

        from fecbench import Places
        from fecbench.runs.experiment import RunContext, run
        from fecbench.runs.plan import plan

    stamps, data_dir = Timestamps(), Path(order["data_dir"]) if order["data_dir"] else None
    run(
        plan(order["method"], {}, order["settings"]),
        RunContext(Places(data_dir), Path(order["folder"]), observers=[stamps]),
    )
    print(json.dumps(Parts.of(stamps, spawned)))


def measured(cell: PlannedRun, data: EmotionData, encoder: str, given: argparse.Namespace) -> Parts:
    """Return the parts of a run of ``cell``; the time of scoring is that of all rows of ``data``."""
    batches = {"epochs": EPOCHS, "patience": EPOCHS, "limit": given.steps * cell.plan.settings.batch_size}
    settings = {**cell.settings, **batches, "encoder": encoder, "device": given.device}
    if given.scored is None:
        return measure(cell.plan.name, settings, given.data_dir)
    with tempfile.TemporaryDirectory() as folder:
        few = excerpt(data, given.scored, Path(folder) / "few")
        found = measure(cell.plan.name, {**settings, "dataset": str(few)}, None)
        scored = {split: sum(1 for _ in (few / f"{split}.jsonl").open()) for split in SCORED}
    whole = {split: len(data.splits[split]) for split in SCORED}
    more = whole["validation"] / scored["validation"], sum(whole.values()) / sum(scored.values())
    return found._replace(validation=more[0] * found.validation, test=more[1] * found.test)


def measure(method: str, settings: dict[str, Any], data_dir: Path | None) -> Parts:
    """Return the parts of a run of ``method``; start-up may include tokenising, which a benchmark does only once."""
    with tempfile.TemporaryDirectory() as folder:
        order = {
            "method": method,
            "settings": settings,
            "data_dir": data_dir and str(data_dir.resolve()),
            "folder": folder,
        }
        command = [sys.executable, __file__, "--probe", str(time.time()), json.dumps(order)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{method} failed: {done.stderr.strip()}")
    return Parts(*json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, default=SPEC)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets, one subfolder each")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=100, help="batches measured in each of two epochs, more than 10")
    parser.add_argument(
        "--scored", type=int, help="rows of validation and test to score, the rest in proportion [default: all]"
    )
    parser.add_argument("--encoder", help="a name, hub id or folder [default: random weights in roberta-base's shape]")
    parser.add_argument(
        "--speed-up", type=float, default=1.0, help="speed-up of several runs at a time, as measured by side_by_side.py"
    )
    given = parser.parse_args()
    if given.steps <= LOGGED:
        parser.error(f"--steps must be more than {LOGGED}: the first {LOGGED} warm up")
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        estimate(given, given.encoder or str(roberta_base(Path(folder) / "roberta")))


def estimate(given: argparse.Namespace, encoder: str) -> None:
    """Measure every row of the spec on every data set, and print the sum."""
    import torch

    from fecbench import Places
    from fecbench.bench import matrix
    from fecbench.bench.spec import read_spec
    from fecbench.bench.time_estimates import in_words
    from fecbench.data.datasets.load import load_dataset

    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} CPUs, {torch.get_num_threads()} threads, "
          f"{torch.cuda.get_device_name() if torch.cuda.is_available() and given.device != 'cpu' else 'CPU'}, "
          f"{given.spec.name}, "
          f"{given.encoder or 'roberta-base, random weights'}; seconds")  # fmt: skip
    print(f"{'method':10}{'data set':13}{'runs':>5}{'epochs':>8}{'batches':>9}{'a batch':>10}{'validation':>12}"
          f"{'checkpoint':>12}{'test':>8}{'start-up':>10}{'a run':>12}")  # fmt: skip
    expanded, total = matrix.expand(read_spec(given.spec)), 0.0
    for entry in expanded.entries:
        cell = entry.runs[0][0]
        runs = len(entry.runs) + len(entry.runs[0]) - 1  # each trial once, the chosen one with every seed
        chosen, data = cell.plan.settings, load_dataset(cell.plan.settings, Places(given.data_dir))
        rows = len(data.splits["train"])
        steps = math.ceil(min(rows, chosen.limit or rows) / chosen.batch_size)
        parts = measured(cell, data, encoder, given)
        seconds = parts.run(steps, chosen.epochs)
        total += runs * seconds
        print(f"{entry.row:10}{entry.dataset:13}{runs:5}{chosen.epochs:8}{steps:9}{parts.step:10.4f}"
              f"{parts.validation:12.1f}{parts.checkpoint:12.1f}{parts.test:8.1f}{parts.start_up:10.1f}{seconds:12.0f}",
              flush=True)  # fmt: skip
    print(f"the whole, if no run stops early, one at a time: {in_words(total)}")
    if given.speed_up != 1:
        print(f"with several at a time, {given.speed_up:g} times as fast: {in_words(total / given.speed_up)}")
    here = "" if torch.cuda.is_available() else "; there is none here, and this is what the CPU would take"
    print(f"target: 1 h on one H200-class GPU{here}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        probe(float(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        main()
