"""Flags, specs and records: how a run is told of a data set's files, and what its record and card say of them."""

import json
from pathlib import Path

import pytest

from fecbench.core.errors import UsageError
from fecbench.core.settings import Setting
from fecbench.runs.identity import same_settings
from fecbench.runs.plan import plan

MOODS = [(str(n), f"text {n}", ("joy", "fear", "neutral")[n % 3]) for n in range(90)]
TINY = ("--encoder", "scratch", "--epochs", 1)
TOML = """
title = "Moods of a town"
licence = "CC0"
homepage = "https://example.org/moods"
language = "en"
citation = "Doe 2020"
metric = "macro_f1"
[files]
train = "moods.txt"
[format]
delimiter = ";"
header = false
columns = ["id", "said", "mood"]
[columns]
text = "said"
label = "mood"
[labels]
map = { happy = ["joy"] }
drop = ["neutral"]
"""


@pytest.fixture
def moods(tmp_path, monkeypatch) -> Path:
    """The working directory, with a folder of files without a header and with names and endings of their own."""
    folder = tmp_path / "moods"
    folder.mkdir()
    (folder / "moods.txt").write_text("\n".join(map(";".join, MOODS)) + "\n")
    (folder / "held out.txt").write_text("\n".join(map(";".join, MOODS[:30])) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FLAGS = (
    *("--train-file", "moods.txt", "--test-file", "held out.txt", "--delimiter", ";", "--no-header"),
    *("--text-column", "2", "--label-column", "3"),
)


def test_flags_read_files_of_any_form(fecbench, moods):
    code, out, err = fecbench("data", "stats", "./moods", *FLAGS, "--json")
    assert code == 0, err
    (found,) = json.loads(out)
    assert (found["rows"]["test"], found["labels"]) == (30, 3)
    code, out, err = fecbench("run", "ce", "--dataset", "./moods", *FLAGS, *TINY, "--run-dir", "r")
    assert code == 0, err
    settings = json.loads(Path("r/run.json").read_text())["settings"]
    assert settings["train_file"] == {"value": "moods.txt", "origin": "flag"}
    assert settings["header"] == {"value": False, "origin": "flag"}
    assert settings["text_column"] == {"value": "2", "origin": "flag"}
    assert settings["group_column"] == {"value": None, "origin": "default"}


def test_a_spec_has_the_same_settings(fecbench, moods):
    Path("spec.toml").write_text(
        'title = "t"\nobjectives = ["ce"]\ndatasets = ["./moods"]\nseeds = [0]\n'
        '[settings]\nencoder = "scratch"\nepochs = 1\n'
        '[dataset."./moods"]\ntrain_file = "moods.txt"\ndelimiter = ";"\nheader = false\n'
        "text_column = 2\nlabel_column = 3\n"
    )
    code, _, err = fecbench("bench", "spec.toml", "--dry-run")
    assert code == 0, err


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("group_column", "author"),
        ("text_column", "text"),
        ("delimiter", ";"),
        ("header", False),
        ("label_columns", "joy,fear"),
        ("label_separator", ""),
        ("labelling", "multi"),
        ("raters", 3),
        ("rater_column", "rater"),
        ("id_column", "id"),
    ],
)
def test_flags_that_a_registered_set_ignores_are_refused(setting, value):
    said = rf"--{setting.replace('_', '-')} reads a data set of your own, but demo is registered: leave it out"
    with pytest.raises(UsageError, match=said):
        plan("ce", {"dataset": "demo", setting: value})
    with pytest.raises(UsageError, match=said):
        plan("ce", {"dataset": "demo"}, {setting: value})


def test_a_record_from_before_several_labels_is_of_the_same_settings():
    chosen = plan("ce", {"dataset": "./moods", "text_column": "said"}).origins
    newer = {"label_columns", "label_separator", "labelling", "raters", "rater_column", "id_column"}
    recorded = {name: setting.value for name, setting in chosen.items() if name not in newer}
    assert same_settings(chosen, recorded)
    chosen = plan("ce", {"dataset": "./moods", "text_column": "said", "label_separator": ","}).origins
    assert not same_settings(chosen, recorded)


