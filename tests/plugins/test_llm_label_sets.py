"""``llm-prompt`` on texts with several labels: the list that is asked for, answers read as sets, and refusals."""

import numpy as np
import pytest
import torch

from fecbench import Predictor, Task
from fecbench.core.files import read_tensors
from fecbench.data.datasets.rows import targets_of
from fecbench.runs.plan import plan
from fecbench.runs.predictor import data_of
from fecbench.testing import LabelSetConformance
from fecbench_llm import Answer, Chat, Demonstration, EmoLLaMA, Fake, LLMError, LLMPrompt, LLMPromptConfig, Parser
from fecbench_llm.demonstrations import LabelSetPool, draw, rarest_labels
from tests.support.prompting import prompt_run

pytestmark = pytest.mark.usefixtures("unset")

NAMES = ["joy", "love", "quiet pride", "sadness", "gratitude"]


def read(answer, names=NAMES):
    found = Parser(names, "all").all_named(answer)
    return None if found is None else [names[index] for index in found]


@pytest.mark.parametrize(
    ("answer", "labels"),
    [
        ("love, joy", ["joy", "love"]),
        ("Joy and love.", ["joy", "love"]),
        ('["joy", "quiet pride"]', ["joy", "quiet pride"]),
        ("- **Joy**\n- Sadness", ["joy", "sadness"]),
        ("joy, joy, JOY", ["joy"]),
        ("Emotions: love", ["love"]),
        ("It isn't sadness.\nEmotions: joy, love", ["joy", "love"]),  # what follows the cue counts
        ("Emotions:\n1. joy\n2. love", ["joy", "love"]),
        ("This text contains emotions: joy, sadness", ["joy", "sadness"]),
        ("<think>sadness?</think>joy", ["joy"]),
        ("thankfulness, joy", ["joy", "gratitude"]),  # an alias beside a label
        ("none", []),
        ("Emotions: None.", []),
        ("none of these", None),
        ("joyless", None),
        ("", None),
        ("<think>joy, love", None),
    ],
)
def test_answers_read_as_sets(answer, labels):
    assert read(answer) == labels


def test_a_label_called_none_is_a_label():
    assert read("none", ["none", "joy"]) == ["none"]


@pytest.mark.parametrize("names", [["quiet pride", "pride"], ["pride", "quiet pride"]])
def test_a_label_within_another_is_not_named_by_it(names):
    assert read("quiet pride", names) == ["quiet pride"]
    assert sorted(read("pride, quiet pride", names)) == ["pride", "quiet pride"]


@pytest.mark.parametrize("subject", ["text", "situation", "comment"])
@pytest.mark.parametrize("form", [Chat, EmoLLaMA])
def test_the_prompt_asks_for_a_list(form, subject):
    one, several = (form(tuple(NAMES), subject, several=flag) for flag in (False, True))
    shots = [Demonstration("a gift", "joy, gratitude")]
    text = "\n".join(message["content"] for message in several.about("it rained", shots).messages)
    assert "emotions" in text
    assert "exactly one" not in text
    assert "single emotion" not in text
    assert "joy, gratitude" in text
    assert text.endswith("Text: it rained\n" + ("Emotions:" if form is Chat else EmoLLaMA.CUE))
    assert several.about("it rained").key != one.about("it rained").key


def test_the_chat_prompt_word_for_word():
    shots = [Demonstration("a gift", "joy, love")]
    system, user = Chat(("joy", "love"), several=True).about("it rained", shots).messages
    assert system["content"] == (
        "Name the emotions of the list that the writer feels in the text. Answer with one label from the list or with "
        "several, separated by commas and spelled as there, and with nothing else; if no label fits, answer none."
    )
    assert user["content"] == "Emotions: joy, love\n\nText: a gift\nEmotions: joy, love\n\nText: it rained\nEmotions:"


TARGETS = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 0, 0], [1, 1, 0]], dtype=bool)


def test_examples_are_of_different_rarest_labels():
    assert rarest_labels(TARGETS).tolist() == [0, 1, 2, 3, 1]
    pool = LabelSetPool.of([f"text {row}" for row in range(5)], TARGETS, ("a", "b", "c"))
    assert [shot.label for shot in pool.shown(range(5))] == ["a", "a, b", "a, c", "none", "a, b"]
    for seed in range(20):
        rows = draw(pool.labels, np.ones(5, bool), 4, np.random.default_rng(seed))
        assert len(set(pool.labels[rows])) == 4
    assert pool.others("TEXT 3").tolist() == [True, True, True, False, True]


def objective(**options) -> LLMPrompt:
    task = Task("toy", tuple(NAMES), tuple(NAMES), 1, 1, 0, labelling="multi")
    return LLMPrompt(LLMPromptConfig(backend="fake", **options), task)


