"""Nothing that is read runs, steers page, table or terminal, or leaves the machine."""

import ast
import csv
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file

from fecbench.core.errors import EncoderError
from fecbench.core.module_path import children_without_working_directory
from fecbench.model.encoders.network import encoder_network
from fecbench.model.encoders.pretrained import Pretrained, read_config
from fecbench.runs.record import Record
from fecbench.runs.run_folder import sign
from tests.support import ROOT
from tests.support.records import unseal

SOURCES = [path for room in ("fecbench", "plugins") for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- sources

MODULES = {"pickle", "dill", "cloudpickle", "shelve", "marshal", "code"}
CALLS = re.compile(
    r"eval|exec|compile|__import__|os\.system|\w+\.read_pickle|.+\.(save_state|load_state)"
    r"|(torch|np|numpy|joblib)\.(load|save|dump)|yaml\.(unsafe_|full_)?load"
)
OPEN = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "weights_only": False}


def imported(tree: ast.AST) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Every call by the dotted name that is called."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keywords(call: ast.Call) -> dict[str, object]:
    return {key.arg: key.value.value for key in call.keywords if key.arg and isinstance(key.value, ast.Constant)}


def offences(source: str) -> list[str]:
    """What in a source could run what it reads, or would let a library do so."""
    tree = ast.parse(source)
    found = sorted(imported(tree) & MODULES)
    for name, call in calls(tree):
        given, (maker, _, how) = keywords(call), name.rpartition(".")
        found += [name] * bool(CALLS.fullmatch(name)) + [
            f"{name}: {key}" for key, value in OPEN.items() if given.get(key) is value
        ]
        if how in ("from_pretrained", "from_config") and given.get("trust_remote_code") is not False:
            found.append(f"{name} without trust_remote_code=False")
        if (
            how == "from_pretrained"
            and not re.search("Config|Tokenizer", maker)
            and given.get("use_safetensors") is not True
        ):
            found.append(f"{name} without use_safetensors=True")
    return found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import pickle", 1),
        ("from dill import loads", 1),
        ("torch.load(path)", 1),
        ("np.load(path, allow_pickle=True)", 2),
        ("accelerator.save_state()", 1),
        ("AutoModel.from_pretrained(path)", 2),
        ("AutoTokenizer.from_pretrained(path, trust_remote_code=flag)", 1),
        ("tomllib.load(file); module.compile(); module.eval(); json.load(file)", 0),
    ],
)
def test_this_search_finds(source, count):
    assert len(offences(source)) == count


def test_no_source_reads_what_could_run():
    assert {
        str(path.relative_to(ROOT)): found for path in SOURCES if (found := offences(path.read_text(encoding="utf-8")))
    } == {}


# ---- what is read


