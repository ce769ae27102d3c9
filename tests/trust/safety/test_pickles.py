"""No pickle runs, whatever file it stands in for: records, data, cached tokens, weights."""

import shutil
from pathlib import Path

import pyarrow as pa
import torch
from pyarrow import parquet
from safetensors.torch import load_file

from tests.support.hostile import SMALL


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
