"""Run a part of the GPU window alone: ``python benchmarks/gpu PART [OPTIONS]``; ``PART --help`` shows its options."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("prepare", "machine", "predictions", "parity", "attention", "methods", "concurrency", "determinism")


def main() -> None:
    if sys.argv[1:2] == [] or sys.argv[1] not in PARTS:
        sys.exit(f"{__doc__}\nparts: {', '.join(PARTS)}")
    paths = [str(HERE.parent / "speed"), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, str(HERE / f"{sys.argv[1]}.py"), *sys.argv[2:]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1", "KINETO_LOG_LEVEL": "6"}
    sys.exit(subprocess.run(command, env=environment).returncode)


if __name__ == "__main__":
    main()
