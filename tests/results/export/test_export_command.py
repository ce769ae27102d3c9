"""``fecbench export``: what it says, and what it refuses."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from transformers import AutoConfig

from fecbench.core.errors import RunError, UsageError
from fecbench.core.files import read_json, write_json
from fecbench.model.encoders.network import encoder_network
from fecbench.model.encoders.source import EncoderSource
from fecbench.results.export import onnx
from fecbench.results.export.export import export
from fecbench.runs.record import Record
from tests.support.exports import NATIVE
from tests.support.records import unseal
from tests.support.train import train


@pytest.mark.slow
def test_command(fecbench, trained, tmp_path):
    record = trained("bert", "ce", **NATIVE)
    (tmp_path / "taken").mkdir()  # but empty
    code, out, err = fecbench("export", record.folder, tmp_path / "taken", "--eval-dataset", "me/emotions")
    call = f"pipeline('text-classification', '{tmp_path / 'taken'}', truncation=True)('a text')"
    assert (code, err) == (0, f'next: python -c "from transformers import pipeline; print({call})"\n')
    assert out.startswith(
        f"written: {tmp_path / 'taken'} (.eval_results/me--emotions.yaml, README.md, config.json, model.safetensors, "
    )
    assert re.search(r"checked: 4 texts of 5 to 64 tokens have the run's logits to within \d\.\de-\d\d\n$", out)


@pytest.mark.slow
def test_nothing_is_said_but_what_was_asked_for(trained, tmp_path):
    """In a process of its own, where torch's exporter would log its notes."""
    pytest.importorskip("onnxruntime")
    record, target = trained("bert", "ce", **NATIVE), tmp_path / "new" / "folder"
    command = ["export", record.id, target, "--root", record.folder.parent, "--format", "onnx", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "fecbench", *map(str, command)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, f"next: see {target / 'README.md'} for how to predict with it\n")
    found = json.loads(done.stdout)
    assert found["files"] == sorted(path.name for path in target.iterdir())
    assert found["check"]["difference"] < 1e-4
    assert "no .eval_results: toy is not a data set of the hub" in found["note"]


@pytest.mark.slow
def test_refusals(fecbench, trained, tmp_path, monkeypatch):
    linear = trained("scratch")
    code, _, err = fecbench("export", linear.folder, tmp_path / "out")
    assert (code, err) == (
        2,
        "fecbench: --format hf needs a run with --head native, but run-scratch-ce has --head linear; "
        "use --format onnx\n",
    )
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(UsageError, match=r"must be new or empty, but holds chapter\.txt; choose another folder"):
        export(linear, tmp_path / "thesis", "onnx")
    for target in ("chapter.txt", "chapter.txt/deeper/out"):
        with pytest.raises(
            UsageError, match=r"must be a new or empty folder, but .*chapter\.txt is a file; choose another"
        ):
            export(linear, tmp_path / "thesis" / target, "onnx")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"
    monkeypatch.setattr(onnx, "PACKAGES", ("onnx", "not_installed_at_all"))
    with pytest.raises(UsageError, match=r"not installed: not_installed_at_all; pip install 'fecbench\[onnx\]'"):
        export(linear, tmp_path / "out", "onnx")
    (tmp_path / "begun").mkdir()
    shutil.copy(linear.folder / "run.json", tmp_path / "begun")
    with pytest.raises(RunError, match="must be a complete run, but is unfinished"):
        export(Record(tmp_path / "begun"), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"toy", "thesis", "begun"}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "encoder"), [("hf", "none"), ("onnx", "none"), ("onnx", "scratch")])
def test_a_run_without_an_encoder_is_refused_before_its_model_is_loaded(fecbench, toy, tmp_path, kind, encoder):
    record = train("tfidf", toy, tmp_path / "run", encoder=encoder)
    shutil.rmtree(record.encoder)
    code, _, err = fecbench("export", record.folder, tmp_path / "out", "--format", kind)
    assert (code, err) == (
        2,
        "fecbench: an export needs a run that predicts with an encoder, but run is of tfidf, which reads the texts "
        "themselves; use `fecbench predict`, or export a run of another method\n",
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_next_step_after_an_export_of_several_labels_is_its_card(fecbench, tmp_path):
    record = train("ce", "demo-multi", tmp_path / "run", **NATIVE, limit=40)
    code, _, err = fecbench("export", record.folder, tmp_path / "out")
    assert (code, err) == (0, f"next: see {tmp_path / 'out' / 'README.md'} for how to predict with it\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "part", "message"),
    [
        (
            "run.json",
            {"dataset": {}},
            r"run\.json must be as fecbench writes it, but dataset\.name: field required; restore it",
        ),
        ("run.json", {"settings": []}, r"run\.json must be as fecbench writes it, but settings: "),
        ("run.json", {"encoder": None}, r"run\.json must be as fecbench writes it, but encoder: "),
        (
            "result.json",
            {"metrics": {}},
            r"result\.json must be as fecbench writes it, but metrics\.test: field required",
        ),
        (
            "result.json",
            {"per_class": {"glad": {"support": 5}}},
            r"result\.json must be as fecbench writes it, but per_class\.glad\.precision: ",
        ),
    ],
)
def test_a_record_with_parts_missing_is_named(trained, tmp_path, file, part, message):
    shutil.copytree(trained("bert", "ce", **NATIVE).folder, tmp_path / "run")
    unseal(tmp_path / "run")
    write_json(tmp_path / "run" / file, read_json(tmp_path / "run" / file) | part)
    with pytest.raises(RunError, match=message):
        export(Record(tmp_path / "run"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("family", "own"), [("longformer", {"attention_window": [8]}), ("deberta-v2", {})])
def test_an_export_says_one_line_or_two_whatever_the_exporter_prints(fecbench, toy, tokenizer, tmp_path, family, own):
    """Longformer can't be traced, and the exporter printed its whole graph. DeBERTa has no SDPA."""
    pytest.importorskip("onnxruntime")
    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
    }
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), pad_token_id=0, **sizes, **own)
    encoder_network(EncoderSource(family, tokenizer, config, None)).save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    flags = (
        "--dataset",
        toy,
        "--encoder",
        tmp_path / "encoder",
        "--head",
        "linear",
        "--epochs",
        1,
        "--run-dir",
        tmp_path / "run",
    )
    assert fecbench("run", "ce", *flags)[0] == 0
    code, out, err = fecbench("export", tmp_path / "run", tmp_path / "out", "--format", "onnx")
    assert "Traceback" not in err
    assert len(out.splitlines()) + len(err.splitlines()) <= 4
    assert code == 0 or err.startswith(
        "fecbench: --format onnx needs an encoder and a predict made of tensor operations"
    )
