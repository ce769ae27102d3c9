"""`~` is the home folder in every path, wherever it is written."""

import click
import pytest

from fecbench import PATH
from fecbench.cli import cli
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.load import load_encoder
from fecbench.model.encoders.scratch import scratch
from fecbench.runs.record import Record
from tests.support.commands import commands


@pytest.fixture
def home(here, monkeypatch):
    """A home folder beside the working folder."""
    folder = here / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    work = here / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return folder


def test_every_path_of_every_command_is_expanded():
    context = click.Context(cli)
    found = [
        (f"{path} {param.name}", param.type) for path, command in commands(cli, context) for param in command.params
    ]
    paths = [(name, kind) for name, kind in found if isinstance(kind, click.Path)]
    assert {"fecbench run ce run_dir", "fecbench certify data_dir", "fecbench plot embeddings out"} <= {
        name for name, _ in paths
    }
    assert [name for name, kind in paths if kind is not PATH] == []


def test_a_tilde_is_expanded_in_options_settings_and_environment(fecbench, toy, home, monkeypatch):
    toy.rename(home / "toy")
    run = ["run", "ce", "--dataset=~/toy", "--encoder=tiny-bert", "--epochs=1", "--run-dir=~/runs/a"]
    code, _, err = fecbench(*run)
    assert code == 0, err
    assert Record(home / "runs" / "a").status == "complete"
    board = ["leaderboard", "~/runs", "-o", "~/board.md", "--publish=~/published"]
    for command in (board, ["plot", "dynamics", "~/runs/a", "--out=~/p.svg"]):
        code, _, err = fecbench(*command)
        assert code == 0, err
    assert {"board.md", "published", "p.svg"} <= {path.name for path in home.iterdir()}
    assert not list((home.parent / "work").iterdir())
    monkeypatch.setenv("FECBENCH_DATA", "~/data")
    assert DataLocations().environment == home / "data"


def test_a_tilde_is_expanded_in_an_encoder_s_folder(home):
    source = scratch(["a text", "another text"])
    source.tokenizer.save_pretrained(home / "enc")
    source.config.save_pretrained(home / "enc")
    found = load_encoder("~/enc", [])
    assert (found.name, found.weights) == ("~/enc", str(home / "enc"))


@pytest.mark.slow
def test_a_user_that_is_unknown_is_no_traceback(fecbench, home):
    code, out, err = fecbench("run", "ce", "--dataset=~nobody-of-that-name/data")
    assert (code, "doesn't exist" in err, "Traceback" in out + err) == (1, True, False)