def test_a_registered_set_takes_the_seed_and_the_folds_of_a_cut():
    chosen = plan("ce", {"dataset": "isear", "split_seed": 3, "folds": 5, "group_column": None})
    assert (chosen.settings.split_seed, chosen.settings.folds) == (3, 5)


@pytest.mark.parametrize("tab", ["\t", "tab", "\\t"])
def test_a_tab_can_be_named(fecbench, moods, tab):
    Path("moods/moods.txt").write_text("\n".join(map("\t".join, MOODS)) + "\n")
    columns = ("--no-header", "--text-column", 2, "--label-column", 3)
    code, out, err = fecbench(
        "data", "stats", "./moods", "--train-file", "moods.txt", "--delimiter", tab, *columns, "--json"
    )
    assert code == 0, err
    assert sum(json.loads(out)[0]["rows"].values()) == 90


@pytest.mark.slow
def test_what_is_declared_is_in_the_record_and_the_card(fecbench, moods):
    Path("moods/dataset.toml").write_text(TOML)
    code, _, err = fecbench("run", "ce", "--dataset", "./moods", *TINY, "--run-dir", "r")
    assert code == 0, err
    recorded = json.loads(Path("r/run.json").read_text())["dataset"]
    facts = ("title", "licence", "homepage", "language", "citation", "metric")
    assert [recorded[key] for key in facts] == [
        *("Moods of a town", "CC0", "https://example.org/moods", "en", "Doe 2020", "macro_f1")
    ]
    assert recorded["labels"] == ["fear", "happy"]
    reading = recorded["reading"]
    assert reading["files"] == {"train": ["moods.txt"]}
    assert reading["format"] == {"delimiter": ";", "header": False, "columns": ["id", "said", "mood"]}
    assert reading["columns"] == {"text": "said", "label": "mood"}
    assert reading["labels"] == {"map": {"happy": ["joy"]}, "drop": ["neutral"]}
    notes = json.loads(Path("r/run.json").read_text())["notes"]
    assert any("30 rows of neutral are left out" in note for note in notes)
    code, _, err = fecbench("export", "r", "model", "--format", "onnx")
    assert code == 0, err
    card = Path("model/README.md").read_text()
    for words in ("Moods of a town", "Doe 2020", "<https://example.org/moods>", "macro\\_f1", '"drop"', "language: en"):
        assert words in card, card


def test_dataset_can_be_a_description(fecbench, moods):
    Path("moods.toml").write_text(TOML.replace('"moods.txt"', '"moods/moods.txt"'))
    code, out, err = fecbench("data", "stats", "moods.toml", "--json")
    assert code == 0, err
    assert json.loads(out)[0]["name"] == "moods"
    code, _, err = fecbench("data", "stats", "nothing.toml")
    assert code == 1
    assert "nothing.toml doesn't exist" in err
    Path("moods.toml").write_text("[files]\ntrian = 1\n")
    code, _, err = fecbench("data", "stats", "moods.toml")
    assert code == 1
    assert "moods.toml, line 2: no key of [files] is called 'trian'; did you mean 'train'?" in err


def test_files_cannot_be_named_in_a_hub_data_set(fecbench):
    code, _, err = fecbench("run", "ce", "--dataset", "hf:owner/name", "--train-file", "x.csv")
    assert code == 2
    assert "--train-file names files on this machine, but hf:owner/name is on the hub" in err


def test_runs_of_older_records_have_the_same_settings():
    from fecbench.runs.identity import same_settings

    wanted = plan("ce", {"dataset": "demo"}).origins
    old = {key: setting.value for key, setting in wanted.items()}
    new = ("train_file", "validation_file", "test_file", "group_column", "delimiter", "header")
    old = {key: value for key, value in old.items() if key not in new}
    old |= {"text_column": "text", "label_column": "label", "quotes": "csv"}
    assert same_settings(wanted, old)
    assert not same_settings(wanted, old | {"text_column": "utterance"})
    given = wanted | {"text_column": Setting("text", "flag")}
    assert not same_settings(given, old | {"text_column": "u"})
