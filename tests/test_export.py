"""A model that is taken away predicts as its run did, in both formats, by what stands in its folder alone."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fecbench import BatchNeeds, Objective, Predictor, Update
from fecbench.datasets.core import Places
from fecbench.encoders.network import encoder_network
from fecbench.errors import RunError, UsageError
from fecbench.experiment import Workplace, run
from fecbench.export import export, graph
from fecbench.export.checking import ExportError
from fecbench.export.entries import HubDataset, hub_dataset
from fecbench.planning import plan
from fecbench.runs import Record, write_about

LABELS = {"glad", "mad", "sad"}
NATIVE = {"head": "native", "pooling": "first"}
LONG = "what a lovely day, " * 100


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """Where the runs and exports of this module are, made once each."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def trained(kept, toy, source, tokenizer):
    """A complete run on the toy data: ``trained("roberta", "ce", head="native")``."""

    def make(family: str = "scratch", objective: str = "ce", **flags) -> Record:
        folder = kept / "-".join(["run", family, objective, *map(str, flags.values())])
        if not folder.exists():
            encoder = kept / family
            if family != "scratch" and not encoder.exists():
                network = encoder_network(source(family))
                for weights in network.parameters():
                    weights.data.mul_(10 if weights.dim() > 1 else 1)  # so that texts differ in more than the last digits
                network.save_pretrained(encoder)
                tokenizer.save_pretrained(encoder)
            asked = {"encoder": "scratch" if family == "scratch" else str(encoder), "epochs": 3, "batch_size": 16, "lr": 1e-3}
            run(plan(objective, {"dataset": str(toy), **asked, **flags}), Workplace(Places(), folder))
        return Record(folder)

    return make


@pytest.fixture
def exported(kept, trained):
    """An export of such a run: ``record, folder = exported("onnx", "roberta", "ce", head="native")``."""

    def make(kind: str, *names: str, **flags) -> tuple[Record, Path]:
        record = trained(*names, **flags)
        folder = kept / f"{kind}-{record.id}"
        if not folder.exists():
            export(record, folder, kind)
        return record, folder

    return make


def texts_of_the_test_split(toy: Path) -> list[str]:
    with (toy / "test.csv").open() as file:
        return [row["text"] for row in csv.DictReader(file)]


