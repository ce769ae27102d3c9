"""Measure the seconds to the first training step of a first and a second run on the same data; see the README here."""

import argparse
import importlib
import importlib._bootstrap
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

# Each function with the module whose name for it is replaced: the one that calls it, if that imported the name.
PARTS = {
    "imports": ("importlib._bootstrap", "_find_and_load"),  # called for every module that isn't loaded yet
    "accelerate": ("fecbench.training.devices", "accelerator"),
    "data": ("fecbench.runs.experiment", "load_dataset"),
    "identity": ("fecbench.runs.provenance", "identify"),
    "tokeniser": ("fecbench.model.encoders.pretrained", "Pretrained.__call__"),
    "tokens": ("fecbench.runs.build", "tokenize_split"),
    "model": ("fecbench.runs.build", "build_pair"),
    "record": ("fecbench.runs.experiment", "describe_run"),
}
ALL = ["interpreter", *PARTS, "the rest", "whole"]


class PartTimer:
    """A timer of wall and CPU seconds of each part, without the parts inside it."""

    def __init__(self, begun: float):
        self.wall = dict.fromkeys([*PARTS, "the rest"], 0.0) | {"interpreter": time.time() - begun}
        self.cpu = dict.fromkeys([*PARTS, "the rest"], 0.0) | {"interpreter": time.process_time()}
        self.running = ["the rest"]
        self.since = time.perf_counter(), time.process_time()

    def update(self) -> None:
        """Add the time since the last call to the innermost part that is running."""
        now = time.perf_counter(), time.process_time()
        self.wall[self.running[-1]] += now[0] - self.since[0]
        self.cpu[self.running[-1]] += now[1] - self.since[1]
        self.since = now

    def watch(self, part: str, module: str, name: str) -> None:
        """Replace a function by one whose calls are timed as ``part``."""
        *above, last = name.split(".")
        owner = importlib.import_module(module)
        for step in above:
            owner = getattr(owner, step)
        function = getattr(owner, last)

        def timed(*arguments: object, **named: object) -> object:
            self.update()
            self.running.append(part)
            try:
                return function(*arguments, **named)
            finally:
                self.update()
                self.running.pop()

        setattr(owner, last, timed)


def run(begun: float, arguments: list[str]) -> None:
    """Run ``fecbench run`` until its first step and print the times as JSON; called in a process of its own."""
    timer = PartTimer(begun)
    from fecbench.cli import main
    from fecbench.terminal.fast_import import fast_import

    with fast_import():  # as the command imports
        for part, (module, name) in PARTS.items():
            timer.watch(part, module, name)
    from fecbench.training.stepper import Stepper

    def first_step(*_: object, **__: object) -> None:
        timer.update()
        print(json.dumps({"wall": timer.wall, "cpu": timer.cpu}), flush=True)
        raise KeyboardInterrupt

    Stepper.step = first_step
    sys.argv = ["fecbench", "run", *arguments]
    main()


def measure(name: str, given: argparse.Namespace, folder: Path, cache: Path) -> dict[str, dict[str, float]]:
    """Return the seconds of each part of one run with the token cache in ``cache``."""
    arguments = [
        given.method,
        "--dataset",
        name,
        "--encoder",
        given.encoder,
        "--device",
        given.device,
        "--run-dir",
        str(folder),
    ]
    arguments += ["--data-dir", str(given.data_dir.resolve())] if given.data_dir else []
    command = [sys.executable, __file__, "--from", str(time.time()), "--", *arguments]
    done = subprocess.run(command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, capture_output=True, text=True)
    try:
        times = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"the run ended before its first step: {done.stderr.strip()}")
    return {kind: {**parts, "whole": sum(parts.values())} for kind, parts in times.items()}


def pair(name: str, given: argparse.Namespace) -> list[dict[str, dict[str, float]]]:
    """Measure a first run, which finds no cached tokens, and a second, which finds them."""
    with tempfile.TemporaryDirectory() as folder:
        return [measure(name, given, Path(folder) / run, Path(folder) / "cache") for run in ("first", "second")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets, one subfolder each")
    parser.add_argument("--datasets", nargs="+", default=["ge-prepared", "ed-prepared"])
    parser.add_argument("--method", default="ce")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    from huggingface_hub.constants import HF_HOME

    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": HF_HOME}  # else it would be looked for in the changed cache folder
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} CPUs, {given.method}, {given.encoder}, "
          f"device {given.device}, {given.rounds} rounds (medians): seconds to the first step, wall (CPU)")  # fmt: skip
    for name in given.datasets:
        rounds = [pair(name, given) for _ in range(given.rounds)]
        print(f"{name:14}{'first run':>16}{'second run':>16}")
        for part in ALL:
            cells = [
                [statistics.median(runs[number][kind][part] for runs in rounds) for kind in ("wall", "cpu")]
                for number in (0, 1)
            ]
            print(f"{part:14}" + "".join(f"{wall:9.2f} ({cpu:.2f})" for wall, cpu in cells), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--from"]:
        run(float(sys.argv[2]), sys.argv[4:])
    else:
        main()
