"""The folder of an export: filled whole or not at all, and nothing in it tells of this machine."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fecbench.core.errors import UsageError
from fecbench.results.export.export import export
from fecbench.results.export.new_folder import new_folder
from tests.support.exports import NATIVE


@pytest.mark.slow
def test_no_file_names_a_path_of_this_machine(exported, kept, toy):
    pytest.importorskip("onnxruntime")
    for kind in ("hf", "onnx"):
        _, folder = exported(kind, "roberta", "ce", **NATIVE)
        for file in folder.rglob("*"):
            content = file.read_bytes()
            assert not any(
                str(place).encode() in content for place in (kept, toy.parent, Path(torch.__file__).parent.parent)
            ), file
            assert (
                file.stat().st_mode & 0o044 == (folder / "README.md").stat().st_mode & 0o044
            )  # others may read one as the other


@pytest.mark.slow
def test_a_folder_that_cannot_be_made(trained, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(
        UsageError, match=r"can't be written: .*No space left on device; free space or choose another folder"
    ):
        export(trained("bert", "ce", **NATIVE), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}


def test_an_empty_folder_stays_the_same_folder_and_is_filled_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "mine"
    place.mkdir(mode=0o750)
    before = place.stat()
    monkeypatch.chdir(place)
    with new_folder(Path()) as draft:
        (draft / "a").write_text("1")
        (draft / "b").mkdir()
    assert (place.stat().st_ino, place.stat().st_mode) == (before.st_ino, before.st_mode)
    assert {path.name for path in Path().iterdir()} == {"a", "b"}
    for path in (Path("a"), Path("b")):
        path.rename(tmp_path / path)

    def full(self, target, rename=Path.rename):
        if target == place / "b":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)

    def fill(*others: Path):
        with new_folder(place) as draft:
            for path in (*(draft / name for name in "abc"), *others):
                path.write_text("1")

    with pytest.raises(UsageError, match="No space left on device"):
        fill()
    assert list(place.iterdir()) == []
    with pytest.raises(UsageError, match="must be new or empty, but holds theirs"):
        fill(place / "theirs")
    assert [path.name for path in place.iterdir()] == ["theirs"]


STOPPED = """
import os, signal, sys
from fecbench.cli import main
from fecbench.results.export import model_card

def stop(*arguments, **named):
    os.kill(os.getpid(), signal.SIGTERM)

model_card.write = stop
main()
"""


@pytest.mark.slow
def test_a_terminated_export_leaves_no_draft(trained, tmp_path):
    """In a process of its own: a scheduler's stop, when weights have been written."""
    command = ["export", trained("bert", "ce", **NATIVE).folder, tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, *map(str, command)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "fecbench: stopped; nothing was left behind\n")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}
