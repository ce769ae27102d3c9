"""All speed benchmarks, or one: ``python benchmarks/speed [PART] [OPTIONS]``; ``PART --help`` shows its options."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

TOGETHER = {  # what one command measures, and which of the common options each part takes
    "startup": (),
    "second": ("data_dir", "device"),
    "throughput": ("data_dir", "device"),
    "limit": ("data_dir", "device"),
    "growth": ("device",),
}
ALONE = ("side_by_side", "paper", "memory")  # hours on a CPU, unless their own options ask for less
QUIET = {"KINETO_LOG_LEVEL": "6"}  # the profiler tells of its beginning and its end


def measure(part: str, options: list[str]) -> int:
    """The exit status of a part, in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name(f"{part}.py")), *options]
    return subprocess.run(command, env={**os.environ, **QUIET}).returncode


def main() -> None:
    if sys.argv[1:] and sys.argv[1] in (*TOGETHER, *ALONE):
        sys.exit(measure(sys.argv[1], sys.argv[2:]))
    parser = argparse.ArgumentParser(
        prog="python benchmarks/speed", description=__doc__, epilog=f"by name only: {', '.join(ALONE)}"
    )
    parser.add_argument("--data-dir", help="folder with a folder for each data set")
    parser.add_argument("--device", default="auto")
    given = vars(parser.parse_args())
    asked = {
        part: [f"--{name.replace('_', '-')}={given[name]}" for name in takes if given[name]]
        for part, takes in TOGETHER.items()
    }
    sys.exit(max(measure(part, options) for part, options in asked.items()))


if __name__ == "__main__":
    main()
