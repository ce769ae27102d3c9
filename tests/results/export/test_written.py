"""A model that is taken away predicts as its run did, in both formats, by what stands in its folder alone."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from fecbench import Predictor
from fecbench.core.errors import ExportError
from fecbench.results.export.export import export
from fecbench.results.export.verify import TEXTS, Reference, check
from fecbench.runs.record import Record
from tests.support.exports import NATIVE, by_onnxruntime, texts_of_the_test_split
from tests.support.records import unseal
from tests.support.toy_data import LABELS

LONG = "what a lovely day, " * 100


def by_transformers(folder: Path, texts: list[str]) -> torch.Tensor:
    """Logits of the classifier that transformers builds from the folder.

    It would load an encoder without a head, and warn only, so the report is checked.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    tokens = AutoTokenizer.from_pretrained(folder)(texts, truncation=True, padding=True, return_tensors="pt")
    with torch.no_grad():
        return network.eval()(**tokens).logits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "names", "flags"),
    [
        ("hf", ("bert", "ce"), NATIVE),
        ("hf", ("roberta", "ce"), NATIVE),
        ("hf", ("electra", "supcon"), NATIVE),
        ("hf", ("mpnet", "ce"), NATIVE),
        ("hf", ("albert", "ce"), NATIVE),
        ("onnx", ("bert", "aml"), {"head": "label", "pooling": "mean"}),
        ("onnx", ("roberta", "ce"), NATIVE),
        ("onnx", ("electra", "lcl"), {}),
        ("onnx", ("mpnet", "ce"), {"head": "mlp", "pooling": "mean"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_the_whole_test_split_is_predicted_as_in_the_run(exported, toy, kind, names, flags):
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
    record, folder = exported(kind, *names, **flags)
    found = (by_transformers if kind == "hf" else by_onnxruntime)(folder, texts_of_the_test_split(toy))
    expected = load_file(record.folder / "predictions.safetensors")
    torch.testing.assert_close(found, expected["logits"], atol=1e-5, rtol=1e-4)
    assert found.argmax(1).tolist() == expected["predicted"].tolist()
    assert found.std(0).max() > 5e-4  # far more than is allowed above: another text, or a lost weight, would be seen


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of transformers' own pipelines
def test_the_folder_is_a_pipeline_that_names_labels_and_cuts_long_texts(exported, toy):
    from transformers import pipeline

    record, folder = exported("hf", "roberta", "ce", **NATIVE)
    classify = pipeline("text-classification", model=str(folder), truncation=True, device="cpu")
    texts = [*texts_of_the_test_split(toy), LONG]
    predictor = Predictor.load(record, "cpu")
    for text, label in zip(texts, predictor.probabilities(texts), strict=True):
        (found,) = classify([text])
        assert found["label"] == predictor.labels[int(label.argmax())]
        assert found["score"] == pytest.approx(float(label.max()), abs=1e-4)
    assert len(classify.tokenizer(LONG, truncation=True)["input_ids"]) == record.about["max_length"]
    assert set(classify.model.config.label2id) == set(LABELS)


@pytest.mark.slow
def test_token_types_are_an_input_where_tokenizer_and_family_have_them(trained, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    shutil.copytree(trained("bert", "ce", **NATIVE).folder, tmp_path / "run")
    unseal(tmp_path / "run")
    settings = tmp_path / "run" / "encoder" / "tokenizer_config.json"
    names = ["input_ids", "token_type_ids", "attention_mask"]
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"model_input_names": names}))
    export(Record(tmp_path / "run"), tmp_path / "out", "onnx")
    found = [given.name for given in onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx").get_inputs()]
    assert found == ["input_ids", "attention_mask", "token_type_ids"]


class Says:
    """A format that predicts what it is told."""

    def __init__(self, logits: torch.Tensor):
        self.found = logits

    def logits(self, folder, texts):
        return self.found[[TEXTS.index(text) for text in texts]]


@pytest.mark.parametrize(("size", "level"), [(1e-4, 0.0), (1.0, 0.0), (10.0, 0.0), (1.0, 100.0)])
def test_what_is_allowed_to_differ_is_little_beside_what_tells_texts_apart(tmp_path, size, level):
    logits = level + size * torch.tensor([[0.0, 1.0], [0.5, 0.2], [1.0, 0.0], [0.3, 0.3]])
    expected = Reference(logits, (1, 2, 3, 4))
    assert check(tmp_path, Says(logits + 1e-5 * size), expected).difference < 2e-5 * max(size, 1)
    with pytest.raises(ExportError, match="must predict the run's logits"):
        check(tmp_path, Says(logits.mean(0).expand(4, 2)), expected)
    with pytest.raises(ExportError, match="must predict the run's logits"):
        check(tmp_path, Says(logits + 2e-3 * size), expected)
