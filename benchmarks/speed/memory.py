"""Measure the peak memory of `fecbench run` by the number of rows (Linux only); see the README beside this file."""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

FLAGS = "--encoder tiny-bert --epochs 1 --batch-size 512 --max-length 16 --device cpu --json"
LABELS, WORDS, LENGTH = 28, 3000, 8


class Peak(NamedTuple):
    """Memory of a process in MiB.

    Attributes:
        own: memory of its own.
        mapped: memory of mapped files, which the system may drop.
        together: the peak of both together.
    """

    own: float
    mapped: float
    together: float


def write(path: Path, rows: int) -> None:
    """Write ``rows`` short texts of random words with random labels to a Parquet file."""
    random = np.random.default_rng(0)
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    with parquet.ParquetWriter(path, schema) as file:
        for start in range(0, rows, 100_000):
            number = min(100_000, rows - start)
            texts = [" ".join(f"word{word}" for word in text) for text in random.integers(0, WORDS, (number, LENGTH))]
            file.write_table(
                pa.table(
                    {"text": texts, "label": [f"label {label}" for label in random.integers(0, LABELS, number)]}, schema
                )
            )


def memory_of(process: int) -> Peak:
    """Return the present memory of a process, and its peak so far."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    sizes = {
        key: int(value.split()[0]) / 1024
        for key, _, value in (line.partition(":") for line in lines)
        if key in ("RssAnon", "RssFile", "VmHWM")
    }
    return Peak(sizes.get("RssAnon", 0), sizes.get("RssFile", 0), sizes.get("VmHWM", 0))


def measure(rows: int, folder: Path) -> tuple[Peak, float, float]:
    """Run on ``rows`` rows; return the peak memory, the seconds, and the seconds of training alone."""
    data, started, peaks = folder / f"rows-{rows}.parquet", time.perf_counter(), [Peak(0, 0, 0)]
    write(data, rows)
    command = [
        sys.executable,
        "-m",
        "fecbench",
        "run",
        "ce",
        "--dataset",
        str(data),
        *shlex.split(FLAGS),
        "--run-dir",
        str(folder / str(rows)),
    ]
    # Its output is read only at the end: a few lines of JSON, which fit into the pipe.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while process.poll() is None:
        peaks.append(memory_of(process.pid))
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"failed: {shlex.join(command)}")
    seconds = time.perf_counter() - started
    return Peak(*map(max, zip(*peaks, strict=True))), seconds, json.loads(process.stdout.read())["train_seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    arguments = parser.parse_args()
    print("| Rows | Own memory MiB | Mapped files MiB | Peak RSS MiB | Seconds | of them training |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for rows in arguments.rows:
            peak, seconds, training = measure(rows, Path(folder))
            print(
                f"| {rows:,} | {peak.own:.0f} | {peak.mapped:.0f} | {peak.together:.0f} | {seconds:.0f} | "
                f"{training:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
