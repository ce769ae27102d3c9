"""No command sends anything to another machine unless it is asked to."""

import os
import subprocess
import sys

import pytest

from tests.support.benches import BENCH

# ---- what is sent

WATCH = """
import os, socket

def refuse(what, address):
    with open(os.environ["SENT"], "a") as file:
        print(what, address, file=file)
    raise OSError(f"no network here: {address}")

def guard(name):
    real = getattr(socket.socket, name)
    def call(self, *arguments):
        address = arguments[-1]
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            refuse(name, address)
        return real(self, *arguments)
    setattr(socket.socket, name, call)

for name in ("connect", "connect_ex", "sendto"):
    guard(name)

real_look_up = socket.getaddrinfo

def look_up(host, *arguments, **named):
    if host not in (None, "127.0.0.1", "::1", "localhost", ""):
        refuse("getaddrinfo", host)
    return real_look_up(host, *arguments, **named)

socket.getaddrinfo = look_up
"""
COMMANDS = """
import sys
from fecbench.cli import main

for line in sys.stdin.read().splitlines():
    sys.argv = ["fecbench", *line.split()]
    try:
        main()
    except SystemExit as stop:
        if stop.code:
            sys.exit(f"{line}: {stop.code}")
"""
ASKED = """\
run ce --dataset demo --epochs 1 --limit 64 --run-dir runs/ce
run aml --dataset demo --epochs 1 --limit 64 --run-dir runs/aml
run ce --dataset demo --encoder minilm --epochs 1 --limit 8 --batch-size 8 --max-length 3 --run-dir runs/minilm
bench bench.toml --root bench
runs
data
plugins --check
leaderboard --format html -o board.html
leaderboard --publish published
predict ce hello
plot dynamics aml
plot embeddings runs/ce runs/aml --rows 40
cases runs/aml runs/ce
export runs/minilm model
"""


@pytest.fixture
def watched(here) -> dict[str, str]:
    """An environment whose processes may reach nothing but this machine, and tell what they tried."""
    (here / "site").mkdir()
    (here / "site" / "sitecustomize.py").write_text(WATCH)
    away = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_ENDPOINT", "DO_NOT_TRACK")
    kept = {key: value for key, value in os.environ.items() if key not in away}
    return {**kept, "PYTHONPATH": str(here / "site"), "SENT": str(here / "sent")}


def test_nothing_is_sent_unless_it_was_asked_for(here, watched):
    (here / "bench.toml").write_text(BENCH)
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=ASKED,
        env=watched,
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (here / "sent").exists(), (here / "sent").read_text()


def test_this_watch_sees_what_is_asked_of_the_hub(here, watched):
    asked = "from fecbench.core import hub; print(hub.unreachable())"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=watched, cwd=here, capture_output=True, text=True, check=True
    )
    assert "can't be reached" in done.stdout
    assert "huggingface.co" in (here / "sent").read_text()
