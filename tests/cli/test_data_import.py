"""``fecbench data import``: what is written loads to the same rows without any option, or nothing is written."""

import json
import tomllib

import pyarrow
import pytest
from pyarrow import parquet

from fecbench.core.settings import RunSettings
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations

ROWS = [(f"text {n}, with a comma", label) for n in range(12) for label in ("sadness", "joy", "anger")]


def load(folder, **settings):
    return load_dataset(RunSettings(dataset=str(folder), **settings), DataLocations())


def write(path, rows=ROWS, head="text,label", mark=","):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [mark.join(f'"{cell}"' if mark in str(cell) else str(cell) for cell in row) for row in rows]
    path.write_text("\n".join([*([head] if head else []), *lines]) + "\n", encoding="utf-8")
    return path


def test_a_folder_is_written_as_parquet_and_loads_to_equal_rows(fecbench, toy, tmp_path):
    code, out, err = fecbench("data", "import", toy, "--to", tmp_path / "mine")
    assert code == 0, err
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "dataset.toml",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]
    before, after = load(toy), load(tmp_path / "mine")
    assert (after.fingerprint, after.labels, after.notes) == (before.fingerprint, before.labels, before.notes)
    assert "3 labels: glad, mad, sad" in out
    assert ["train", "60"] in [line.split() for line in out.splitlines()]
    assert "fecbench run ce --dataset" in out


def test_what_flags_choose_needs_no_flag_afterwards(fecbench, tmp_path):
    write(tmp_path / "raw" / "my_train.csv", [(label, text, 1) for text, label in ROWS], "", ";")
    write(tmp_path / "raw" / "my_test.csv", [(label, f"{text} t", 1) for text, label in ROWS], "", ";")
    flags = ("--no-header", "--delimiter", ";", "--text-column", 2, "--label-column", 1)
    code, _, err = fecbench("data", "import", tmp_path / "raw", *flags, "--to", tmp_path / "mine")
    assert code == 0, err
    before = load(tmp_path / "raw", header=False, delimiter=";", text_column="2", label_column="1")
    assert load(tmp_path / "mine").fingerprint == before.fingerprint


