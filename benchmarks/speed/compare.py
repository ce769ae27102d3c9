"""Texts per second and peak memory of `fecbench run` and of transformers.Trainer on the same work; see the README beside this file."""

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent


def contenders(data_dir: Path, rows: int, batch_size: int, run_dir: Path) -> dict[str, list[str]]:
    """The command of each contender."""
    trainer = [sys.executable, str(HERE / "trainer.py"), str(data_dir), str(rows), str(batch_size)]
    flags = f"--dataset ge-prepared --data-dir {data_dir} --encoder minilm --epochs 1 --limit {rows} --batch-size {batch_size} --json"
    run = [sys.executable, "-m", "fecbench", "run"]

    def fecbench(objective: str, name: str, *more: str) -> list[str]:
        return [*run, objective, *shlex.split(flags), "--run-dir", str(run_dir / name), *more]

    return {
        "trainer": [*trainer, "random"],
        "trainer, grouped": [*trainer, "group_by_length"],
        "ce": fecbench("ce", "ce"),
    }


def measure(command: list[str]) -> tuple[float, float]:
    """Texts per second, as the contender itself measured its training, and the peak memory of its process in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {shlex.join(command)}")
    last = output.strip().splitlines()[-1]
    speed = float(last.split()[-1]) if last.startswith("texts per second") else json.loads(output)["texts_per_second"]
    return speed, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that holds ge-prepared")
    parser.add_argument("--rows", type=int, default=1920, help="training rows (one epoch)")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="contenders to run; all by default")
    given = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": str(given.threads), "HF_HUB_OFFLINE": "1"}
    figures: dict[str, list[tuple[float, float]]] = {}
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, command in contenders(given.data_dir.resolve(), given.rows, given.batch_size, Path(folder)).items():
                if not given.only or name in given.only:
                    figures.setdefault(name, []).append(measure(command))
                    print(f"round {number + 1}: {name} {figures[name][-1][0]:.1f}", file=sys.stderr, flush=True)
    print(
        f"{date.today()}, {platform.machine()}, {given.threads} threads, {given.rows} rows, batch {given.batch_size}, {given.rounds} rounds"
    )
    print(f"{'contender':18}{'texts/s':>10}{'min-max':>16}{'peak MiB':>10}")
    for name, rounds in figures.items():
        speeds, memory = zip(*rounds, strict=True)
        spread = f"{min(speeds):.1f}-{max(speeds):.1f}"
        print(f"{name:18}{statistics.median(speeds):10.1f}{spread:>16}{statistics.median(memory):10.0f}")
    for faster, slower in (("ce", "trainer"), ("ce", "trainer, grouped")):
        if {faster, slower} <= set(figures):
            ratios = [a / b for (a, _), (b, _) in zip(figures[faster], figures[slower], strict=True)]
            print(f"{faster} / {slower}: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


if __name__ == "__main__":
    main()