class Payload:
    """Makes a file once it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path) -> Path:
    return tmp_path / "it ran"


@pytest.fixture
def payloads(marker, tmp_path) -> list[bytes]:
    """A bare pickle and a torch file, either of which would make the marker."""
    torch.save(Payload(marker), tmp_path / "payload.pt")
    bare, file = pickle.dumps(Payload(marker)), (tmp_path / "payload.pt").read_bytes()
    for unpickle in (lambda: pickle.loads(bare), lambda: torch.load(io.BytesIO(file), weights_only=False)):
        unpickle()
        marker.unlink()  # raises where it wasn't made
    return [bare, file]


SMALL = ("--encoder", "tiny-bert", "--epochs", 1, "--batch-size", 16, "--device", "cpu")


def test_a_pickle_in_the_place_of_any_file_of_a_record_does_not_run(fecbench, toy, here, payloads, marker):
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "whole")[0] == 0
    names = sorted(path.relative_to(here / "whole") for path in (here / "whole").rglob("*") if path.is_file())
    assert {"run.json", "result.json", "history.jsonl", "best.safetensors", "predictions.safetensors"} <= {
        str(name) for name in names
    }
    for number, name in enumerate((*names, Path("last.safetensors"), Path("encoder/pytorch_model.bin"))):
        shutil.rmtree(here / "broken", ignore_errors=True)
        shutil.copytree(here / "whole", here / "broken")
        (here / "broken" / name).write_bytes(payloads[number % 2])
        for command in (["runs", here], ["leaderboard", here / "broken"], ["predict", here / "broken", "hello"]):
            fecbench(*command)
        (here / "broken" / "result.json").unlink()
        fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "broken", "--resume")
        assert not marker.exists(), name


def test_a_pickle_in_the_place_of_data_or_of_cached_tokens_does_not_run(
    fecbench, toy, here, payloads, marker, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "first")[0] == 0
    cached = [path for path in (here / "cache").rglob("*") if path.is_file()]
    assert cached
    for number, path in enumerate(cached):
        path.write_bytes(payloads[number % 2])
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--run-dir", here / "second")[0] == 0
    for number, suffix in enumerate((".csv", ".tsv", ".jsonl", ".parquet")):
        shutil.rmtree(here / "data", ignore_errors=True)
        (here / "data").mkdir()
        (here / "data" / f"train{suffix}").write_bytes(payloads[number % 2])
        code, _, err = fecbench("run", "ce", "--dataset", here / "data", *SMALL, "--run-dir", here / "third")
        assert code == 1, err
        assert "Traceback" not in err
    assert not marker.exists()


def test_a_pickled_type_in_a_parquet_file_does_not_run(fecbench, here, payloads, marker):
    """Arrow once unpickled the types of its own extension."""
    hidden = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": payloads[0]}
    texts = [f"text {number}" for number in range(40)]
    schema = pa.schema([pa.field("text", pa.string(), metadata=hidden), pa.field("label", pa.string())])
    rows = pa.table([pa.array(texts), pa.array(["glad", "sad"] * 20)], schema)
    parquet.write_table(rows, here / "rows.parquet")
    code, _, err = fecbench("run", "ce", "--dataset", here / "rows.parquet", *SMALL, "--run-dir", here / "run")
    assert code == 0, err
    assert not marker.exists()


CODE = (
    "from pathlib import Path\nPath({marker!r}).touch()\n"
    "from transformers import BertConfig, BertModel, BertTokenizer\n"
)
CUSTOM = (
    "class Config(BertConfig):\n    model_type = 'custom'\n\n\nclass Model(BertModel):\n    config_class = Config\n"
)
AUTO = {
    "AutoConfig": "custom.Config",
    "AutoModel": "custom.Model",
    "AutoModelForSequenceClassification": "custom.Model",
}


@pytest.fixture
def folder(here, source, tokenizer) -> Path:
    """A pretrained encoder's folder."""
    encoder_network(source()).save_pretrained(here / "encoder")
    tokenizer.save_pretrained(here / "encoder")
    return here / "encoder"


def edit(path: Path, **changed) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def test_pickled_weights_are_refused_whether_they_would_run_or_not(fecbench, folder, toy, here, payloads, marker):
    torch.save(load_file(folder / "model.safetensors"), here / "harmless.bin")
    (folder / "model.safetensors").unlink()
    for content in (*payloads, (here / "harmless.bin").read_bytes()):
        (folder / "pytorch_model.bin").write_bytes(content)
        code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
        assert code == 1
        assert "its weights must be safetensors" in err
        assert f"Auto.from_pretrained({str(folder)!r}).save_pretrained(FOLDER)" in err
    assert not marker.exists()


def test_custom_code_of_an_encoder_is_not_run_and_nobody_is_asked(fecbench, folder, toy, here, marker, monkeypatch):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    edit(folder / "config.json", model_type="custom", auto_map=AUTO)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\ny\n"))
    code, out, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
    assert code == 1
    assert (
        "must have an architecture that transformers includes, but comes with custom code, which fecbench doesn't run"
        in err
    )
    assert "[y/N]" not in out + err
    assert not marker.exists()


