"""Measure the runs per hour of fecbench bench with 1, 2, 4 and 8 runs at a time on one device; see the README here."""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

from shapes import roberta_base

SPEC = """
title = "Runs side by side"
objectives = ["{method}"]
datasets = ["{dataset}"]
seeds = {seeds}

[settings]
encoder = "{encoder}"
epochs = 1
limit = {rows}
"""


class Measured(NamedTuple):
    """Times of a benchmark in seconds.

    Attributes:
        wall: wall time of all runs together.
        work: time of each run from its first batch to its end.
    """

    wall: float
    work: list[float]


def bench(spec: Path, root: Path, at_once: int, given: argparse.Namespace) -> float:
    """Run ``fecbench bench`` with ``at_once`` runs at a time, and return its wall seconds."""
    command = [sys.executable, "-m", "fecbench", "bench", str(spec), "--root", str(root)]
    command += ["--devices", given.device, "--per-device", str(at_once)]
    command += ["--data-dir", str(given.data_dir.resolve())] if given.data_dir else []
    began = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{at_once} at a time failed: {done.stderr.strip()}")
    return time.perf_counter() - began


def measure(spec: Path, at_once: int, given: argparse.Namespace) -> Measured:
    """Measure all runs of the spec, ``at_once`` at a time.

    A second call of the same command only prepares, because all runs are complete; its time is subtracted.
    """
    from fecbench.runs.find import all_records
    from fecbench.runs.record import RESULT, RUN

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        whole = bench(spec, root, at_once, given)
        prepared = bench(spec, root, at_once, given)
        files = [(record.folder / RUN, record.folder / RESULT) for record in all_records(root)]
        return Measured(whole - prepared, [result.stat().st_mtime - run.stat().st_mtime for run, result in files])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets, one subfolder each")
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU as cuda:0")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument(
        "--runs", type=int, default=8, help="runs for each number at a time, a multiple of the greatest"
    )
    parser.add_argument("--method", default="aml")
    parser.add_argument("--dataset", default="ge-prepared")
    parser.add_argument(
        "--encoder", default="roberta-base's shape", help="a name, hub id or folder; by default roberta-base's shape"
    )
    parser.add_argument("--rows", type=int, default=6400, help="training rows of each run")
    given = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        encoder = (
            given.encoder
            if given.encoder != parser.get_default("encoder")
            else roberta_base(Path(folder) / "roberta").as_posix()
        )
        spec = Path(folder) / "spec.toml"
        about = {"method": given.method, "dataset": given.dataset, "rows": given.rows, "encoder": encoder}
        spec.write_text(SPEC.format(seeds=list(range(given.runs)), **about), encoding="utf-8")
        print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} CPUs, {given.device}, {given.method} "
              f"on {given.dataset}, {given.encoder}, {given.rows} rows, {given.runs} runs")  # fmt: skip
        print(f"{'at a time':>10}{'runs / hour':>14}{'speed-up':>10}{'start-up and waiting':>22}{'a run s':>10}")
        first = None
        for at_once in given.at_once:
            wall, work = measure(spec, at_once, given)
            rate, mean = 3600 * len(work) / wall, sum(work) / len(work)
            first = first or rate
            print(
                f"{at_once:10}{rate:14.1f}{rate / first:10.2f}{1 - sum(work) / (at_once * wall):22.1%}{mean:10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