def by_transformers(folder: Path, texts: list[str]) -> torch.Tensor:
    """Logits of the classifier that transformers builds from the folder; an encoder without a head would fail to load silently."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    network, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    tokens = AutoTokenizer.from_pretrained(folder)(texts, truncation=True, padding=True, return_tensors="pt")
    with torch.no_grad():
        return network.eval()(**tokens).logits


def by_onnxruntime(folder: Path, texts: list[str]) -> torch.Tensor:
    onnxruntime = pytest.importorskip("onnxruntime")
    from tokenizers import Tokenizer

    session = onnxruntime.InferenceSession(folder / "model.onnx")
    assert [given.shape for given in session.get_inputs()] == [["batch", "length"]] * 2
    encoded = Tokenizer.from_file(str(folder / "tokenizer.json")).encode_batch(texts)
    inputs = {"input_ids": np.array([text.ids for text in encoded]), "attention_mask": np.array([text.attention_mask for text in encoded])}
    return torch.from_numpy(session.run(["logits"], inputs)[0])


@pytest.mark.parametrize(
    ("kind", "names", "flags"),
    [
        ("hf", ("bert", "ce"), NATIVE),
        ("hf", ("roberta", "ce"), NATIVE),
        ("hf", ("electra", "supcon"), NATIVE),
        ("hf", ("mpnet", "ce"), NATIVE),
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
    assert set(classify.model.config.label2id) == LABELS


def example(folder: Path) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return block


def test_the_cards_example_predicts_with_onnxruntime_and_tokenizers_alone(exported):
    pytest.importorskip("onnxruntime")
    record, folder = exported("onnx", "bert", "aml", head="label", pooling="mean")
    check = "\nimport sys\nassert not {'torch', 'transformers', 'fecbench'} & set(sys.modules), 'more than was promised'\n"
    done = subprocess.run([sys.executable, "-c", example(folder) + check], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    predictor = Predictor.load(record, "cpu")
    texts = ["I can't believe it worked!", "She left without a word."]
    labels = [predictor.labels[index] for index in predictor.probabilities(texts).argmax(1)]
    assert done.stdout.splitlines() == [f"{label} {text}" for label, text in zip(labels, texts, strict=True)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_cards_example_predicts_with_transformers(exported, monkeypatch, capsys):
    _, folder = exported("hf", "roberta", "ce", **NATIVE)
    monkeypatch.chdir(folder)
    exec(compile(example(folder), "README.md", "exec"), {})
    assert set(re.findall(r"'label': '(\w+)'", capsys.readouterr().out)) & LABELS


def test_the_card_says_data_licence_scores_settings_limits_and_what_to_cite(exported):
    from huggingface_hub import ModelCard

    record, folder = exported("hf", "electra", "supcon", **NATIVE)
    card = ModelCard.load(folder / "README.md")
    assert card.data.library_name == "transformers"
    found = {(score.dataset_split, score.metric_type): score.metric_value for score in card.data.eval_results}
    assert found == {(split, metric): value for split, scores in record.result["metrics"].items() for metric, value in scores.items()}
    text = " ".join(card.text.split())
    assert "a data set of the user's own (`toy`): 60 training, 12 validation and 15 test texts" in text
    assert "Licence of the data: unknown." in text
    assert f"| accuracy | {100 * found['validation', 'accuracy']:.2f} | {100 * found['test', 'accuracy']:.2f} |" in text
    assert "note = {{Khosla et al. 2020, Supervised Contrastive Learning; Gunel et al. 2021 (joint with cross-entropy)}}" in text
    assert "title = {fecbench: Compare training objectives" in text
    assert "| contrastive_weight | 0.5 |" in text
    assert "encoder `electra`" in text
    assert "with seed 0, epoch" in text
    assert f"It reads the first {record.about['max_length']} tokens" in text
    assert all(f"| {label} |" in text for label in LABELS)


def test_no_file_names_a_path_of_this_machine(exported, kept, toy):
    pytest.importorskip("onnxruntime")
    for kind in ("hf", "onnx"):
        _, folder = exported(kind, "roberta", "ce", **NATIVE)
        for file in folder.rglob("*"):
            content = file.read_bytes()
            assert not any(str(place).encode() in content for place in (kept, toy.parent, Path(torch.__file__).parent.parent)), file
            assert file.stat().st_mode & 0o044 == (folder / "README.md").stat().st_mode & 0o044  # others may read one as the other


def test_command(fecbench, trained, tmp_path):
    record = trained("bert", "ce", **NATIVE)
    (tmp_path / "taken").mkdir()  # but empty
    code, out, err = fecbench("export", record.folder, tmp_path / "taken", "--eval-dataset", "me/emotions")
    assert (code, err) == (0, "")
    assert out.startswith(f"written: {tmp_path / 'taken'} (.eval_results/me--emotions.yaml, README.md, config.json, model.safetensors, ")
    assert re.search(r"checked: 4 texts of 5 to 64 tokens have the run's logits to within \d\.\de-\d\d\n$", out)


def test_nothing_is_said_but_what_was_asked_for(trained, tmp_path):
    """In a process of its own, where torch's exporter would log its notes."""
    pytest.importorskip("onnxruntime")
    record, target = trained("bert", "ce", **NATIVE), tmp_path / "new" / "folder"
    command = ["export", record.id, target, "--root", record.folder.parent, "--format", "onnx", "--json"]
    done = subprocess.run([sys.executable, "-m", "fecbench", *map(str, command)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["files"] == sorted(path.name for path in target.iterdir())
    assert found["check"]["difference"] < 1e-4
    assert "no .eval_results: toy isn't a data set of the hub" in found["note"]


def test_scores_as_the_hubs_evaluation_entries(trained, tmp_path):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    record = trained("bert", "ce", **NATIVE)
    export(record, tmp_path / "out", eval_dataset="me/emotions")
    (file,) = (tmp_path / "out" / ".eval_results").iterdir()
    entries = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert {entry.task_id: entry.value for entry in entries} == record.result["metrics"]["test"]
    assert {(entry.dataset_id, entry.date) for entry in entries} == {("me/emotions", record.about["started"])}
    assert "objective ce, seed 0" in entries[0].notes
    with pytest.raises(UsageError, match="--eval-dataset must be a data set of the hub, owner/name, found 'emotions'"):
        export(record, tmp_path / "other", eval_dataset="emotions")


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("hf:me/emotions", HubDataset("me/emotions")),
        ("hf:me/emotions:small@main", HubDataset("me/emotions")),
        (f"hf:me/emotions@{'0a' * 20}", HubDataset("me/emotions", "0a" * 20)),
        ("ge", None),  # a selection of the hub's rows
        ("./me/emotions", None),
    ],
)
def test_only_a_run_on_the_hubs_data_names_it_by_itself(tmp_path, dataset, expected):
    write_about(
        Record(tmp_path), {"objective": {}, "dataset": {}, "code": "", "settings": {"dataset": {"value": dataset, "origin": "flag"}}}
    )
    assert hub_dataset(Record(tmp_path), None) == expected


