"""Fixtures of all tests. No test reaches the network or a cache outside its session."""

import gc
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib.metadata import entry_points
from pathlib import Path

_CACHE = tempfile.TemporaryDirectory(prefix="fecbench-tests-")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["XDG_CACHE_HOME"] = _CACHE.name  # tokens and data sets that the tests cache
os.environ.pop("FECBENCH_DATA", None)
if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers keep all cores busy; the variable also reaches the processes that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import catalogue  # noqa: E402
import hypothesis  # noqa: E402
import joblib  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from filelock import FileLock  # noqa: E402

from fecbench.bench import job  # noqa: E402
from fecbench.bench.job import Job  # noqa: E402
from fecbench.cli import main  # noqa: E402
from fecbench.core.registry import objectives  # noqa: E402
from fecbench.model.encoders.scratch import scratch  # noqa: E402
from fecbench.model.encoders.source import EncoderSource  # noqa: E402
from tests.support.benches import DEMO, carried_out  # noqa: E402
from tests.support.encoders import tiny_config  # noqa: E402
from tests.support.toy_data import rows, write_toy  # noqa: E402

# On a busy machine an example can take any time.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than cores: tests that wait for a process or a lock leave theirs to another."""
    return joblib.cpu_count() + 1


def pytest_collection_finish() -> None:
    """Exclude the imported modules from garbage collections: they live as long as the session."""
    gc.freeze()


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A small data set of three labels, as a folder of CSV files: 60 / 12 / 15 rows."""
    return write_toy(tmp_path / "toy", per_label=(20, 4, 5))


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder that all workers share."""
    folder = tmp_path_factory.getbasetemp()
    return folder if worker_id == "master" else folder.parent


@pytest.fixture(scope="session")
def demo_bench(shared) -> tuple[Path, subprocess.CompletedProcess]:
    """The folder of the demo spec's runs, and how its bench ended, whichever worker carried it out."""
    root, ended = shared / "demo-bench", shared / "demo-bench.json"
    with FileLock(ended.with_suffix(".lock")):
        if not ended.exists():
            done = carried_out(DEMO, root, "--json")
            ended.write_text(json.dumps([done.args, done.returncode, done.stdout, done.stderr]), encoding="utf-8")
    return root, subprocess.CompletedProcess(*json.loads(ended.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def tokenizer():
    """A WordPiece tokenizer of a few hundred words."""
    return scratch([text for text, _ in rows(20)]).tokenizer


@pytest.fixture
def source(tokenizer):
    """A factory of tiny encoder sources: ``source("roberta")``."""

    def make(family: str = "bert", dropout: float = 0.0) -> EncoderSource:
        torch.manual_seed(0)
        return EncoderSource(f"tiny {family}", tokenizer, tiny_config(family, len(tokenizer), dropout), None)

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a distribution for this test: its metadata, its one module ``code``, its entry points of a group.

    ``install("my-plugin", "fecbench_objectives", mine="my_module:Mine", code="...")``
    """

    def add(distribution: str, group: str, *, code: str = "", **entries: str) -> None:
        site = tmp_path / f"site-{distribution}"
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        points = "\n".join(f"{name} = {value}" for name, value in entries.items())
        (info / "entry_points.txt").write_text(f"[{group}]\n{points}\n")
        for value in entries.values() if code else ():
            module = value.partition(":")[0]
            (site / f"{module}.py").write_text(textwrap.dedent(code))
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setattr(catalogue, "AVAILABLE_ENTRY_POINTS", entry_points())

    return add


@pytest.fixture
def fecbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Call the command line in this process: ``code, out, err = fecbench("run", "ce", ...)``."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fecbench", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Compute with one thread, as the processes of ``tests.support.benches`` do: sums have the same bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def runs_here(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    """Let a bench execute its runs in this process: one of its own takes four seconds to start."""

    def execute(task: Job) -> None:
        with Path(task.log).open("a", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
            monkeypatch.setattr(sys, "argv", ["fecbench", *task.arguments])
            with suppress(SystemExit):
                main()

    monkeypatch.setattr(job, "_run", execute)


@pytest.fixture
def registered() -> Iterator[Callable[[str, type], str]]:
    """Register an objective for this test alone."""
    names = []

    def add(name: str, kind: type) -> str:
        objectives.register(name, kind)
        names.append(name)
        return name

    yield add
    for name in names:
        catalogue._remove(("fecbench", "objectives", name))
        del objectives._here[name]