def test_files_are_those_of_the_splits_in_their_names(fecbench, tmp_path, monkeypatch):
    write(tmp_path / "raw" / "train_sent_emo.csv")
    write(tmp_path / "other" / "dev_sent_emo.csv", ROWS[:6])
    write(tmp_path / "raw" / "test_sent_emo.csv", ROWS[6:12])
    monkeypatch.chdir(tmp_path / "raw")
    code, out, err = fecbench(
        "data",
        "import",
        "train_sent_emo.csv",
        "../other/dev_sent_emo.csv",
        "test_sent_emo.csv",
        "--to",
        "../mine",
        "--json",
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["rows"] == {"train": 36, "validation": 6, "test": 6}
    assert found["labels"] == ["anger", "joy", "sadness"]
    assert load(tmp_path / "mine").fingerprint == found["fingerprint"]


@pytest.mark.parametrize(
    ("names", "finding"),
    [
        (["train.csv", "more.csv"], "more.csv has none of them"),
        (["train.csv", "train_test.csv"], "train_test.csv has train and test"),
        (["train.csv", "my_train.csv"], "train.csv and my_train.csv are both for train"),
        (["dev.csv", "test.csv"], "a training file is needed, but the files are for validation and test"),
        (["train.csv", "nowhere_test.csv"], "nowhere_test.csv must be a file"),
    ],
)
def test_several_files_that_are_no_splits_are_refused(fecbench, tmp_path, names, finding):
    for name in names:
        if "nowhere" not in name:
            write(tmp_path / name)
    code, _, err = fecbench("data", "import", *(tmp_path / name for name in names), "--to", tmp_path / "mine")
    assert code in (1, 2)
    assert finding in err
    assert not (tmp_path / "mine").exists()


def test_a_single_file_of_the_working_folder_needs_no_path(fecbench, tmp_path, monkeypatch):
    write(tmp_path / "emotions.csv")
    monkeypatch.chdir(tmp_path)
    code, out, err = fecbench("data", "import", "emotions.csv", "--to", "mine", "--json")
    assert code == 0, err
    assert json.loads(out)["rows"] == {"train": 36}


def test_missing_splits_are_cut_on_request_alone(fecbench, tmp_path):
    file = write(tmp_path / "emotions.csv")
    assert fecbench("data", "import", file, "--to", tmp_path / "whole")[0] == 0
    assert not (tmp_path / "whole" / "test.parquet").exists()
    # a run cuts the same rows from what was imported as from the file
    for seed in (0, 3):
        assert load(tmp_path / "whole", split_seed=seed).fingerprint == load(file, split_seed=seed).fingerprint
    code, _, err = fecbench("data", "import", file, "--to", tmp_path / "cut", "--cut-missing", "--split-seed", 3)
    assert code == 0, err
    cut = load(tmp_path / "cut")
    assert cut.cut == ()
    assert cut.fingerprint == load(file, split_seed=3).fingerprint


def test_folds_are_written_only_where_splits_are_cut(fecbench, tmp_path):
    file = write(tmp_path / "emotions.csv")
    code, _, err = fecbench("data", "import", file, "--to", tmp_path / "mine", "--folds", 3)
    assert (code, "needs --cut-missing" in err) == (2, True)
    code, _, err = fecbench(
        "data", "import", file, "--to", tmp_path / "mine", "--folds", 3, "--fold", 1, "--cut-missing"
    )
    assert code == 0, err
    assert load(tmp_path / "mine").fingerprint == load(file, folds=3, fold=1).fingerprint


def test_what_describes_the_data_is_carried_over(fecbench, tmp_path):
    write(tmp_path / "raw" / "train.csv", [(*row, f"id{n}", f"d{n % 9}") for n, row in enumerate(ROWS)], "t,l,key,talk")
    (tmp_path / "raw" / "dataset.toml").write_text(
        'title = "A \\"quoted\\" title"\nlicence = "CC0"\nhomepage = "https://example.org"\nlanguage = "en"\n'
        'citation = "Somebody 2020"\nmetric = "macro_f1"\nnote = "a note"\n[files]\ntrain = "train.csv"\n'
        '[columns]\ntext = "t"\nlabel = "l"\nid = "key"\ngroup = "talk"\n'
        '[labels]\nnames = ["sadness", "joy", "anger"]\nmap = { good = ["joy"] }\n'
        '[labels.descriptions]\ngood = "being happy"\n'
    )
    code, _, err = fecbench("data", "import", tmp_path / "raw" / "dataset.toml", "--to", tmp_path / "mine")
    assert code == 0, err
    content = tomllib.loads((tmp_path / "mine" / "dataset.toml").read_text(encoding="utf-8"))
    assert content["title"] == 'A "quoted" title'
    assert content["columns"] == {"id": "id", "group": "group"}
    assert content["labels"]["descriptions"] == {"good": "being happy"}
    table = parquet.read_table(tmp_path / "mine" / "train.parquet")
    assert table.column("id")[0].as_py() == "id0"
    assert set(table.column("label").to_pylist()) == {"sadness", "good", "anger"}
    before, after = load(tmp_path / "raw"), load(tmp_path / "mine")
    assert (after.fingerprint, after.labels, after.info.title, after.info.licence, after.info.note) == (
        before.fingerprint, before.labels, before.info.title, before.info.licence, before.info.note
    )  # fmt: skip
    for key in ("language", "citation", "metric", "homepage"):
        assert getattr(after.info, key) == getattr(before.info, key) != ""


def test_data_without_a_title_gets_none(fecbench, toy, tmp_path):
    assert fecbench("data", "import", toy, "--to", tmp_path / "mine")[0] == 0
    content = tomllib.loads((tmp_path / "mine" / "dataset.toml").read_text(encoding="utf-8"))
    assert set(content) == {"files", "labels"}
    assert load(tmp_path / "mine").info.title == load(toy).info.title


def test_labels_whose_names_are_numbers_keep_them(fecbench, tmp_path):
    write(
        tmp_path / "raw" / "train.csv",
        [(text, {"joy": "2", "anger": "10", "sadness": "1"}[label]) for text, label in ROWS],
    )
    code, _, err = fecbench("data", "import", tmp_path / "raw", "--to", tmp_path / "mine")
    assert code == 0, err
    before, after = load(tmp_path / "raw"), load(tmp_path / "mine")
    assert (after.labels, after.fingerprint) == (before.labels, before.fingerprint)


def test_a_test_split_without_labels_stays_one(fecbench, tmp_path):
    write(tmp_path / "raw" / "train.csv")
    write(tmp_path / "raw" / "test.csv", [(f"unseen {n}", "") for n in range(5)])
    code, _, err = fecbench("data", "import", tmp_path / "raw", "--to", tmp_path / "mine")
    assert code == 0, err
    assert parquet.read_table(tmp_path / "mine" / "test.parquet").column_names == ["text"]
    before, after = load(tmp_path / "raw"), load(tmp_path / "mine")
    assert after.unlabelled["text"][:] == before.unlabelled["text"][:]
    assert after.fingerprint == before.fingerprint


def test_groups_of_a_test_split_without_labels_are_written(fecbench, tmp_path):
    write(tmp_path / "raw" / "train.csv", [(*row, f"s{n // 3}") for n, row in enumerate(ROWS)], "text,label,speaker")
    write(tmp_path / "raw" / "test.csv", [(f"unseen {n}", "", f"t{n // 2}") for n in range(5)], "text,label,speaker")
    code, _, err = fecbench("data", "import", tmp_path / "raw", "--group-column", "speaker", "--to", tmp_path / "mine")
    assert code == 0, err
    before, after = load(tmp_path / "raw", group_column="speaker"), load(tmp_path / "mine")
    assert after.unlabelled["group"][:] == ["t0", "t0", "t1", "t1", "t2"]
    assert after.fingerprint == before.fingerprint


def test_an_id_that_only_train_has_is_written(fecbench, tmp_path):
    write(tmp_path / "raw" / "train.csv", [(*row, f"r{n}") for n, row in enumerate(ROWS)], "text,label,id")
    write(tmp_path / "raw" / "test.csv", [(f"{text} t", label) for text, label in ROWS])
    code, _, err = fecbench("data", "import", tmp_path / "raw", "--to", tmp_path / "mine")
    assert code == 0, err
    assert load(tmp_path / "mine").fingerprint == load(tmp_path / "raw").fingerprint


def test_a_registered_set_is_written_too(fecbench, tmp_path):
    code, _, err = fecbench("data", "import", "demo", "--to", tmp_path / "demo-copy")
    assert code == 0, err
    after = load(tmp_path / "demo-copy")
    assert after.fingerprint == load("demo").fingerprint
    assert after.descriptions == load("demo").descriptions


def test_a_second_view_is_kept(fecbench, tmp_path):
    rows = [(text, text.upper(), label) for text, label in ROWS]
    write(tmp_path / "raw" / "train.csv", rows, "text,aug_text,label")
    assert fecbench("data", "import", tmp_path / "raw", "--to", tmp_path / "mine")[0] == 0
    assert load(tmp_path / "mine").columns == load(tmp_path / "raw").columns
    assert load(tmp_path / "mine").fingerprint == load(tmp_path / "raw").fingerprint


def test_nothing_is_left_behind_after_a_mistake(fecbench, tmp_path):
    write(tmp_path / "raw" / "train.csv", [*ROWS, ("no label", "")])
    here = sorted(path.name for path in tmp_path.iterdir())
    code, _, err = fecbench("data", "import", tmp_path / "raw", "--to", tmp_path / "mine")
    assert (code, "line 38" in err) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == here


def test_only_a_new_or_empty_folder_is_written_to(fecbench, toy, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    code, _, err = fecbench("data", "import", toy, "--to", tmp_path / "mine")
    assert (code, "must be new or empty, but holds notes.txt" in err) == (2, True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_rows_are_written_in_chunks(fecbench, tmp_path, monkeypatch):
    from fecbench.data.datasets import write as writing

    monkeypatch.setattr(writing, "CHUNK", 10)
    file = tmp_path / "emotions.parquet"
    parquet.write_table(
        pyarrow.table({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}), file
    )
    code, _, err = fecbench("data", "import", file, "--to", tmp_path / "mine")
    assert code == 0, err
    assert parquet.ParquetFile(tmp_path / "mine" / "train.parquet").num_row_groups == 4


def test_the_next_command_can_be_copied(fecbench, toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, out, _ = fecbench("data", "import", toy, "--to", "imp 2")
    assert out.endswith("train on it: fecbench run ce --dataset './imp 2'\n")
