"""Run all speed benchmarks or one: ``python benchmarks/speed [PART] [OPTIONS]``; ``PART --help`` shows its options."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

TOGETHER = {  # the parts that run without a PART, each with the common options that it takes
    "startup": (),
    "second": ("data_dir", "device"),
    "throughput": ("data_dir", "device"),
    "limit": ("data_dir", "device"),
    "growth": ("device",),
}
# Parts that run by name only: they take long, measure no time (operations), or one method (graded).
ALONE = ("side_by_side", "paper", "memory", "graph", "operations", "graded")
QUIET = {"KINETO_LOG_LEVEL": "6"}  # without it the profiler prints a line at its start and its end


def measure(part: str, options: list[str]) -> int:
    """Run a part in a process of its own and return its exit status."""
    command = [sys.executable, str(Path(__file__).with_name(f"{part}.py")), *options]
    return subprocess.run(command, env={**os.environ, **QUIET}).returncode


def main() -> None:
    if sys.argv[1:] and sys.argv[1] in (*TOGETHER, *ALONE):
        sys.exit(measure(sys.argv[1], sys.argv[2:]))
    parser = argparse.ArgumentParser(
        prog="python benchmarks/speed", description=__doc__, epilog=f"by name only: {', '.join(ALONE)}"
    )
    parser.add_argument("--data-dir", help="folder of the data sets, one subfolder each")
    parser.add_argument("--device", default="auto")
    arguments = vars(parser.parse_args())
    options_of = {
        part: [f"--{name.replace('_', '-')}={arguments[name]}" for name in takes if arguments[name]]
        for part, takes in TOGETHER.items()
    }
    sys.exit(max(measure(part, options) for part, options in options_of.items()))


if __name__ == "__main__":
    main()
