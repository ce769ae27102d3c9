"""A hub on loopback, and processes that ask it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import hub_server


@contextmanager
def loopback_hub(folder: Path, token: str | None = None) -> Iterator[tuple[Path, Callable[..., str]]]:
    """Yield the root of a hub's repositories, and a function that runs Python code in a process that asks it.

    ``python(code, given)`` returns what the code prints for the input ``given``.
    """
    root = folder / "hub"
    root.mkdir(exist_ok=True)
    server = subprocess.Popen([sys.executable, hub_server.__file__, str(root)], stdout=subprocess.PIPE, text=True)
    environment = {
        **os.environ,
        "HF_ENDPOINT": server.stdout.readline().strip(),
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        environment.pop(name, None)
    environment |= {} if token is None else {"HF_TOKEN": token}

    def python(code: str, given: str = "") -> str:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, input=given, env=environment, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    try:
        yield root, python
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