def test_custom_code_beside_a_known_architecture_is_left_alone(fecbench, folder, toy, here, marker, monkeypatch):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    edit(folder / "config.json", auto_map=AUTO, attn_implementation="somebody/kernel")
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "custom.Tokenizer"]})
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\ny\ny\n"))
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
    assert code == 0, err
    edit(here / "run" / "encoder" / "config.json", auto_map=AUTO, model_type="custom")
    shutil.copy(folder / "custom.py", here / "run" / "encoder")
    code, _, err = fecbench("predict", here / "run", "hello")
    assert code == 1
    assert "must be as this run wrote it" in err
    assert not marker.exists()


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Questions that were asked at the terminal; each is answered by yes."""
    questions: list[str] = []

    def answer(question: object = "") -> str:
        questions.append(str(question))
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    return questions


def composite(kind: str, folder: Path) -> dict:
    """The configuration of an architecture of several networks, one of which AutoModel lacks and brings code for."""
    from transformers import CONFIG_MAPPING

    custom = {
        "auto_map": dict.fromkeys(("AutoModel", "AutoModelForCausalLM"), "custom.Model"),
        "_name_or_path": str(folder),
    }
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "tie_word_embeddings": False,
    }
    text = {"model_type": "siglip_text_model", **small, **custom, "attn_implementation": "somebody/kernel"}
    vision = {"model_type": "clip_vision_model", **small, **custom}
    return {
        **CONFIG_MAPPING[kind](text_config=text, vision_config=vision).to_dict(),
        "text_config": text,
        "auto_map": AUTO,
    }


@pytest.mark.parametrize("kind", ["llava", "vipllava"])
def test_custom_code_of_a_part_of_an_encoder_is_not_run_and_nobody_is_asked(
    fecbench, folder, toy, here, marker, asked, kind
):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    (folder / "config.json").write_text(json.dumps(composite(kind, folder)))
    code, _, err = fecbench(
        "run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--head", "linear", "--run-dir", here / "run"
    )
    assert (code, asked) == (1, [])
    assert f"encoder {folder} " in err
    assert "Traceback" not in err
    assert not marker.exists()


def test_a_record_cannot_bring_code_in_a_part_of_its_encoder(fecbench, toy, here, marker, asked):
    assert fecbench("run", "ce", "--dataset", toy, *SMALL, "--head", "linear", "--run-dir", here / "run")[0] == 0
    unseal(here / "run")  # as a record that somebody made for the purpose
    encoder = here / "run" / "encoder"
    (encoder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    (encoder / "config.json").write_text(json.dumps(composite("llava", encoder)))
    for command in (["predict", here / "run", "hello"], ["export", here / "run", here / "out", "--format", "onnx"]):
        code, _, err = fecbench(*command)
        assert (code, asked) == (1, []), err
        assert "Traceback" not in err
    assert not marker.exists()


def test_nothing_that_names_code_is_left_at_any_depth(folder):
    part = composite("llava", folder)
    edit(
        folder / "config.json",
        **part,
        somewhere=[{"deep": {"auto_map": AUTO, "_attn_implementation": "somebody/kernel"}}],
    )
    read_config(folder).save_pretrained(folder / "copy")
    written = (folder / "copy" / "config.json").read_text()
    assert "auto_map" not in written
    assert "somebody/kernel" not in written


def test_quantised_weights_are_refused_before_a_kernel_is_looked_for(fecbench, folder, toy, here):
    edit(folder / "config.json", quantization_config={"quant_method": "mxfp4"})
    code, _, err = fecbench("run", "ce", "--dataset", toy, *SMALL, "--encoder", folder, "--run-dir", here / "run")
    assert code == 1
    assert "its weights are quantised (mxfp4)" in err


def test_custom_code_of_a_prompted_model_is_not_run_and_nobody_is_asked(fecbench, folder, toy, here, marker, asked):
    (folder / "custom.py").write_text(CODE.format(marker=str(marker)) + CUSTOM)
    edit(
        folder / "config.json",
        model_type="custom",
        auto_map={"AutoConfig": "custom.Config", "AutoModelForCausalLM": "custom.Model"},
    )
    flags = ("--backend", "hf", "--model", folder, "--limit", 4, "--run-dir", here / "run")
    code, _, err = fecbench("run", "llm-prompt", "--dataset", toy, *flags)
    assert (code, asked) == (1, [])
    assert f"--model {folder} must be a causal language model" in err
    assert not marker.exists()


def test_an_adapter_beside_an_encoder_is_refused_whether_peft_would_read_it_or_not(folder):
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "somebody/else"})
    )
    with pytest.raises(EncoderError, match=r"must be a whole network, but comes with an adapter .* merge it"):
        Pretrained(str(folder))([])


def test_a_tokenizer_reads_no_file_outside_its_folder(folder, here):
    """A path in a tokenizer's settings is no file of the folder."""
    shutil.copy(folder / "tokenizer.json", here / "secret.json")
    (folder / "tokenizer.json").unlink()
    edit(
        folder / "tokenizer_config.json", tokenizer_file=str(here / "secret.json"), vocab_file=str(here / "secret.json")
    )
    with pytest.raises(EncoderError, match="must hold an encoder that transformers can load"):
        Pretrained(str(folder))([])


