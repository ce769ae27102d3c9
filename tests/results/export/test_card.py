"""The model card: its example runs as it stands, and it says what a reader must know."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fecbench import Predictor
from fecbench.core.files import read_json, write_json
from fecbench.results.export import model_card
from fecbench.runs.record import Record
from tests.support.exports import NATIVE
from tests.support.records import unseal
from tests.support.toy_data import LABELS


def example(folder: Path) -> str:
    (block,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return block


@pytest.mark.slow
def test_the_cards_example_predicts_with_onnxruntime_and_tokenizers_alone(exported):
    pytest.importorskip("onnxruntime")
    record, folder = exported("onnx", "bert", "aml", head="label", pooling="mean")
    check = (
        "\nimport sys\nassert not {'torch', 'transformers', 'fecbench'} & set(sys.modules), 'more than was promised'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", example(folder) + check], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    predictor = Predictor.load(record, "cpu")
    texts = ["I can't believe it worked!", "She left without a word."]
    labels = [predictor.labels[index] for index in predictor.probabilities(texts).argmax(1)]
    assert done.stdout.splitlines() == [f"{label} {text}" for label, text in zip(labels, texts, strict=True)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_cards_example_predicts_with_transformers(exported, monkeypatch, capsys):
    _, folder = exported("hf", "roberta", "ce", **NATIVE)
    monkeypatch.chdir(folder)
    exec(compile(example(folder), "README.md", "exec"), {})
    assert set(re.findall(r"'label': '(\w+)'", capsys.readouterr().out)) & set(LABELS)


@pytest.mark.slow
def test_the_card_says_data_licence_scores_settings_limits_and_what_to_cite(exported):
    from huggingface_hub import ModelCard

    record, folder = exported("hf", "electra", "supcon", **NATIVE)
    card = ModelCard.load(folder / "README.md")
    assert card.data.library_name == "transformers"
    found = {(score.dataset_split, score.metric_type): score.metric_value for score in card.data.eval_results}
    assert found == {
        (split, metric): value for split, scores in record.result["metrics"].items() for metric, value in scores.items()
    }
    text = " ".join(card.text.split())
    assert "a data set of the user's own (`toy`): 60 training, 12 validation and 15 test texts" in text
    assert "Licence of the data: unknown." in text
    assert f"| accuracy | {100 * found['validation', 'accuracy']:.2f} | {100 * found['test', 'accuracy']:.2f} |" in text
    assert (
        "note = {{Khosla et al. 2020, Supervised Contrastive Learning; Gunel et al. 2021 (joint with cross-entropy)}}"
        in text
    )
    assert "title = {fecbench: Compare training objectives" in text
    assert "| contrastive_weight | 0.5 |" in text
    assert "encoder `electra`" in text
    assert "with seed 0, epoch" in text
    assert f"It reads the first {record.about['max_length']} tokens" in text
    assert all(f"| {label} |" in text for label in LABELS)


@pytest.mark.slow
def test_a_metric_whose_option_holds_a_bar_has_one_cell(trained, tmp_path):
    record = trained("bert", "ce", **NATIVE)
    shutil.copytree(record.folder, tmp_path / "run")
    unseal(tmp_path / "run")
    result = read_json(tmp_path / "run" / "result.json")
    for scores in result["metrics"].values():
        scores["micro_f1:without=glad|sad"] = 0.5
    write_json(tmp_path / "run" / "result.json", result)
    model_card.write(Record(tmp_path / "run"), Predictor.load(record, "cpu"), "hf", None, tmp_path, "mine")
    assert r"| micro\_f1:without=glad\|sad | 50.00 | 50.00 |" in (tmp_path / "README.md").read_text(encoding="utf-8")
