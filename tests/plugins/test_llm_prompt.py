"""Whole runs of ``llm-prompt``: their scores, what they need, and predictions of new texts."""

import numpy as np
import pytest

from fecbench import Predictor
from fecbench.core.files import read_tensors
from fecbench.testing import ObjectiveConformance
from fecbench.training import metrics
from fecbench_llm import Fake, LLMError, LLMPrompt
from tests.support.prompting import http, prompt_run, rows_of

pytestmark = pytest.mark.usefixtures("unset")


def test_no_answer_is_wrong_and_counts_for_no_class():
    true, predicted = np.array([0, 0, 1, 2]), np.array([0, -1, 1, 1])
    assert metrics.accuracy(true, predicted, 3) == 0.5
    assert metrics.weighted_f1(true, predicted, 3) == pytest.approx(0.5)
    assert metrics.macro_f1(true, predicted, 3) == pytest.approx(0.444444, abs=1e-6)


def test_gold_gives_everything_and_a_constant_the_share_of_its_class(toy, tmp_path, registered):
    gold = {row["text"]: row["label"] for row in rows_of(toy)}

    class Gold(LLMPrompt):
        def backend(self):
            return Fake(lambda prompt: f"Emotion: **{prompt.wording.labels[gold[prompt.text]].upper()}**")

    result = prompt_run(toy, tmp_path / "gold", registered("gold", Gold)).result
    assert result["metrics"] == {"test": {"accuracy": 1.0, "weighted_f1": 1.0, "macro_f1": 1.0}}
    assert result["unanswered"] == {"test": 0.0}
    constant = prompt_run(toy, tmp_path / "constant", backend="fake").result
    assert constant["metrics"]["test"]["accuracy"] == pytest.approx(1 / 3)


def test_nonsense_is_counted_as_no_answer(toy, tmp_path, registered):
    class Dull(LLMPrompt):
        def backend(self):
            return Fake(lambda prompt: "mad" if "window" in prompt.text else "no idea")

    record = prompt_run(toy, tmp_path / "run", registered("dull", Dull))
    right = sum("window" in row["text"] for row in rows_of(toy))
    assert 0 < right < 15
    assert record.result["unanswered"]["test"] == pytest.approx(1 - right / 15)
    assert record.result["metrics"]["test"]["accuracy"] == pytest.approx(right / 15)
    predicted = read_tensors(record.folder / "predictions.safetensors")[0]["predicted"]
    assert (predicted < 0).sum() == 15 - right


def test_without_the_extra_it_says_what_to_install(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("fecbench_llm.backend_selection.find_spec", lambda name: None if name == "tenacity" else name)
    assert LLMPrompt.unmet() == "it needs tenacity; pip install 'fecbench[llm]'"
    with pytest.raises(LLMError, match="--backend http: it needs tenacity; pip install"):
        prompt_run(toy, tmp_path / "run", base_url="http://127.0.0.1:1/v1", model="m")


def test_new_texts_are_predicted_and_no_answer_is_no_probability(toy, tmp_path, chat_server, monkeypatch):
    record = prompt_run(toy, tmp_path / "run", **http(chat_server))
    chat_server.reply = lambda body: "mad" if "window" in body["messages"][1]["content"] else "hm"
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    probabilities = Predictor.load(record, "cpu").probabilities(["the window!", "the fog"])
    labels = Predictor.load(record, "cpu").labels
    assert labels[int(probabilities[0].argmax())] == "mad"
    assert probabilities[0].max() > 0.99
    assert probabilities[1].eq(0).all()


@pytest.mark.slow
def test_it_conforms_with_demonstrations_too():
    kit = type("Kit", (ObjectiveConformance,), {"name": "llm-prompt", "settings": {"backend": "fake", "shots": 4}})()
    for check in ObjectiveConformance.checks():
        getattr(kit, check)()


def test_it_is_left_out_of_all_methods_with_the_reason(tmp_path):
    from fecbench.bench import matrix
    from fecbench.bench.spec import read_spec

    spec = tmp_path / "spec.toml"
    spec.write_text('title = "t"\nobjectives = "*"\ndatasets = ["demo"]\nseeds = [0]\n')
    assert "it needs a model to ask" in matrix.expand(read_spec(spec)).left_out["llm-prompt"]
