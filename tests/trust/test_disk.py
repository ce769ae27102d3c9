"""Full disks and read-only folders: one line names path and remedy, earlier files stay, and a retry continues."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fecbench.runs.find import records_under
from fecbench.runs.record import ROOT

FULL, DENIED = "File too large", "Permission denied"  # a limit on the size of files stands in for a disk without room
OUTPUTS = {
    "board": ("board.md", ["leaderboard", "{run}", "-o", "board.md"]),
    "page": ("board.html", ["leaderboard", "{run}", "-o", "board.html"]),
    "cases": ("cases.md", ["cases", "{run}", "{other}", "-o", "cases.md"]),
    "picture": ("picture.png", ["plot", "dynamics", "{run}", "--out", "picture.png"]),
    "print": ("picture.pdf", ["plot", "dynamics", "{run}", "--out", "picture.pdf"]),
    "model": (None, ["export", "{native}", "model"]),
    "graph": (None, ["export", "{native}", "model", "--format", "onnx"]),
}


def check_refused(done, path: Path, reason: str) -> None:
    """One line that names the path, the reason and a remedy."""
    assert done.code in (1, 2)
    assert "Traceback" not in done.said
    last = done.said.strip().splitlines()[-1]
    assert last.startswith("fecbench: ")
    assert all(part in last for part in (path.name, "can't be", reason, "choose another")), last


@pytest.fixture
def fill_and_resume(faulty, small, unbroken, contents, tmp_path):
    """A run whose disk is full from a write on says so, and once there is room ends as one that nothing disturbed."""

    def attempt(name: str, at: int, room: int, background: bool = False) -> None:
        whole, writes = unbroken(name)
        run = tmp_path / str(at) / "run"
        run.parent.mkdir()  # as it was for the unbroken run: writes are counted
        how = {"fault": "fill", "at": at, "room": room, "background": background}
        done = faulty(*small(name, run), folder=run.parent, **how)
        if at > writes.index("open result.json.unfinished"):
            assert done.code == 0, done.said
        else:
            check_refused(done, run, FULL)
        again = faulty(*small(name, run), folder=run.parent)
        assert again.code == 0, again.said
        assert contents(run) == contents(whole / "run")

    return attempt


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "background"),
    [(0, False), (16, False), (24, False), (18, True), pytest.param(24, True, marks=pytest.mark.trust)],
)
def test_a_run_on_a_full_disk(fill_and_resume, at, background):
    fill_and_resume("ce", at, 100, background)


@pytest.mark.trust
@pytest.mark.parametrize("name", ["ce", "aml"])
def test_a_run_whose_disk_is_full_from_any_write_on(fill_and_resume, unbroken, name):
    chance = random.Random(0)
    for at in range(len(unbroken(name)[1])):
        fill_and_resume(name, at, chance.choice((0, 100, 2000)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", [pytest.param(name, marks=pytest.mark.trust) if name == "graph" else name for name in OUTPUTS]
)
def test_an_output_on_a_full_disk(faulty, unbroken, tmp_path, what):
    whole, _ = unbroken("aml")
    name, arguments = OUTPUTS[what]
    if name:
        (tmp_path / name).write_text("earlier")
    places = {"run": whole / "run", "other": whole / "other", "native": unbroken("ce")[0] / "run"}
    filled = [argument.format(**places) for argument in arguments]
    done = faulty(*filled, folder=tmp_path, cwd=str(tmp_path), fault="fill", at=0)
    check_refused(done, Path(name or "model"), FULL)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == ([(name, "earlier")] if name else [])
    done = faulty(*filled, folder=tmp_path, cwd=str(tmp_path))
    assert done.code == 0, done.said


@pytest.mark.slow
def test_folders_that_cannot_be_written(faulty, small, unbroken, contents, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    check_refused(faulty(*small("ce", locked), folder=tmp_path, fault="deny"), locked, DENIED)
    check_refused(faulty(*small("ce", locked / "run"), folder=tmp_path, fault="deny"), locked / "run", DENIED)
    check_refused(
        faulty("run", "ce", "--dataset", "demo", folder=tmp_path, cwd=str(locked), fault="deny"), ROOT, DENIED
    )
    assert not list(locked.iterdir())
    half = tmp_path / "run"
    faulty(*small("ce", half), folder=tmp_path, fault="kill", at=24)
    before = {path: path.read_bytes() for path in half.rglob("*") if path.is_file()}
    half.chmod(0o500)
    check_refused(faulty(*small("ce", half), folder=tmp_path, fault="deny"), half, DENIED)
    assert {path: path.read_bytes() for path in half.rglob("*") if path.is_file()} == before
    half.chmod(0o700)
    assert faulty(*small("ce", half), folder=tmp_path).code == 0
    assert contents(half) == contents(unbroken("ce")[0] / "run")


@pytest.mark.slow
def test_data_caches_and_complete_runs_need_not_be_writable(faulty, unbroken, toy, tmp_path):
    done = tmp_path / "done"
    shutil.copytree(unbroken("ce")[0] / "run", done)
    (tmp_path / "cache").mkdir()
    for folder in (toy, tmp_path / "cache", done):
        folder.chmod(0o500)
    run = ["run", "ce", "--dataset", toy, "--encoder", "tiny-bert", "--epochs", 1, "--run-dir", tmp_path / "run"]
    for command in (run, ["run", "ce", "--help"], ["predict", done, "hello"], ["leaderboard", done], ["runs", done]):
        found = faulty(*command, folder=tmp_path, fault="deny", environment={"XDG_CACHE_HOME": str(tmp_path / "cache")})
        assert found.code == 0, found.said


@pytest.mark.trust
def test_a_benchmark_whose_disk_fills_up(contents, tmp_path):
    spec, disk = tmp_path / "spec.toml", tmp_path / "disk"
    settings = 'encoder = "tiny-bert", epochs = 2, limit = 64, batch_size = 16'
    spec.write_text(
        f'title = "t"\nobjectives = ["ce", "aml"]\ndatasets = ["demo"]\nseeds = [0]\nsettings = {{ {settings} }}\n'
    )
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("a small disk can't be mounted here")

    def bench(root: Path) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "fecbench", "bench", spec, "--root", root]
        return subprocess.run(
            command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
        )

    try:
        full = bench(disk / "runs")
        assert (full.returncode, "Traceback" in full.stderr) == (1, False)
        assert "No space left on device" in full.stderr
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        assert bench(disk / "runs").returncode == bench(tmp_path / "runs").returncode == 0
        made = [record.folder for record in records_under(tmp_path / "runs")]
        assert len(made) == 2
        assert [contents(disk / "runs" / folder.name) for folder in made] == [contents(folder) for folder in made]
    finally:
        subprocess.run(["umount", disk], check=True)
