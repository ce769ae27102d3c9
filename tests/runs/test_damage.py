"""Damage: full disks, interrupted writes, and record files that are broken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fecbench.core.errors import RunError
from fecbench.core.files import read_tensors, replacing, write_json, write_tensors
from fecbench.runs.record import Record
from fecbench.runs.run_folder import drop_drafts
from tests.support.interrupted import StopAfter, train_briefly


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(toy, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(RunError, match="can't be"):
        train_briefly("ce", toy, tmp_path / "locked" / "run")


def test_a_full_disk_leaves_the_earlier_file(tmp_path, monkeypatch):
    write_tensors(tmp_path / "best.safetensors", {"a": torch.ones(2)})
    import safetensors.torch

    def full(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(RunError, match=r"best\.safetensors can't be written: .*No space left on device; free space"):
        write_tensors(tmp_path / "best.safetensors", {"a": torch.zeros(2)})
    assert read_tensors(tmp_path / "best.safetensors")[0]["a"].tolist() == [1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


def test_equal_tensors_make_equal_files(tmp_path):
    names = [tmp_path / str(number) for number in range(16)]  # where the order of a header's keys is chance
    for name in names:
        write_tensors(name, {"a": torch.ones(2), "b": torch.zeros(3)}, {"epoch": 1, "best": True})
    assert len({name.read_bytes() for name in names}) == 1


def test_what_is_replaced_keeps_its_kind(tmp_path):
    (tmp_path / "there.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("there.json")
    write_json(tmp_path / "link.json", {"a": 1})
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "there.json").read_text()) == {"a": 1}
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with replacing(tmp_path / "pipe") as draft:
        draft.write_text('{"a": 2}')
    assert json.loads(os.read(reader, 100)) == {"a": 2}
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_draft_takes_the_place_of_no_file_of_the_users(tmp_path):
    (tmp_path / "board.md.unfinished").write_text("precious")

    def write(text, stop):
        with replacing(tmp_path / "board.md") as draft:
            draft.write_text(text)
            if stop:
                raise KeyboardInterrupt

    write("board", stop=False)
    with pytest.raises(KeyboardInterrupt):
        write("half", stop=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "board.md": "board",
        "board.md.unfinished": "precious",
    }


def test_a_killed_writer_leaves_a_draft_that_the_next_run_removes(tmp_path):
    (tmp_path / "best.safetensors.unfinished").write_bytes(b"half")
    drop_drafts(Record(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_a_damaged_checkpoint_is_named(toy, tmp_path, damage):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    last = tmp_path / "run" / "last.safetensors"
    if damage == "cut":
        last.write_bytes(last.read_bytes()[:1000])
    elif damage == "other":
        write_tensors(last, {"x": torch.ones(1)})
    else:
        last.write_text("nothing")
    with pytest.raises(RunError, match=r"last\.safetensors must (be a tensor file written by fecbench|hold model\.)"):
        train_briefly("ce", toy, tmp_path / "run", resume=True)


def test_records_of_another_format_or_broken_ones_are_named(tmp_path):
    write_json(tmp_path / "run.json", {"format": 99})
    with pytest.raises(RunError, match="must have format 1 or 2, found 99"):
        _ = Record(tmp_path).about
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RunError, match="must be a readable JSON file"):
        _ = Record(tmp_path).about
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunError, match="must hold a JSON object, not list"):
        _ = Record(tmp_path).about


def test_a_torn_line_of_history_is_left_out(tmp_path):
    (tmp_path / "history.jsonl").write_text('{"event": "epoch", "epoch": 1}\n{"event": "epo')
    assert Record(tmp_path).history() == [{"event": "epoch", "epoch": 1}]


def test_standard_output_that_leads_to_a_file_keeps_its_other_content(tmp_path):
    code = "from fecbench.core.files import STDOUT, replacing\nwith replacing(STDOUT) as d: d.write_text('table')"
    target = tmp_path / "all.csv"
    target.write_text("earlier ")
    with target.open("a") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert target.read_text() == "earlier table"
