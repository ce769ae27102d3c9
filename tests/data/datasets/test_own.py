"""A user's own data: every format, missing splits, the hub; bad data is refused with file, line and remedy."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.columns import Columns
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.own_files import load_path
from tests.support import hub_server

COLUMNS = Columns("text", "label")
ROWS = [(f"text {n}, with a comma", label) for n in range(30) for label in ("joy", "fear")]


def write(path: Path, rows=ROWS, columns=("text", "label")) -> Path:
    """Rows in the format of the path's ending."""
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.table({name: [row[i] for row in rows] for i, name in enumerate(columns)}), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
    else:
        mark = {".csv": ",", ".tsv": "\t"}[path.suffix]
        quoted = [
            mark.join(f'"{cell}"' if mark in str(cell) else str(cell) for cell in row) for row in [columns, *rows]
        ]
        path.write_text("\n".join(quoted) + "\n")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_reads_the_same(tmp_path, suffix):
    for split in SPLITS:
        write(tmp_path / "own" / f"{split}{suffix}")
    data = load_path(tmp_path / "own", COLUMNS, 0)
    assert data.labels == ("fear", "joy")
    assert data.splits["test"]["text"][:] == [text for text, _ in ROWS]
    assert [data.labels[label] for label in data.splits["test"]["label"][:]] == [label for _, label in ROWS]