# ---- paths

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


# ---- what is shown

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "=HYPERLINK(0)",
    "[red]bold[/red] [/]",
    "\x1b[31mansi\x1b[0m \x9b2J",
    "{{ 7 * 191 }}{% raw %}",
    r"\input{secret} $x$ & 5%",
    "parted\there\nforged 1.000\tline\u2028forged 1.000\u202e\u2066",
]
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORGED = re.compile(r"^\W*forged", re.MULTILINE)


DATA = "=1+1 [red]<b>x<b> []\nforged \u202e"


class Elements(HTMLParser):
    """Names of all elements of a page, and attributes that would run something."""

    def __init__(self, page: str):
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.fixture
def hostile(fecbench, here) -> Path:
    """Runs of two methods on data whose folder, labels and texts are markup for whoever may take it as such."""
    data = here / DATA
    data.mkdir()
    for split, count in (("train", 6), ("validation", 2), ("test", 3)):
        with (data / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["text", "label"])
            lines.writerows([f"{label} {split} {number}", label] for label in HOSTILE for number in range(count))
    for name in ("ce", "supcon"):
        code, out, err = fecbench(
            "run", name, "--dataset", f"./{data.name}", *SMALL, "--run-dir", here / "runs" / f"[blue]{name}"
        )
        assert code == 0, err
        assert not CONTROLS.search(out + err)
    return here / "runs"


