"""Links and names in a record lead to no file outside of it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from fecbench.runs.record import Record
from fecbench.runs.run_folder import sign
from tests.support.hostile import SMALL

SECRET = "a secret of this machine"


@pytest.fixture
def secret(tmp_path) -> Path:
    path = tmp_path / "outside" / "secret"
    path.parent.mkdir()
    path.write_text(json.dumps({"event": "epoch", "epoch": 1, "logs": {SECRET: 1.0}}))
    return path


@pytest.mark.parametrize(
    "name", ["run.json", "result.json", "history.jsonl", "predictions.safetensors", "best.safetensors"]
)
def test_a_link_out_of_a_record_is_not_followed(fecbench, toy, here, secret, name):
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "runs" / "one")[0] == 0
    before = secret.read_bytes()
    (here / "runs" / "one" / name).unlink()
    (here / "runs" / "one" / name).symlink_to(secret)
    said = ""
    for command in (
        ["runs", here / "runs"],
        ["leaderboard", here / "runs", "--format", "html", "--publish", here / "published"],
        ["predict", here / "runs" / "one", "hello"],
        ["plot", "dynamics", here / "runs" / "one", "--out", here / "dynamics.svg"],
        ["export", here / "runs" / "one", here / "exported"],
        ["run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "runs" / "one", "--resume"],
    ):
        _, out, err = fecbench(*command)
        said += out + err
        assert "Traceback" not in err
    written = [path for place in ("published", "exported") for path in (here / place).rglob("*") if path.is_file()]
    assert SECRET not in said + "".join(path.read_text(errors="replace") for path in written)
    assert secret.read_bytes() == before


@pytest.mark.parametrize("name", ["best.safetensors", "predictions.safetensors", "history.jsonl", ".holder"])
def test_a_run_that_is_continued_writes_through_no_link_and_waits_for_no_pipe(fecbench, toy, here, secret, name):
    command = ("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "one")
    assert fecbench(*command)[0] == 0
    (here / "one" / "result.json").unlink()  # as if it had died in its test
    before, place = secret.read_bytes(), here / "one" / name
    for lay in (lambda: place.symlink_to(secret), lambda: os.mkfifo(place)):
        place.unlink(missing_ok=True)
        lay()
        code, _, err = fecbench(*command, "--resume")
        assert code == 1
        assert f"{name} " in err
        assert "Traceback" not in err
        assert secret.read_bytes() == before


@pytest.mark.parametrize("name", ["", "config.json", "tokenizer.json"])
def test_a_link_out_of_the_encoders_folder_is_neither_read_nor_written(fecbench, toy, here, name):
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "one")[0] == 0
    link, outside = here / "one" / "encoder" / name, here / "outside"
    shutil.move(link, outside)
    link.symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in (outside, *outside.rglob("*"))}
    for command in (["predict", here / "one", "hello"], ["export", here / "one", here / "exported"]):
        code, _, err = fecbench(*command)
        assert code == 1
        assert "but leads to" in err
    (here / "one" / "run.json").unlink()  # as if the run had died before it was written
    for path in (here / "one").glob("*.*"):
        path.unlink()
    sign(Record(here / "one"))
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "one", "--resume")
    assert code == 1
    assert "but leads to" in err
    assert before == {path: path.stat().st_mtime_ns for path in (outside, *outside.rglob("*"))}


def test_a_run_writes_through_no_link_that_it_finds(fecbench, toy, here, secret):
    (here / "one").mkdir()
    before = secret.read_bytes()
    for name in ("failure.json", ".lock", "run.json.unfinished", "result.json.unfinished", "history.jsonl.unfinished"):
        (here / "one" / name).symlink_to(secret)
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "one")
    assert code == 1
    assert "must be empty, but holds .lock, failure.json" in err
    (here / "one" / ".lock").unlink()
    sign(Record(here / "one"))
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "one")
    assert code == 0, err
    assert secret.read_bytes() == before
    assert not any(path.is_symlink() for path in (here / "one").rglob("*"))


def test_names_in_a_record_lead_nowhere(fecbench, toy, here):
    """Names in a record (its own, data, encoder, objective) are no paths to write to, and its data isn't published."""
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "runs" / "one")[0] == 0
    path = here / "runs" / "one" / "run.json"
    about = json.loads(path.read_text())
    about["id"] = "../../outside"
    about["dataset"]["name"] = "/outside/../data"
    about["encoder"]["name"] = "../outside/encoder"
    about["settings"]["encoder"]["value"] = "../outside/encoder"
    about["settings"]["dataset"]["value"] = "hf:../outside"
    path.write_text(json.dumps(about))
    assert fecbench("leaderboard", here / "runs", "--publish", here / "a" / "published")[0] == 0
    assert fecbench("export", here / "runs" / "one", here / "a" / "exported")[0] == 0
    assert fecbench("predict", here / "runs" / "one", "hello")[0] == 0
    assert {entry.name for entry in here.iterdir()} == {"runs", "toy", "a"}
    assert {entry.name for entry in (here / "a").iterdir()} == {"published", "exported"}
    assert sorted(entry.name for entry in (here / "a" / "published").iterdir()) == [
        "board.html",
        "board.json",
        "board.md",
        "one",
    ]
