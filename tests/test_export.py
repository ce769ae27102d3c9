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
from fecbench.atomic import read_json, write_json
from fecbench.datasets.core import Places
from fecbench.encoders.network import encoder_network
from fecbench.errors import ExportError, RunError, UsageError
from fecbench.experiment import Workplace, run
from fecbench.export import export, graph
from fecbench.export.checking import TEXTS, Reference, check
from fecbench.export.entries import HubDataset, claim
from fecbench.export.folders import appearing
from fecbench.planning import plan
from fecbench.runs import Record
from tests.conftest import unseal

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


def altered(record: Record, folder: Path, change) -> Record:
    """A copy of a record with another ``run.json``."""
    shutil.copytree(record.folder, folder)
    unseal(folder)
    about = read_json(folder / "run.json")
    change(about)
    write_json(folder / "run.json", about)
    return Record(folder)


def on_the_hub(address: str, cut: list[str] | None):
    """The change to a run on that data set; a record of before ``cut`` was recorded has none."""

    def change(about):
        about["settings"]["dataset"]["value"] = about["dataset"]["name"] = address
        about["dataset"].pop("cut")
        about["dataset"] |= {} if cut is None else {"cut": cut}

    return change


@pytest.mark.parametrize(
    ("dataset", "cut", "expected"),
    [
        ("hf:me/emotions", [], HubDataset("me/emotions")),
        ("hf:me/emotions@main", ["validation"], HubDataset("me/emotions")),
        (f"hf:me/emotions@{'0a' * 20}", [], HubDataset("me/emotions", revision="0a" * 20)),
        ("hf:me/emotions:small@main", [], "hf:me/emotions:small@main is one configuration of me/emotions, which an entry doesn't name"),
        ("hf:me/emotions", ["validation", "test"], "the test rows were cut from the training rows of hf:me/emotions, which has none"),
        ("hf:me/emotions", None, "doesn't say whether the test rows were cut from train"),
        ("ge", [], "ge isn't a data set of the hub"),  # a selection of the hub's rows
        ("./me/emotions", [], "./me/emotions isn't a data set of the hub"),
    ],
)
def test_only_a_run_on_the_hubs_own_test_rows_claims_them_by_itself(trained, tmp_path, dataset, cut, expected):
    found = claim(altered(trained("bert", "ce", **NATIVE), tmp_path / "run", on_the_hub(dataset, cut)), None)
    if isinstance(expected, str):
        assert found.dataset is None
        assert f"no .eval_results: {expected}" in found.note.replace("the record of this run on hf:me/emotions ", "")
        assert found.note.endswith("if its test rows are those of a data set of the hub, say --eval-dataset OWNER/NAME")
    else:
        assert found == (expected, "")


def test_a_record_says_which_splits_were_cut(trained, toy, tmp_path):
    assert trained("bert", "ce", **NATIVE).about["dataset"]["cut"] == []
    (toy / "test.csv").unlink()
    asked = {"dataset": str(toy), "encoder": "scratch", "epochs": 1, "batch_size": 16}
    assert run(plan("ce", asked), Workplace(Places(), tmp_path / "run")).about["dataset"]["cut"] == ["test"]


def test_entries_say_what_the_record_says_of_itself_and_the_card_claims_no_more(trained, tmp_path):
    import yaml
    from huggingface_hub import ModelCard

    def limited(about):
        on_the_hub("hf:me/emotions:small", [])(about)
        about["encoder"]["name"] = "."
        about["notes"] = ["LIMITED to the first 5 rows. Really.", "encoder . can't be packed"]

    record = altered(trained("bert", "ce", **NATIVE), tmp_path / "run", limited)
    export(record, tmp_path / "out", eval_dataset="you/others")
    entries = yaml.safe_load((tmp_path / "out" / ".eval_results" / "you--others.yaml").read_text())
    assert all(
        entry["notes"].endswith("one run; LIMITED to the first 5 rows. Really.; encoder a local folder can't be packed")
        for entry in entries
    )
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert card.data.datasets == ["me/emotions"]
    assert {(score.dataset_split, score.dataset_type) for score in card.data.eval_results} == {
        ("test", "you/others"),
        ("validation", "hf:me/emotions:small"),
    }
    assert "- LIMITED to the first 5 rows. Really.\n" in card.text
    assert "the encoder `a local folder`" in card.text
    assert "It is worst at" not in card.text  # three labels have no three worst


