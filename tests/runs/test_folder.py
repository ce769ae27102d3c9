"""The folder of a run: begun again after an early end, and files of others stay."""

import pytest

from fecbench.core.errors import RunError
from fecbench.runs.record import Record
from fecbench.runs.run_folder import sign
from tests.support.interrupted import StopIn
from tests.support.train import train


@pytest.mark.slow
@pytest.mark.parametrize(
    "left", ["history.jsonl", "run.json.unfinished", "failure.json", "encoder/config.json", ".tmpa1B2c3"]
)
def test_a_run_killed_before_its_record_begins_can_be_begun_again(toy, tmp_path, left):
    (tmp_path / "run" / left).parent.mkdir(parents=True)
    (tmp_path / "run" / left).write_text("{}\n")
    sign(Record(tmp_path / "run"))
    assert train("ce", toy, tmp_path / "run", epochs=1).status == "complete"
    assert not [
        path.name
        for path in (tmp_path / "run").iterdir()
        if path.name.endswith(".unfinished") or path.name.startswith(".tmp")
    ]


def test_a_run_that_failed_before_its_record_began_can_be_begun_again(toy, tmp_path, monkeypatch):
    def full(record, about):
        raise RunError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("fecbench.runs.describe_run.write_about", full)
        with pytest.raises(RunError, match="the disk is full"):
            train("ce", toy, tmp_path / "run")
    assert {"encoder", "failure.json"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert train("ce", toy, tmp_path / "run", epochs=1).status == "complete"
    assert not (tmp_path / "run" / ".holder").exists()


OWN = [
    "history.jsonl",
    "failure.json",
    "encoder/thesis.txt",
    "run.json.unfinished",
    "notes.unfinished",
    "notes.unfinished/one",
    ".tmpa1B2c3",
]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("own", [*OWN, ".lock", ".holder", "last.safetensors.unfinished"])
def test_files_that_no_run_claims_are_the_users_and_stay(toy, tmp_path, own, resume):
    file = tmp_path / "run" / own
    file.parent.mkdir(parents=True)
    file.write_text("precious")
    with pytest.raises(
        RunError,
        match=f"must be empty, but holds {file.relative_to(tmp_path / 'run').parts[0]}; choose another --run-dir",
    ):
        train("ce", toy, tmp_path / "run", epochs=1, resume=resume)
    assert file.read_text() == "precious"
    assert len(list((tmp_path / "run").rglob("*"))) == len(file.relative_to(tmp_path / "run").parts)


@pytest.mark.parametrize("own", ["notes.unfinished", "notes.unfinished/one", ".tmpfile", ".tmp/one"])
def test_a_run_that_goes_on_leaves_files_of_others_in_its_folder(toy, tmp_path, own):
    with pytest.raises(KeyboardInterrupt):
        train("ce", toy, tmp_path / "run", observers=[StopIn(1)])
    file = tmp_path / "run" / own
    file.parent.mkdir(exist_ok=True)
    file.write_text("precious")
    assert train("ce", toy, tmp_path / "run", resume=True).status == "complete"
    assert file.read_text() == "precious"
