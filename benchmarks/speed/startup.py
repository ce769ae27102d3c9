"""Compare the start-up times of commands with that of the bare interpreter; see the README beside this file."""

import argparse
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

COMMANDS = {
    # arguments, and the target of wall seconds
    "": None,
    "--help": 0.3,
    "--version": None,
    "plugins": 0.5,
    "run --help": None,
    "run aml --help": None,
    "leaderboard --help": None,
    "runs": None,
    "data": None,
    "nonsense": None,
    "run nonsense --dataset demo": None,
}
TYPED = ("fecbench ", "fecbench run ", "fecbench run aml --k")
SCRIPT = Path(sys.executable).with_name("fecbench")
FECBENCH = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "fecbench"]


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a process, and return its wall and CPU seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, **environment})
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processes() -> dict[str, tuple[list[str], dict[str, str], float | None]]:
    """Return the measured processes by name: command, environment, and target of wall seconds."""
    commands: dict[str, tuple[list[str], dict[str, str], float | None]] = {
        "python -c pass": ([sys.executable, "-c", "pass"], {}, None)
    }
    commands |= {f"fecbench {words}": ([*FECBENCH, *shlex.split(words)], {}, most) for words, most in COMMANDS.items()}
    for words in TYPED:  # bash asks click for completions by these variables
        variables = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_FECBENCH_COMPLETE": "bash_complete"}
        commands[f"{words}<TAB>"] = (FECBENCH, variables, None)
    return commands


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    measured = processes()
    for command, environment, _ in measured.values():
        measure(command, environment)  # warm the disk cache
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in measured}
    for _ in range(given.rounds):  # in turns, so that a slow minute of the machine hits all commands alike
        for name, (command, environment, _) in measured.items():
            times[name].append(measure(command, environment))
    print(
        f"{date.today()}, {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, "
        f"{given.rounds} rounds (medians)"
    )
    print(f"{'':34}{'wall s':>8}{'CPU s':>8}{'/ python':>10}{'target s':>10}")
    bare = statistics.median(cpu for _, cpu in times["python -c pass"])
    for name, rounds in times.items():
        wall, cpu = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(f"{name:34}{wall:8.3f}{cpu:8.3f}{cpu / bare:10.1f}{measured[name][2] or '':>10}")


if __name__ == "__main__":
    main()