@pytest.mark.parametrize("name", ["emotions", "a/b/c", "me/..", "me/x.git", "me/a--b", "-me/x", "me/", "me/x\n"])
def test_an_evaluation_data_set_has_a_name_of_the_hub(trained, tmp_path, name):
    with pytest.raises(UsageError, match="--eval-dataset must be a data set of the hub, owner/name, found"):
        export(trained("bert", "ce", **NATIVE), tmp_path / "other", eval_dataset=name)


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
    for target in ("chapter.txt", "chapter.txt/deeper/out"):
        with pytest.raises(UsageError, match=r"must be a new or empty folder, but .*chapter\.txt is a file; choose another"):
            export(linear, tmp_path / "thesis" / target, "onnx")
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


def test_a_predict_that_fails_is_the_objectives_fault_not_the_folders(trained, registered, tmp_path, monkeypatch):
    def fail(self, batch, model):
        raise ConnectionError("nobody listens")

    record = trained("bert", registered("shifted", Shifted), **NATIVE)
    monkeypatch.setattr(Shifted, "predict", fail)
    with pytest.raises(
        ExportError, match=r"objective shifted must predict .*, but fails: ConnectionError: nobody listens; correct its predict"
    ):
        export(record, tmp_path / "out", "onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}


@pytest.mark.parametrize(
    ("file", "part", "message"),
    [
        ("run.json", {"dataset": {}}, r"run\.json must be as fecbench writes it, but dataset\.name: field required; restore it"),
        ("run.json", {"settings": []}, r"run\.json must be as fecbench writes it, but settings: "),
        ("run.json", {"encoder": None}, r"run\.json must be as fecbench writes it, but encoder: "),
        ("result.json", {"metrics": {}}, r"result\.json must be as fecbench writes it, but metrics\.test: field required"),
        ("result.json", {"per_class": {"glad": {}}}, r"result\.json must be as fecbench writes it, but per_class\.glad\.precision: "),
    ],
)
def test_a_record_with_parts_missing_is_named(trained, tmp_path, file, part, message):
    shutil.copytree(trained("bert", "ce", **NATIVE).folder, tmp_path / "run")
    unseal(tmp_path / "run")
    write_json(tmp_path / "run" / file, read_json(tmp_path / "run" / file) | part)
    with pytest.raises(RunError, match=message):
        export(Record(tmp_path / "run"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


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
    with pytest.raises(ExportError, match="must predict as the run does"):
        check(tmp_path, Says(logits.mean(0).expand(4, 2)), expected)
    with pytest.raises(ExportError, match="must predict as the run does"):
        check(tmp_path, Says(logits + 2e-3 * size), expected)


def test_an_empty_folder_stays_the_same_folder_and_is_filled_whole_or_not_at_all(tmp_path, monkeypatch):
    place = tmp_path / "mine"
    place.mkdir(mode=0o750)
    before = place.stat()
    monkeypatch.chdir(place)
    with appearing(Path()) as draft:
        (draft / "a").write_text("1")
        (draft / "b").mkdir()
    assert (place.stat().st_ino, place.stat().st_mode) == (before.st_ino, before.st_mode)
    assert {path.name for path in Path().iterdir()} == {"a", "b"}
    for path in (Path("a"), Path("b")):
        path.rename(tmp_path / path)

    def full(self, target, rename=Path.rename):
        if target == place / "b":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)

    def fill(*others: Path):
        with appearing(place) as draft:
            for path in (*(draft / name for name in "abc"), *others):
                path.write_text("1")

    with pytest.raises(UsageError, match="No space left on device"):
        fill()
    assert list(place.iterdir()) == []
    with pytest.raises(UsageError, match="must be new or empty, but holds theirs"):
        fill(place / "theirs")
    assert [path.name for path in place.iterdir()] == ["theirs"]


STOPPED = """
import os, signal, sys
from fecbench.cli import main
from fecbench.export import card

def stop(*arguments, **named):
    os.kill(os.getpid(), signal.SIGTERM)

card.write = stop
main()
"""


def test_a_terminated_export_leaves_no_draft(trained, tmp_path):
    """In a process of its own: a scheduler's stop, when weights have been written."""
    command = ["export", trained("bert", "ce", **NATIVE).folder, tmp_path / "out"]
    done = subprocess.run([sys.executable, "-c", STOPPED, *map(str, command)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "fecbench: stopped; nothing was left behind\n")
    assert {path.name for path in tmp_path.iterdir()} == {"toy"}
