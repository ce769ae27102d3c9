"""All speed benchmarks, or one: ``python benchmarks/speed [PART] [OPTIONS]``; each part's own options: ``... PART --help``."""

import os
import subprocess
import sys
from pathlib import Path

PARTS = ("throughput", "limit", "growth")
QUIET = {"KINETO_LOG_LEVEL": "6"}  # the profiler tells of its beginning and its end


def main() -> None:
    options = sys.argv[1:]
    parts = [options.pop(0)] if options and options[0] in PARTS else PARTS
    commands = ([sys.executable, str(Path(__file__).with_name(f"{part}.py")), *options] for part in parts)
    failed = [command for command in commands if subprocess.run(command, env={**os.environ, **QUIET}).returncode]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