@pytest.mark.parametrize(
    ("multi", "expected"), [("all", [1, 1, -1, -1, -1]), ("first", [-1, 1, -1, -1, -1]), ("invalid", None)]
)
def test_logits_of_an_answer_with_several_labels(multi, expected):
    logits = objective(multi=multi).logits(Answer("love, joy"))
    if expected is None:
        assert logits.isneginf().all()
    else:
        torch.testing.assert_close(logits, 10.0 * torch.tensor(expected, dtype=torch.float32))


def test_no_label_is_an_answer_and_nonsense_is_none():
    asked = objective(multi="all")
    assert asked.logits(Answer("none")).eq(-10).all()
    assert asked.logits(Answer("well")).isneginf().all()


def test_a_list_has_room_for_more_tokens():
    assert [LLMPromptConfig(multi=multi).decodes(0).max_new_tokens for multi in ("first", "all")] == [16, 48]
    assert LLMPromptConfig(multi="all", max_new_tokens=5).decodes(0).max_new_tokens == 5
    assert LLMPromptConfig(multi="all", decoding="reference", backend="hf").decodes(0).max_new_tokens == 256


def test_data_sets_with_several_labels_ask_for_all_of_them():
    for name in ("demo-multi", "ge-multi"):
        assert plan("llm-prompt", {"dataset": name}).options.multi == "all"
    assert plan("llm-prompt", {"dataset": "ge-multi"}).options.subject == "comment"
    assert plan("llm-prompt", {"dataset": "ge"}).options.multi == "first"


def test_one_label_is_noted_where_texts_have_several():
    assert objective(multi="all").notes() == ()
    (note,) = objective(multi="first").notes()
    assert note.startswith("--multi first gives a text one label at most, and texts of toy can have several")
    single = Task("toy", tuple(NAMES), tuple(NAMES), 1, 1, 0)
    assert LLMPrompt(LLMPromptConfig(backend="fake"), single).notes() == ()


def test_what_does_not_fit_the_labels_is_refused(toy, tmp_path):
    with pytest.raises(LLMError, match=r"--multi all reads several labels of an answer, but a text of .* has one; use"):
        prompt_run(toy, tmp_path / "run", backend="fake", multi="all")
    with pytest.raises(LLMError, match=r"--score likelihood compares .* but a text of demo-multi can have sev"):
        prompt_run("demo-multi", tmp_path / "run", backend="hf", model="x", multi="first", score="likelihood")


def test_answers_are_no_scores():
    assert not LLMPrompt.gives_scores(LLMPromptConfig(multi="all"))
    assert LLMPrompt.gives_scores(LLMPromptConfig(backend="hf", score="likelihood"))


@pytest.mark.slow
def test_true_answers_give_everything(tmp_path, registered):
    gold = {}

    class Gold(LLMPrompt):
        def backend(self):
            return Fake(lambda prompt: "Emotions: " + ", ".join(gold[prompt.text]))

    data = data_of(prompt_run("demo-multi", tmp_path / "first", backend="fake"))
    rows = data.splits["test"]
    for row in rows:
        gold[" ".join(row["text"].split())] = [data.labels[label] for label in row["labels"]]
    record = prompt_run("demo-multi", tmp_path / "run", registered("gold", Gold), multi="all", shots=3)
    scores = record.result["metrics"]["test"]
    assert {name: scores[name] for name in ("macro_f1", "jaccard", "exact_match")} == pytest.approx(
        {"macro_f1": 1.0, "jaccard": 1.0, "exact_match": 1.0}
    )
    assert record.result["unanswered"] == {"test": 0.0}
    assert not {"mean_average_precision", "lrap", "nll", "brier", "ece"} & scores.keys()  # answers are no scores
    given = read_tensors(record.folder / "predictions.safetensors")[0]["given"]
    assert given.numpy().tolist() == (targets_of(rows, 12) > 0.5).tolist()
    assert set(record.result["thresholds"].values()) == {0.5}
    assert len(record.result["report"]["demonstrations"]) == 3


def test_new_texts_get_all_labels_of_an_answer(tmp_path, registered):
    class Two(LLMPrompt):
        def backend(self):
            return Fake(lambda prompt: "sad, lonely")

    record = prompt_run("demo-multi", tmp_path / "run", registered("two", Two), multi="all")
    predictor = Predictor.load(record, "cpu")
    (shares,) = predictor.probabilities(["the fog"])
    assert {label for label, share in zip(predictor.labels, shares, strict=True) if share > 0.99} == {"sad", "lonely"}


class TestConformance(LabelSetConformance):
    name = "llm-prompt"
    settings = {"backend": "fake", "shots": 4}  # noqa: RUF012
