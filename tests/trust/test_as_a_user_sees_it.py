"""The same through a process of its own: what stands on the terminal, and the exit code that a shell gets."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.judge import TINY, tree
from tests.support.toy_data import write_toy

CASES: dict[str, tuple[list[str], int, str]] = {
    "latin-1 data": (["run", "ce", "--dataset", "./latin", *TINY], 1, "must be UTF-8"),
    "a folder of a name that isn't UTF-8": (
        ["run", "ce", "--dataset", os.fsdecode(b"./caf\xe9"), *TINY],
        2,
        "valid Unicode is needed",
    ),
    "a run folder of a name that isn't UTF-8": (
        ["run", "ce", "--dataset", "./moods", *TINY, "--run-dir", os.fsdecode(b"caf\xe9")],
        1,
        "choose another --run-dir",
    ),
    "text that isn't UTF-8": (["predict", "run", os.fsdecode(b"caf\xe9")], 2, "no run"),
    "a pipe that nobody writes to": (["run", "ce", "--dataset", "./pipe", *TINY], 1, "must be a file"),
    "a spec that is binary": (["bench", "./latin/train.csv"], 2, "must be a readable TOML file"),
    "a broken record": (["predict", "broken", "text"], 1, "must be a readable JSON file"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder of malformed things."""
    folder = tmp_path_factory.mktemp("home")
    write_toy(folder / "moods")
    (folder / "latin").mkdir()
    (folder / "latin" / "train.csv").write_bytes(b"text,label\ncaf\xe9,x\n")
    (folder / os.fsdecode(b"caf\xe9")).mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "broken").mkdir()
    for name in ("run.json", "result.json"):
        (folder / "broken" / name).write_text("{")
    return folder


ALWAYS = ("a folder of a name that isn't UTF-8", "a pipe that nobody writes to")
MARKED = [
    pytest.param(*case, id=name, marks=[] if name in ALWAYS else [pytest.mark.trust]) for name, case in CASES.items()
]


@pytest.mark.parametrize(("arguments", "code", "says"), MARKED)
def test_one_line_an_exit_code_and_nothing_lost(home, arguments, code, says):
    before = tree(home)
    command = [sys.executable, "-m", "fecbench", *arguments]
    done = subprocess.run(command, cwd=home, capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
    told = done.stderr.decode(errors="replace")
    assert done.returncode == code, told
    assert says in told
    assert "Traceback" not in told
    assert tree(home) == before


@pytest.mark.slow
def test_a_plugin_that_is_stopped_by_hand_is_no_broken_plugin(home, tmp_path):
    """Ctrl-C in the middle of a plugin's code is the user's stop, not the plugin's fault."""
    (tmp_path / "sleepy.py").write_text(
        "import time\nfrom fecbench import Objective\nfrom fecbench.core.registry import objectives\n"
        "class Sleepy(Objective):\n    def updates(self, batch, model):\n"
        "        print('asleep', flush=True)\n        time.sleep(60)\n        yield\n"
        "objectives.register('sleepy', Sleepy)\n"
        "from fecbench.cli import main\nmain()\n"
    )
    command = [
        sys.executable,
        str(tmp_path / "sleepy.py"),
        "run",
        "sleepy",
        "--dataset",
        "./moods",
        *TINY,
        "--run-dir",
        str(tmp_path / "run"),
    ]
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "asleep\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "stopped; the same command with --resume" in err
    assert "Traceback" not in err
    assert '"interrupted"' in (tmp_path / "run" / "failure.json").read_text()