def test_other_columns_can_be_named(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", str(n % 2), "x") for n in range(40)], ("utterance", "emotion", "more"))
    assert load_path(tmp_path / "train.csv", Columns("utterance", "emotion"), 0).labels == ("0", "1")


def test_labels_txt_names_numbers(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", n % 2) for n in range(40)])
    (tmp_path / "labels.txt").write_text("joy\nfear\n")
    data = load_path(tmp_path, COLUMNS, 0)
    assert data.labels == ("joy", "fear")
    write(tmp_path / "train.csv", [(f"t{n}", n % 3) for n in range(40)])
    with pytest.raises(DataError, match=r"line 4: the label '2' isn't one of 0, 1, joy, fear"):
        load_path(tmp_path, COLUMNS, 0)


def test_a_line_of_labels_txt_ends_where_a_line_ends(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", n % 2) for n in range(40)])
    (tmp_path / "labels.txt").write_text("joy\u2028ful\r\nfear\x0b!\r\n", newline="")
    assert load_path(tmp_path, COLUMNS, 0).labels == ("joy\u2028ful", "fear\x0b!")


@pytest.mark.parametrize("twin", ["cafe\u0301", "caf\xe9\u200b", "\uff43af\xe9"])
def test_labels_that_look_alike_are_told_and_not_made_two_classes(tmp_path, twin):
    write(tmp_path / "train.csv", [(f"t{n}", ("caf\xe9", twin)[n % 2]) for n in range(40)])
    with pytest.raises(DataError, match=r"labels must look different, but '.*' and '.*' don't; write them alike"):
        load_path(tmp_path, COLUMNS, 0)


def test_numbers_are_labels_by_value_and_never_taken_for_positions(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", (1, 2, 10)[n % 3]) for n in range(60)])
    assert load_path(tmp_path, COLUMNS, 0).labels == ("1", "2", "10")
    write(tmp_path / "test.csv", [("t", 0)])
    with pytest.raises(DataError, match=r"the label '0' isn't one of 1, 2, 10"):
        load_path(tmp_path, COLUMNS, 0)


def test_missing_splits_are_cut_stratified_by_seed(tmp_path):
    long_tail = [(f"t{n}", "common") for n in range(90)] + [(f"r{n}", "rare") for n in range(3)]
    write(tmp_path / "train.csv", long_tail)
    first, again, other = (load_path(tmp_path / "train.csv", COLUMNS, seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    texts = [text for split in SPLITS for text in first.splits[split]["text"][:]]
    assert sorted(texts) == sorted(text for text, _ in long_tail)
    counts = {split: Counter(first.splits[split]["label"][:]) for split in SPLITS}
    assert counts == {"train": {0: 72, 1: 1}, "validation": {0: 9, 1: 1}, "test": {0: 9, 1: 1}}


def of_each_split(data) -> dict[str, Counter]:
    """How often each text, whatever its case and white space, stands in each split."""
    return {
        split: Counter(" ".join(text.lower().split()) for text in data.splits[split]["text"][:]) for split in SPLITS
    }


@pytest.mark.parametrize("given", [[], ["validation"], ["test"]], ids=["neither", "validation", "test"])
@pytest.mark.parametrize("seed", range(4))
def test_equal_texts_are_cut_into_one_split_whatever_their_labels(tmp_path, seed, given):
    thrice = [(f"said {n}", label) for n in range(20) for label in ("anger", "joy", "fear")]
    again = [(f"  Said  {n}", "joy") for n in range(0, 20, 3)] + [("ok", "joy")] * 30
    rare = [(f"said {n}", "grief") for n in range(3)]  # each of its texts stands under other labels too
    write(tmp_path / "train.csv", thrice + again + rare)
    for split in given:
        write(tmp_path / f"{split}.csv", [("other", label) for label in ("anger", "joy", "fear", "grief")])
    data = load_path(tmp_path, COLUMNS, seed)
    texts = of_each_split(data)
    assert sum(sum(texts[split].values()) for split in SPLITS) == 100 + 4 * len(given)
    for split in {"validation", "test"} - {*given}:
        assert not texts["train"].keys() & texts[split].keys()
        assert set(data.splits[split]["label"][:]) == {0, 1, 2, 3}
        assert 6 <= len(data.splits[split]) <= 14  # about a tenth
    assert not texts["validation"].keys() & texts["test"].keys() - {"other"}
    assert set(data.splits["train"]["label"][:]) == {0, 1, 2, 3}
    assert texts["train"]["ok"] == 30  # larger than a tenth of its class


@pytest.mark.slow
def test_the_cut_is_a_function_of_rows_and_seed_alone(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n % 50}", "abc"[n % 3]) for n in range(120)])
    code = (
        "import sys; from pathlib import Path; from fecbench.data.datasets.own_files import load_path; "
        "from fecbench.data.datasets.columns import Columns; print(load_path(Path(sys.argv[1]), "
        "Columns('text', 'label'), 3).fingerprint)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    found = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True).stdout
        for seed in "12"
    }
    assert found == {load_path(tmp_path, COLUMNS, 3).fingerprint + "\n"}


def test_texts_that_hold_what_parts_rows_in_a_digest_are_other_texts(tmp_path):
    fingerprints = set()
    for number, texts in enumerate((["a\x1eb", "c"], ["a", "b\x1ec"], ["a\x10rb", "c"])):
        lines = [{"text": text, "label": label} for label in ("sad", "glad") for text in (*texts, "x", "y")]
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        fingerprints.add(load_path(tmp_path / f"{number}.jsonl", COLUMNS, 0).fingerprint)
    assert len(fingerprints) == 3


def test_given_splits_are_kept_as_they_are(tmp_path):
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", ROWS[:4])
    data = load_path(tmp_path, COLUMNS, 0)
    assert data.splits["test"]["text"][:] == [text for text, _ in ROWS[:4]]
    assert len(data.splits["train"]) + len(data.splits["validation"]) == len(ROWS)


GOOD = "text,label\na b,x\nc d,y\ne f,x\ng h,y\ni j,x\nk l,y\nm n,x\no p,y\n"
BAD = {
    "a missing column": (
        {"train.csv": "utterance,label\na,x\n"},
        r"train\.csv, line 2: the column 'text' is missing.*--text-column",
    ),
    "an empty text": ({"train.csv": GOOD + "  ,x\n"}, r"train\.csv, line 10: the text must not be empty"),
    "an empty label": (
        {"train.csv": GOOD + "q r, \n"},
        r"train\.csv, line 10: the label must be one name or whole number",
    ),
    "a short row": ({"train.csv": GOOD + "q r\n"}, r"train\.csv, line 10: 2 columns are needed, found 1; quote texts"),
    "a long row": (
        {"train.csv": GOOD + "q, r,x\n"},
        r"train\.csv, line 10: 2 columns are needed, found 3; quote texts",
    ),
    "an open quote": (
        {"train.csv": GOOD + '"q r,x\n'},
        r"train\.csv, line 10: a quote opens a cell here and never closes; check the quotes, or give --quotes plain",
    ),
    "an unknown label": (
        {"train.csv": GOOD, "test.csv": "text,label\na,z\n"},
        r"test\.csv, line 2: the label 'z' isn't one of x, y",
    ),
    "one class only": (
        {"train.csv": "text,label\n" + "".join(f"{n},x\n" for n in range(9))},
        r"at least two labels are needed, found \['x'\]",
    ),
    "a class that train lacks": (
        {"train.csv": GOOD, "labels.txt": "x\ny\nz\n"},
        r"train must hold every class, but has no row of z",
    ),
    "no row": ({"train.csv": "text,label\n"}, r"train must hold at least one row"),
    "an empty file": ({"train.csv": ""}, r"train must hold at least one row"),
    "too few rows to cut": (
        {"train.csv": "text,label\na,x\nb,y\nc,y\nd,y\n"},
        r"every class needs at least 3 training rows, but 'x' has 1 \(.*train\.csv, line 2\)",
    ),
    "too few texts to cut": (
        {"train.csv": "text,label\n" + "a,x\nb,x\nA,x\n b ,x\n" + "c,y\nd,y\ne,y\n"},
        r"every class needs training rows of at least 3 different texts, but 'x' has 2",
    ),
    "a line that is no JSON": (
        {"train.jsonl": '{"text": "a", "label": "x"}\n{"text"\n'},
        r"train\.jsonl, line 2: every line must be a JSON",
    ),
    "a line that is a list": (
        {"train.jsonl": '["a", "x"]\n'},
        r"train\.jsonl, line 1: every line must be a JSON object, found list",
    ),
    "a label that is a list": (
        {"train.jsonl": '{"text": "a", "label": ["x"]}\n'},
        r"line 1: the label must be one name or whole number",
    ),
    "a label that is a float": (
        {"train.jsonl": '{"text": "a", "label": 1.5}\n'},
        r"line 1: the label must be one name or whole number",
    ),
    "no Parquet": ({"train.parquet": "text"}, r"train\.parquet must be a readable Parquet file"),
    "two training files": (
        {"train.csv": GOOD, "train.tsv": GOOD},
        r"one train file is needed, found train\.csv, train\.tsv",
    ),
    "no training file": ({"test.csv": GOOD}, r"must hold a training file \(train\.csv"),
    "numbers from 1, one of them long": (
        {"train.csv": f"text,label\na b,1\nc d,{'2' * 5000}\n", "labels.txt": "x\ny\n"},
        r"labels that are numbers must count from 0, which is 'x' here, but no row has a 0 \(they go from 1 to 22",
    ),
    "a repeated label name": (
        {"train.csv": GOOD, "labels.txt": "x\nx\n"},
        r"labels\.txt must name each label once, but names 'x' 2 times",
    ),
}


@pytest.mark.parametrize(("files", "message"), BAD.values(), ids=BAD)
def test_bad_data_is_told_with_file_line_and_remedy(tmp_path, files, message):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises((DataError, DataNotFound), match=message):
        load_path(tmp_path, COLUMNS, 0)


def test_wrong_encoding_names_the_line(tmp_path):
    (tmp_path / "train.csv").write_bytes(b"text,label\nfine,x\nna\xefve,y\n")
    with pytest.raises(DataError, match=r"train\.csv, line 3: the file must be UTF-8.*save it as UTF-8"):
        load_path(tmp_path, COLUMNS, 0)


def test_a_byte_order_mark_and_odd_texts_are_fine(tmp_path):
    texts = [
        "emoji \U0001f600",
        "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
        "\u4f60\u597d\u4e16\u754c",
        "line\u2028separator",
        'a "quoted" word',
    ] * 4
    quoted = [text.replace('"', '""') for text in texts]
    content = "text,label\n" + "".join(f'"{text}",{"xy"[n % 2]}\n' for n, text in enumerate(quoted))
    (tmp_path / "train.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
    data = load_path(tmp_path, COLUMNS, 0)
    assert sorted(text for split in SPLITS for text in data.splits[split]["text"][:]) == sorted(texts)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(DataNotFound, match="doesn't exist; give a folder"):
        load_path(tmp_path / "nothing", COLUMNS, 0)
    (tmp_path / "train.txt").write_text("a")
    with pytest.raises(
        DataError, match=r"the format must be one of \.csv, \.tsv, \.jsonl, \.json, \.parquet, found \.txt"
    ):
        load_path(tmp_path / "train.txt", COLUMNS, 0)


@pytest.fixture
def hub(tmp_path):
    """A hub on loopback: its folder, and a function that calls the command line with it."""
    root = tmp_path / "hub"
    root.mkdir()
    server = subprocess.Popen(
        [sys.executable, hub_server.__file__, str(root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    endpoint = server.stdout.readline().strip()
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    environment.pop("HF_HUB_OFFLINE")

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *(arguments if arguments[0] == "-c" else ("-m", "fecbench", *arguments))]
        return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)

    yield root, call
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.mark.slow
def test_hub_data_and_hub_encoder_end_to_end(hub, tokenizer):
    from transformers import BertConfig, BertModel

    root, call = hub
    write(root / "datasets" / "them" / "moods" / "train.csv", [(t, la) for t, la in ROWS], ("utterance", "emotion"))
    folder = root / "models" / "them" / "tiny"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    command = ["run", "ce", "--dataset", "hf:them/moods", "--encoder", "them/tiny", "--epochs", "1", "--json"]
    missing = call(*command)
    assert missing.returncode == 1
    assert (
        "hf:them/moods, train row 0: the column 'text' is missing, found utterance, emotion; name yours with "
        "--text-column" in missing.stderr
    )
    found = call(*command, "--text-column", "utterance", "--label-column", "emotion")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["dataset"] == "hf:them/moods"
    nobody = call("run", "ce", "--dataset", "hf:them/nothing", "--encoder", "them/tiny")
    assert nobody.returncode == 1
    assert "hf:them/nothing" in nobody.stderr
    assert "Traceback" not in nobody.stderr


@pytest.mark.slow
def test_neither_a_hub_data_sets_code_nor_a_hub_encoders_pickle_runs(hub, tokenizer, tmp_path):
    import torch
    from transformers import BertConfig, BertModel

    root, call = hub
    marker, script = tmp_path / "it ran", root / "datasets" / "them" / "coded" / "coded.py"
    script.parent.mkdir(parents=True)
    script.write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n")
    coded = call("run", "ce", "--dataset", "hf:them/coded", "--encoder", "tiny-bert")
    assert (coded.returncode, "hf:them/coded can't be loaded" in coded.stderr, "Traceback" in coded.stderr) == (
        1,
        True,
        False,
    )
    folder = root / "models" / "them" / "pickled"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    network = BertModel(BertConfig(vocab_size=len(tokenizer), **sizes))
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    pickled = call("run", "ce", "--dataset", "demo", "--encoder", "them/pickled", "--epochs", "1")
    assert pickled.returncode == 1
    assert "its weights must be safetensors" in pickled.stderr
    assert not marker.exists()


GE_FROM_HUB = """
from fecbench import Places
from fecbench.data.datasets.builtin.goemotions import GoEmotions
data = GoEmotions(pins={}).load(Places())
rows = {name: zip(split["text"][:], split["label"][:]) for name, split in data.splits.items()}
print({name: [(text, data.labels[label]) for text, label in pairs] for name, pairs in rows.items()})
"""


@pytest.mark.slow
def test_ge_comes_from_the_hubs_simplified_config(hub):
    """The config's own files at the pinned revision, without rows that have two labels or neutral."""
    import pyarrow
    from pyarrow import parquet

    root, call = hub
    folder = root / "datasets" / "google-research-datasets" / "go_emotions"
    folder.mkdir(parents=True)
    files = "\n".join(f"  - split: {split}\n    path: {split}.parquet" for split in ("train", "validation", "test"))
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: simplified\n  data_files:\n{files}\n---\n")
    for split in ("train", "validation", "test"):
        rows = {"text": [f"thanks {split}", "both", "neutral"], "labels": [[15], [1, 2], [27]], "id": ["a", "b", "c"]}
        parquet.write_table(pyarrow.table(rows), folder / f"{split}.parquet")
    done = call("-c", GE_FROM_HUB)
    assert done.returncode == 0, done.stderr[-2000:]
    assert eval(done.stdout) == {split: [(f"thanks {split}", "gratitude")] for split in ("train", "validation", "test")}


@pytest.mark.parametrize("address", ["moods", "a/b/c", "a/b:c d", "a/b@"])
def test_a_hub_address_has_a_form(fecbench, address):
    code, _, err = fecbench("run", "ce", "--dataset", f"hf:{address}")
    assert code == 2
    assert "a hub data set is written hf:owner/name[:config][@revision]" in err


def test_hub_data_offline_says_so_in_one_sentence(fecbench):
    code, _, err = fecbench("run", "ce", "--dataset", "hf:owner/name")
    assert code == 1
    assert (
        "hf:owner/name isn't on this machine, and HF_HUB_OFFLINE is set; connect, or give a path or a named set" in err
    )


def test_further_text_columns_are_kept_where_every_row_has_them(tmp_path):
    rows = [(f"t{n}", "xy"[n % 2], f"paraphrase {n}", "" if n == 3 else "z") for n in range(40)]
    write(tmp_path / "train.csv", rows, ("text", "label", "aug_text", "note"))
    data = load_path(tmp_path / "train.csv", COLUMNS, 0)
    assert data.columns == ["text", "aug_text", "label"]
    assert all(row["aug_text"].split()[1] == row["text"][1:] for split in SPLITS for row in data.splits[split])
    write(tmp_path / "test.csv", [("t", "x"), ("u", "y")])
    data = load_path(tmp_path, COLUMNS, 0)  # paraphrases are used in training alone
    assert data.columns == ["text", "aug_text", "label"]
    assert data.splits["test"].column_names == ["text", "label"]


def test_a_column_named_twice_is_refused(tmp_path):
    (tmp_path / "train.csv").write_text("text,text,label\na,b,glad\n")
    with pytest.raises(
        DataError, match=r"train\.csv, line 1: every column must be named once, but 'text' appears twice"
    ):
        load_path(tmp_path / "train.csv", COLUMNS, 0)


def test_a_hub_name_never_falls_through_to_a_folder(tmp_path, monkeypatch):
    from fecbench.data.datasets.hub import load_hub

    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=r"hf:owner/name names the hub, but a folder owner/name is here .* give it as \./owner/name"
    ):
        load_hub("owner/name", COLUMNS, 0)


def test_whole_numbers_are_ordered_by_value_and_ties_by_how_they_are_written():
    from fecbench.data.datasets.label_names import ordered

    assert ordered({"10", "9", "1", "01", "0"}) == ("0", "01", "1", "9", "10")


def test_a_folder_named_like_a_data_set_is_not_taken_for_it(tmp_path):
    write(tmp_path / "ge" / "train.csv", [(f"{text} {n}", label) for n in range(10) for text, label in ROWS])
    assert load_path(tmp_path / "ge", COLUMNS, 0).name == "ge (own)"
