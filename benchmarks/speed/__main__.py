"""All speed benchmarks, or one: ``python benchmarks/speed [PART] [OPTIONS]``; each part's own options: ``... PART --help``."""

import subprocess
import sys
from pathlib import Path

PARTS = ("throughput", "limit", "growth")


def main() -> None:
    options = sys.argv[1:]
    parts = [options.pop(0)] if options and options[0] in PARTS else PARTS
    failed = [part for part in parts if subprocess.run([sys.executable, str(Path(__file__).with_name(f"{part}.py")), *options]).returncode]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
