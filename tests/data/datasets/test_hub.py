"""Data sets and encoders from a hub on loopback: no code and no pickle of theirs runs."""

import json

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.loopback_hub import loopback_hub
from tests.support.own_data import COLUMNS, ROWS, write
from tests.support.several import answers


@pytest.fixture
def hub(tmp_path):
    """A hub on loopback: its folder, and a function that runs Python code in a process that asks it."""
    with loopback_hub(tmp_path) as hub:
        yield hub


@pytest.mark.slow
def test_hub_data_and_hub_encoder_end_to_end(hub, tokenizer):
    from transformers import BertConfig, BertModel

    root, python = hub
    write(root / "datasets" / "them" / "moods" / "train.csv", [(t, la) for t, la in ROWS], ("utterance", "emotion"))
    folder = root / "models" / "them" / "tiny"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    command = ["run", "ce", "--dataset", "hf:them/moods", "--encoder", "them/tiny", "--epochs", "1", "--json"]
    missing, found, nobody = answers(
        python,
        command,
        [*command, "--text-column", "utterance", "--label-column", "emotion"],
        ["run", "ce", "--dataset", "hf:them/nothing", "--encoder", "them/tiny"],
    )
    assert missing.code == 1
    assert (
        "hf:them/moods, train row 0: the column 'text' is missing, found utterance, emotion; name yours with "
        "--text-column" in missing.err
    )
    assert found.code == 0, found.err
    assert json.loads(found.out)["dataset"] == "hf:them/moods"
    assert nobody.code == 1
    assert "hf:them/nothing" in nobody.err
    assert "Traceback" not in nobody.err


@pytest.mark.slow
def test_neither_a_hub_data_sets_code_nor_a_hub_encoders_pickle_runs(hub, tokenizer, tmp_path):
    import torch
    from transformers import BertConfig, BertModel

    root, python = hub
    marker, script = tmp_path / "it ran", root / "datasets" / "them" / "coded" / "coded.py"
    script.parent.mkdir(parents=True)
    script.write_text(f"from pathlib import Path\nPath({str(marker)!r}).touch()\n")
    folder = root / "models" / "them" / "pickled"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    network = BertModel(BertConfig(vocab_size=len(tokenizer), **sizes))
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    coded, pickled = answers(
        python,
        ["run", "ce", "--dataset", "hf:them/coded", "--encoder", "tiny-bert"],
        ["run", "ce", "--dataset", "demo", "--encoder", "them/pickled", "--epochs", "1"],
    )
    assert (coded.code, "hf:them/coded can't be loaded" in coded.err, "Traceback" in coded.err) == (1, True, False)
    assert pickled.code == 1
    assert "its weights must be safetensors" in pickled.err
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

    root, python = hub
    folder = root / "datasets" / "google-research-datasets" / "go_emotions"
    folder.mkdir(parents=True)
    files = "\n".join(f"  - split: {split}\n    path: {split}.parquet" for split in ("train", "validation", "test"))
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: simplified\n  data_files:\n{files}\n---\n")
    for split in ("train", "validation", "test"):
        rows = {"text": [f"thanks {split}", "both", "neutral"], "labels": [[15], [1, 2], [27]], "id": ["a", "b", "c"]}
        parquet.write_table(pyarrow.table(rows), folder / f"{split}.parquet")
    rows = eval(python(GE_FROM_HUB))
    assert rows == {split: [(f"thanks {split}", "gratitude")] for split in ("train", "validation", "test")}


SETS_FROM_HUB = """
from fecbench.data.datasets.hub import load_hub
from fecbench.data.datasets.splits.missing_splits import SplitChoice
data = load_hub("them/sets", {}, SplitChoice(0))
sets = [[data.labels[number] for number in numbers] for numbers in data.splits["test"]["labels"][:]]
print((data.labelling, data.labels, sets))
"""


@pytest.mark.slow
def test_lists_of_classes_from_the_hub_are_several_labels(hub):
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    root, python = hub
    folder = root / "datasets" / "them" / "sets"
    folder.mkdir(parents=True)
    features = Features(text=Value("string"), labels=Sequence(ClassLabel(names=["joy", "love", "fear"])))
    for split in ("train", "validation", "test"):
        rows = {"text": [f"{split} {n}" for n in range(4)], "labels": [[0], [1, 0], [], [2]]}
        Dataset.from_dict(rows, features).to_parquet(folder / f"{split}.parquet")
    assert eval(python(SETS_FROM_HUB)) == (
        "multi",
        ("joy", "love", "fear"),
        [["joy"], ["joy", "love"], [], ["fear"]],
    )


@pytest.fixture
def downloaded(monkeypatch):
    """A function that puts a split in place of what the hub would give, three times."""

    def put(rows) -> None:
        splits = dict.fromkeys(("train", "validation", "test"), rows)
        monkeypatch.setattr("fecbench.data.datasets.hub.hub_rows", lambda *_: splits)

    return put


def test_label_columns_of_classes_from_the_hub_name_the_labels(downloaded):
    from datasets import ClassLabel, Dataset, Features, Value

    from fecbench.data.datasets.hub import load_hub

    is_so = ClassLabel(names=["no", "yes"])
    features = Features(text=Value("string"), toxic=is_so, threat=is_so, insult=is_so)
    rows = {"text": ["a", "b", "c", "d"], "toxic": [1, 0, 0, 0], "threat": [1, 1, 0, 0], "insult": [0, 0, 1, 0]}
    downloaded(Dataset.from_dict(rows, features))
    flags = {"label_columns": "toxic,threat,insult", "labelling": "multi"}
    data = load_hub("them/toxic", flags, SplitChoice(0))
    assert data.labels == ("insult", "threat", "toxic")
    assert data.splits["test"]["labels"][:] == [[1, 2], [1], [0], []]


def test_media_beside_the_texts_are_not_decoded(downloaded):
    import pyarrow as pa
    from datasets import Audio, Dataset, Features, Image, List, Value

    from fecbench.data.datasets.hub import load_hub

    features = Features(said=Audio(), text=Value("string"), label=Value("string"), seen=List(Image()))
    damaged = {"bytes": b"neither sound nor picture", "path": None}
    rows = {"said": [damaged] * 2, "text": ["a", "b"], "label": ["joy", "fear"], "seen": [[damaged]] * 2}
    downloaded(Dataset(pa.table(rows, schema=features.arrow_schema)))
    for flags in ({}, {"text_column": 2, "label_column": 3}):
        assert load_hub("them/film", flags, SplitChoice(0)).splits["train"]["text"][:] == ["a", "b"]


def test_rows_of_the_hub_that_cannot_be_decoded_are_told(downloaded):
    import pyarrow as pa
    from datasets import Dataset

    from fecbench.data.datasets.hub import load_hub

    times = pa.array([10**18], pa.timestamp("s"))  # beyond Python's last year
    downloaded(Dataset(pa.table({"text": ["a"], "label": ["joy"], "time": times})))
    with pytest.raises(DataError, match=r"hf:them/late, train must have rows that can be decoded, but \w+: "):
        load_hub("them/late", {}, SplitChoice(0))


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


def test_a_hub_name_never_falls_through_to_a_folder(tmp_path, monkeypatch):
    from fecbench.data.datasets.hub import load_hub

    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        DataError, match=r"hf:owner/name names the hub, but a folder owner/name is here .* give it as \./owner/name"
    ):
        load_hub("owner/name", COLUMNS, SplitChoice(0))
