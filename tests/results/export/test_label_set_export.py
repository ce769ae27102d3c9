"""A model that gives a text several labels is taken away with its thresholds, in both formats."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fecbench import Predictor
from fecbench.core.errors import ExportError
from fecbench.core.files import write_json
from fecbench.results.export import thresholds_file
from fecbench.results.export.export import export
from fecbench.runs.label_decision import LabelDecision
from fecbench.runs.predictor import data_of
from fecbench.runs.record import Record
from tests.support.exports import NATIVE, by_onnxruntime
from tests.support.train import train

TEXTS = ["I can't believe it worked!", "She left without a word."]  # those of the cards' examples
RULE = LabelDecision((0.2, 0.4))
CONFIG = {
    "id2label": {"0": "glad", "1": "sad"},
    "problem_type": "multi_label_classification",
    "thresholds": {"glad": 0.2, "sad": 0.4},
}


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Record:
    """A run on texts with several labels, with the encoder family's own head."""
    return train("ce", "demo-multi", tmp_path_factory.mktemp("several") / "run", **NATIVE, epochs=10, lr=3e-3)


@pytest.fixture(scope="module")
def hf(several, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("several") / "hf"
    export(several, folder, "hf", "me/emotions")
    return folder


@pytest.fixture(scope="module")
def onnx(several, tmp_path_factory) -> Path:
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("several") / "onnx"
    export(several, folder, "onnx")
    return folder


def test_a_configuration_that_lost_something_is_refused(tmp_path):
    write_json(tmp_path / "config.json", CONFIG)
    thresholds_file.write(["glad", "sad"], RULE, tmp_path)
    assert json.loads((tmp_path / "thresholds.json").read_text()) == {"glad": 0.2, "sad": 0.4}
    for key, other in (
        ("id2label", {"0": "sad", "1": "glad"}),
        ("problem_type", None),
        ("thresholds", {"glad": 0.2, "sad": 0.5}),
    ):
        write_json(tmp_path / "config.json", CONFIG | {key: other})
        with pytest.raises(ExportError, match=rf"config\.json must have the run's {key}, but transformers wrote"):
            thresholds_file.write(["glad", "sad"], RULE, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hf", "onnx"])
def test_problem_type_and_thresholds_are_in_the_folder(several, kind, request):
    folder = request.getfixturevalue(kind)
    config = json.loads((folder / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert config["thresholds"] == several.result["thresholds"]
    thresholds = json.loads((folder / "thresholds.json").read_text())
    assert list(thresholds.items()) == list(several.result["thresholds"].items())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of transformers' own pipelines
def test_a_pipeline_gives_the_probabilities_of_the_run(several, hf):
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(hf), truncation=True, top_k=None, device="cpu")
    texts = data_of(several).splits["test"]["text"][:]
    predictor = Predictor.load(several, "cpu")
    shares = predictor.probabilities(texts)
    for labels, row in zip(classify(texts), shares.tolist(), strict=True):
        scores = {label["label"]: label["score"] for label in labels}
        assert [scores[name] for name in predictor.labels] == pytest.approx(row, abs=1e-5)
    assert shares.std(0).max() > 1e-3  # far more than is allowed above


@pytest.mark.slow
def test_the_graph_gives_the_logits_of_the_run(several, onnx):
    texts = data_of(several).splits["test"]["text"][:]
    found = by_onnxruntime(onnx, texts).double().sigmoid()
    torch.testing.assert_close(found, Predictor.load(several, "cpu").probabilities(texts), atol=1e-5, rtol=1e-4)


@pytest.mark.slow
def test_a_head_of_fecbenchs_own_is_taken_away_as_a_graph(tmp_path):
    pytest.importorskip("onnxruntime")
    record = train("ce", "demo-multi", tmp_path / "run", head="label", epochs=1)
    export(record, tmp_path / "out", "onnx")
    found = by_onnxruntime(tmp_path / "out", TEXTS).double().sigmoid()
    torch.testing.assert_close(found, Predictor.load(record, "cpu").probabilities(TEXTS), atol=1e-5, rtol=1e-4)


def given_by(record: Record) -> list[list[str]]:
    """The labels that a run gives to the texts of the cards' examples."""
    predictor = Predictor.load(record, "cpu")
    given = predictor.decision.given(predictor.probabilities(TEXTS)).tolist()
    return [[name for name, is_given in zip(predictor.labels, row, strict=True) if is_given] for row in given]


def example(folder: Path) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return block


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_example_of_the_card_gives_the_labels_of_the_run(several, hf, monkeypatch, capsys):
    monkeypatch.chdir(hf)
    exec(compile(example(hf), "README.md", "exec"), {})
    printed = [sorted(re.findall(r"'(\w+)'", line)) for line in capsys.readouterr().out.splitlines()]
    assert printed == [sorted(labels) for labels in given_by(several)]


@pytest.mark.slow
def test_the_example_of_the_graphs_card_gives_the_labels_of_the_run(several, onnx):
    done = subprocess.run([sys.executable, "-c", example(onnx)], cwd=onnx, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [f"{labels} {text}" for labels, text in zip(given_by(several), TEXTS, strict=True)]
    assert done.stdout.splitlines() == lines


@pytest.mark.slow
def test_the_card_speaks_of_several_labels_and_their_thresholds(several, hf):
    text = (hf / "README.md").read_text(encoding="utf-8")
    plain = " ".join(text.split())
    assert "Gives a short text those of 12 emotion labels that apply: several, one or none." in plain
    assert "A label is given if its probability reaches its threshold." in plain
    assert "They were tuned on validation texts, never on test texts." in plain
    assert "exactly one label" not in plain
    assert "most frequent" not in plain
    validation, test = (several.result["metrics"][split] for split in ("validation", "test"))
    assert f"| macro\\_f1 | {100 * validation['macro_f1']:.2f} | {100 * test['macro_f1']:.2f} |" in text
    assert f"| nll | {validation['nll']:.3f} | {test['nll']:.3f} |" in text
    assert "Scores in percent, `nll` in nats a text, `brier` in squared distance a text, of one run" in plain
    for label, threshold in several.result["thresholds"].items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {label} |")]
        assert line.endswith(f" {threshold:.3f} |")


@pytest.mark.slow
def test_evaluation_entries_say_that_texts_have_several_labels(hf, several):
    entries = (hf / ".eval_results" / "me--emotions.yaml").read_text(encoding="utf-8")
    assert "several labels a text" in entries
    assert entries.count("task_id:") == len(several.result["metrics"]["test"])


@pytest.mark.slow
def test_the_card_says_how_labels_are_decided_if_not_as_usual(tmp_path):
    flags = {"thresholds": "fixed", "fixed_threshold": 0.9, "at_least_one": True, "epochs": 1}
    record = train("ce", "demo-multi", tmp_path / "run", **NATIVE, **flags)
    assert [len(labels) for labels in given_by(record)] == [1, 1]  # no probability is near .9
    export(record, tmp_path / "out")
    assert set(json.loads((tmp_path / "out" / "thresholds.json").read_text()).values()) == {0.9}
    text = " ".join((tmp_path / "out" / "README.md").read_text(encoding="utf-8").split())
    assert "They were fixed before training. A text that reaches none is given its most probable label." in text