def test_token_types_are_an_input_where_tokenizer_and_family_have_them(trained, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    shutil.copytree(trained("bert", "ce", **NATIVE).folder, tmp_path / "run")
    settings = tmp_path / "run" / "encoder" / "tokenizer_config.json"
    names = ["input_ids", "token_type_ids", "attention_mask"]
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"model_input_names": names}))
    export(Record(tmp_path / "run"), tmp_path / "out", "onnx")
    found = [given.name for given in onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx").get_inputs()]
    assert found == ["input_ids", "attention_mask", "token_type_ids"]


class Shifted(Objective):
    """Predicts by a correction that a stage after training found, besides encoder and head."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("shift", torch.zeros(task.classes))

    def updates(self, batch, model):
        yield Update(torch.nn.functional.cross_entropy(super().predict(batch, model), batch.labels))

    def predict(self, batch, model):
        return super().predict(batch, model) + self.shift

    def after_training(self, stage):
        self.shift[1] = 50.0


def test_what_a_method_predicts_by_besides_the_head_comes_along_or_is_refused(trained, registered, toy, tmp_path):
    pytest.importorskip("onnxruntime")
    record = trained("bert", registered("shifted", Shifted), **NATIVE)
    export(record, tmp_path / "onnx", "onnx")
    found = by_onnxruntime(tmp_path / "onnx", texts_of_the_test_split(toy))
    torch.testing.assert_close(found, load_file(record.folder / "predictions.safetensors")["logits"], atol=1e-4, rtol=1e-4)
    assert set(found.argmax(1).tolist()) == {1}
    with pytest.raises(UsageError, match="--format hf holds an encoder and its head, but shifted predicts in a way of its own"):
        export(record, tmp_path / "hf")


class ByWords(Shifted):
    """Predicts by the words, which a graph of token ids can't see."""

    needs = BatchNeeds(texts=True)

    def predict(self, batch, model):
        return Objective.predict(self, batch, model) + torch.tensor([float(len(text)) for text in batch.texts])[:, None]


class BySize(Shifted):
    """Reads the size of its batch as a number, which is then that of the example."""

    def predict(self, batch, model):
        return Objective.predict(self, batch, model) + torch.zeros(len(batch), 1)


class ByPlace(Shifted):
    """Predicts by a text's place in its batch: what is traced runs, but isn't what the run predicts."""

    def predict(self, batch, model):
        return Objective.predict(self, batch, model) + batch.rows[:, None]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            ByWords,
            "but bywords on this encoder can't be traced: TypeError: 'NoneType'",
        ),
        (BySize, "what was written must predict texts of any number and length, but fails"),
        (ByPlace, "what was written must predict as the run does, but a logit differs by 3"),
    ],
)
def test_a_failure_leaves_nothing_behind(trained, registered, tmp_path, kind, message):
    pytest.importorskip("onnxruntime")
    record = trained("bert", registered(kind.__name__.lower(), kind), **NATIVE)
    with pytest.raises(ExportError, match=message):
        export(record, tmp_path / "deep" / "out", "onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}


def test_refusals(fecbench, trained, tmp_path, monkeypatch):
    linear = trained("scratch")
    code, _, err = fecbench("export", linear.folder, tmp_path / "out")
    assert (code, err) == (
        2,
        "fecbench: --format hf needs a run with --head native, but run-scratch-ce has --head linear; use --format onnx\n",
    )
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(UsageError, match=r"must be new or empty, but holds chapter\.txt; choose another folder"):
        export(linear, tmp_path / "thesis", "onnx")
    with pytest.raises(UsageError, match="must be a new or empty folder, but is a file"):
        export(linear, tmp_path / "thesis" / "chapter.txt", "onnx")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"
    monkeypatch.setattr(graph, "PACKAGES", ("onnx", "not_installed_at_all"))
    with pytest.raises(UsageError, match=r"not installed: not_installed_at_all; pip install 'fecbench\[onnx\]'"):
        export(linear, tmp_path / "out", "onnx")
    (tmp_path / "begun").mkdir()
    shutil.copy(linear.folder / "run.json", tmp_path / "begun")
    with pytest.raises(RunError, match="must be a complete run, but is unfinished"):
        export(Record(tmp_path / "begun"), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"toy", "thesis", "begun"}


def test_a_folder_that_cannot_be_made(trained, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UsageError, match=r"can't be written: .*No space left on device; free space or choose another folder"):
        export(trained("bert", "ce", **NATIVE), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}