def test_markup_in_data_labels_and_names_is_shown_and_steers_nothing(fecbench, hostile, here):
    runs = [str(hostile / f"[blue]{name}") for name in ("ce", "supcon")]
    printed = {}
    for command in (
        ["runs", hostile],
        ["predict", runs[0], *HOSTILE, "two\nlines\tand a tab"],
        ["predict", runs[0], *HOSTILE, "--json"],
        ["cases", *runs],
        ["cases", *runs, "--format", "markdown"],
        ["cases", *runs, "--format", "json"],
        *(
            ["leaderboard", hostile, "--format", form]
            for form in ("terminal", "markdown", "latex", "csv", "json", "html")
        ),
        ["data", "stats", here / DATA],
        ["export", runs[0], here / "model"],
        ["plot", "dynamics", runs[1], "--out", here / "dynamics.svg"],
        ["plot", "embeddings", *runs, "--rows", 20, "--out", here / "embeddings.svg"],
        ["run", "ce", "--dataset", "\x1b[2Jnowhere"],
    ):
        code, out, err = fecbench(*command)
        assert (code == 0) is (command[0] != "run"), err
        assert not CONTROLS.search(out + err), command
        if command[-1] != "html":  # whose lines mean nothing
            assert not FORGED.search("\n".join((out + err).splitlines())), command
        printed[" ".join(map(str, (command[0], command[-1])))] = out
    assert "<b>x<b> []" in printed[f"runs {hostile}"]
    assert "[red]bold[/red] [/]" in printed["predict two\nlines\tand a tab"]
    assert len(printed["predict two\nlines\tand a tab"].splitlines()) == len(HOSTILE) + 1
    assert [row["text"] for row in json.loads(printed["predict --json"])["predictions"]] == HOSTILE
    _check_page(printed["leaderboard html"])
    for text in (
        printed["leaderboard markdown"],
        printed["cases markdown"],
        (here / "model" / "README.md").read_text(),
    ):
        _check_markdown(text)
    assert r"\input" not in printed["leaderboard latex"]
    assert not [
        row for row in csv.reader(io.StringIO(printed["leaderboard csv"])) for cell in row if cell.startswith("=")
    ]
    for name in ("dynamics.svg", "embeddings.svg"):
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(here / name).iter()}
        assert not tags & {"script", "img", "b", "foreignObject"}
    assert Record(Path(runs[0])).about["dataset"]["labels"] == sorted(HOSTILE)


def _check_page(page: str) -> None:
    elements = Elements(page)
    assert elements.names.count("script") == 1  # the page's own
    assert "img" not in elements.names
    assert not elements.handlers
    assert "<b>x<b>" not in page
    assert "1337" not in page


def _check_markdown(text: str) -> None:
    """Outside of code, where Markdown shows everything as it is, no angle bracket opens an element."""
    prose = re.sub(r"^---\n.*?\n---\n", "", text, flags=re.DOTALL)
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", prose, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<(script|img|b)", prose)
    assert "1337" not in text


def test_every_template_escapes():
    """Jinja doesn't escape by default; a template outside the page's environment must be Markdown and escape itself."""
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "fecbench").rglob("*.jinja")}
    assert {path for path in templates if not path.startswith("fecbench/results/leaderboard/formats/page/")} == {
        "fecbench/results/export/card.md.jinja"
    }
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    environments = [call for tree in trees for name, call in calls(tree) if name.rpartition(".")[2] == "Environment"]
    assert len(environments) == 1
    assert keywords(environments[0])["autoescape"] is True
    unescaped = re.findall(
        r"\{\{ ([^}|]+) \| safe",
        "".join(path.read_text() for path in (ROOT / "fecbench/results/leaderboard/formats/page").glob("*.jinja")),
    )
    assert sorted(unescaped) == ["script", "style"]  # the page's own files


# ---- what is sent

WATCH = """
import os, socket

def refuse(what, address):
    with open(os.environ["SENT"], "a") as file:
        print(what, address, file=file)
    raise OSError(f"no network here: {address}")

def guard(name):
    real = getattr(socket.socket, name)
    def call(self, *arguments):
        address = arguments[-1]
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            refuse(name, address)
        return real(self, *arguments)
    setattr(socket.socket, name, call)

for name in ("connect", "connect_ex", "sendto"):
    guard(name)

real_look_up = socket.getaddrinfo

def look_up(host, *arguments, **named):
    if host not in (None, "127.0.0.1", "::1", "localhost", ""):
        refuse("getaddrinfo", host)
    return real_look_up(host, *arguments, **named)

socket.getaddrinfo = look_up
"""
COMMANDS = """
import sys
from fecbench.cli import main

for line in sys.stdin.read().splitlines():
    sys.argv = ["fecbench", *line.split()]
    try:
        main()
    except SystemExit as stop:
        if stop.code:
            sys.exit(f"{line}: {stop.code}")
"""
BENCH = 'title = "t"\nobjectives = ["ce"]\ndatasets = ["demo"]\nseeds = [0]\n[settings]\nepochs = 1\nlimit = 40\n'
ASKED = """\
run ce --dataset demo --epochs 1 --limit 64 --run-dir runs/ce
run aml --dataset demo --epochs 1 --limit 64 --run-dir runs/aml
run ce --dataset demo --encoder minilm --epochs 1 --limit 8 --batch-size 8 --max-length 3 --run-dir runs/minilm
bench bench.toml --root bench
runs
data
plugins --check
leaderboard --format html -o board.html
leaderboard --publish published
predict ce hello
plot dynamics aml
plot embeddings runs/ce runs/aml --rows 40
cases runs/aml runs/ce
export runs/minilm model
"""


