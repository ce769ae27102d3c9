"""Records: what they hold, how they are found, and that each file is read once."""

import copy
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from fecbench.core.errors import UnknownName
from fecbench.core.files import read_json
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.pretrained import read_tokenizer
from fecbench.runs import provenance
from fecbench.runs.find import all_records, find_run
from fecbench.runs.plan import plan
from fecbench.runs.record import Record
from fecbench.runs.write_record import write_encoder
from fecbench.training import devices
from tests.support.interrupted import StopAfter, train_briefly
from tests.support.objectives import Plain
from tests.support.train import train


def test_a_record_is_self_describing_and_holds_no_text_and_no_gold_label(toy, tmp_path):
    record = train_briefly("ce", toy, tmp_path / "run")
    files = {path.name for path in record.folder.iterdir()} - {".lock"}
    assert files == {
        "run.json",
        "history.jsonl",
        "encoder",
        "best.safetensors",
        "predictions.safetensors",
        "result.json",
    }
    about = record.about
    assert about["settings"]["epochs"] == {"value": 3, "origin": "flag"}
    assert about["settings"]["weight_decay"] == {"value": 1e-3, "origin": "default"}
    assert about["dataset"]["rows"] == {"train": 60, "validation": 12, "test": 15}
    assert {"fecbench", "torch", "transformers", "python"} <= set(about["versions"])
    assert (about["device"], about["precision"], about["settings"]["seed"]["value"]) == ("cpu", "float32", 0)
    assert about["encoder"]["name"] == "scratch"
    assert len(about["encoder"]["weights"]) == 64
    assert len(about["code"]) == len(about["dataset"]["fingerprint"]) == 64
    predictions = load_file(record.folder / "predictions.safetensors")
    assert set(predictions) == {"row", "predicted", "correct", "logits"}
    assert predictions["logits"].shape == (15, 3)
    assert predictions["predicted"].tolist() == predictions["logits"].argmax(1).tolist()
    everything = "".join((record.folder / name).read_text() for name in ("run.json", "result.json", "history.jsonl"))
    assert "lovely" not in everything
    assert set(record.result["metrics"]) == {"validation", "test"}
    assert sum(map(sum, record.result["confusion_matrix"])) == 15
    assert record.result["metrics"]["test"]["accuracy"] > 0.5
    assert record.status == "complete"


@pytest.mark.slow
def test_runs_are_found_by_folder_id_and_method(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    old = train_briefly("ce", toy, tmp_path / "runs" / "old")
    new = train_briefly("ce", toy, tmp_path / "runs" / "new")
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "runs" / "unfinished", observers=[StopAfter(1)])
    assert find_run(str(old.folder)).id == "old"
    assert find_run("old").id == "old"
    assert find_run("ce").id == new.id
    with pytest.raises(UnknownName, match="did you mean 'old'"):
        find_run("olf")
    assert [record.id for record in all_records()] == ["unfinished", "new", "old"]


def test_code_version_follows_the_sources(install, tmp_path):
    install("mine", "fecbench_objectives", mine="my_code:Mine", code="class Mine: pass")
    import my_code

    sources = provenance.source_digests(my_code.Mine)
    assert sources == provenance.source_digests(my_code.Mine)
    Path(my_code.__file__).write_text("class Mine:\n    x = 1\n")
    changed = provenance.source_digests(my_code.Mine)
    assert provenance.code_digest(changed) != provenance.code_digest(sources)
    assert [package for package in sources if sources[package] != changed[package]] == ["my_code"]
    assert sources["fecbench"] == provenance.source_digests()["fecbench"]


def test_identifying_a_run_reads_the_sources_of_a_package_once(toy, monkeypatch):
    read: Counter[str] = Counter()

    def counted(package: str) -> str:
        read[package] += 1
        return f"digest of {package}"

    monkeypatch.setattr(provenance, "source_digest", counted)
    planned = plan("ce", {"dataset": str(toy), "encoder": "scratch"})
    data = load_dataset(planned.settings, DataLocations())
    identity = provenance.identify(planned, data, devices.accelerator("cpu", ()))
    assert read == dict.fromkeys(identity["sources"], 1)
    assert identity["sources"] == {package: f"digest of {package}" for package in ("fecbench", "fecbench_ce")}
    assert identity["code"] == provenance.code_digest(identity["sources"])


def test_the_written_tokenizer_cuts_where_the_encoders_own_does(source, tmp_path):
    made = source("bert")
    tokenizer = copy.deepcopy(made.tokenizer)
    tokenizer.truncation_side, tokenizer.split_special_tokens = "left", True
    write_encoder(Record(tmp_path), replace(made, tokenizer=tokenizer))
    read = read_tokenizer(tmp_path / "encoder")
    text = "what [SEP] a lovely day it was"
    assert (
        read(text, truncation=True, max_length=6)["input_ids"]
        == tokenizer(text, truncation=True, max_length=6)["input_ids"]
    )


def test_a_record_reads_its_files_once(toy, tmp_path, monkeypatch):
    record = Record(train_briefly("ce", toy, tmp_path / "run").folder)
    opened = count_reads(monkeypatch)
    for _ in range(3):
        assert record.run_file.objective.name == record.about["objective"]["name"] == "ce"
        assert record.result_file.metrics.test == record.result["metrics"]["test"]
        assert (record.settings()["seed"], record.limit, record.status) == (0, None, "complete")
    assert opened == {"run.json": 1, "result.json": 1}
    record.reload()
    assert record.result_file.epochs == 3
    assert opened == {"run.json": 2, "result.json": 2}


def count_reads(monkeypatch) -> Counter[str]:
    """Count the reads of each JSON file, by name."""
    opened: Counter[str] = Counter()

    def counted(path: Path):
        opened[path.name] += 1
        return read_json(path)

    monkeypatch.setattr("fecbench.runs.record.read_json", counted)
    return opened


@pytest.mark.slow
def test_a_report_is_recorded_as_it_will_be_read(registered, toy, tmp_path):
    """A seal over keys that sort otherwise once they are text would take the record for another's."""

    class Counting(Plain):
        def report(self):
            return {9: 1, 10: (2, 3)}

    record = train(registered("counting", Counting), toy, tmp_path / "run", epochs=1)
    assert Record(record.folder).result["report"] == {"9": 1, "10": [2, 3]}