@pytest.fixture
def watched(here) -> dict[str, str]:
    """An environment whose processes may reach nothing but this machine, and tell what they tried."""
    (here / "site").mkdir()
    (here / "site" / "sitecustomize.py").write_text(WATCH)
    away = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_ENDPOINT", "DO_NOT_TRACK")
    kept = {key: value for key, value in os.environ.items() if key not in away}
    return {**kept, "PYTHONPATH": str(here / "site"), "SENT": str(here / "sent")}


def test_nothing_is_sent_unless_it_was_asked_for(here, watched):
    (here / "bench.toml").write_text(BENCH)
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=ASKED,
        env=watched,
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (here / "sent").exists(), (here / "sent").read_text()


def test_this_watch_sees_what_is_asked_of_the_hub(here, watched):
    asked = "from fecbench.core import hub; print(hub.unreachable())"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=watched, cwd=here, capture_output=True, text=True, check=True
    )
    assert "can't be reached" in done.stdout
    assert "huggingface.co" in (here / "sent").read_text()


# ---- the working directory

MARK = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.fixture
def set_trap(here) -> Path:
    """A working directory with modules named like those that fecbench and its engines import, and a metric."""
    for module in ("catalogue", "evil", "filelock", "joblib", "ray", "distributed", "fecbench_ce", "torch"):
        (here / f"{module}.py").write_text(MARK)
    found = here / "evil-1.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (found / "entry_points.txt").write_text("[fecbench_metrics]\nevil = evil:evil\n")
    return here


@pytest.mark.slow
@pytest.mark.parametrize(
    ("engine", "start"),
    [
        ("loky", ["-P", "-m", "fecbench"]),  # as the fecbench command has it
        ("loky", ["-m", "fecbench"]),
        ("dask", ["-P", "-m", "fecbench"]),
        ("ray", ["-P", "-m", "fecbench"]),
    ],
    ids=str,
)
def test_a_bench_and_its_workers_take_no_module_from_the_working_directory(set_trap, toy, engine, start):
    pytest.importorskip("distributed" if engine == "dask" else "ray" if engine == "ray" else "joblib")
    (set_trap / "bench.toml").write_text(
        BENCH.replace("demo", "./toy").replace("[settings]", '[settings]\nencoder = "tiny-bert"\nbatch_size = 8')
    )
    assert toy == set_trap / "toy"
    command = [sys.executable, *start, "bench", "bench.toml", "--root", "root", "--engine", engine]
    done = subprocess.run(
        command, cwd=set_trap, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not (set_trap / "ran").exists()
    (result,) = set_trap.glob("root/*/result.json")
    assert "evil" not in json.loads(result.read_text())["metrics"]["test"]


def test_a_child_has_the_module_path_that_its_parent_was_given(set_trap, monkeypatch):
    (set_trap / "given").mkdir()
    (set_trap / "given" / "fecbench_given.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(set_trap / "given"))
    found = "import fecbench_given; from importlib.util import find_spec; print(find_spec('evil'))"
    with children_without_working_directory():
        done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "None", done.stderr
