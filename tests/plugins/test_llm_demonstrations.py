"""Demonstrations in the prompts of a run: which rows they are, and for which text."""

import pytest

from fecbench import Predictor
from fecbench_llm import LLMError
from tests.support.prompting import http, prompt_run, rows_of

pytestmark = pytest.mark.usefixtures("unset")


def asked_prompts(server):
    return {request["body"]["messages"][1]["content"] for request in server.requests}


def shots_in(prompt):
    return prompt.split("\n\n")[1:-1]


def test_fixed_demonstrations_are_the_same_for_all_texts_and_a_function_of_the_seed(toy, tmp_path, chat_server):
    record = prompt_run(toy, tmp_path / "run", **http(chat_server, shots=3))
    shown = {tuple(shots_in(prompt)) for prompt in asked_prompts(chat_server)}
    assert len(shown) == 1
    rows, train = record.result["report"]["demonstrations"], rows_of(toy, "train")
    assert [block.split("\n")[0] for block in shown.pop()] == [f"Text: {train[row]['text']}" for row in rows]
    assert len({train[row]["label"] for row in rows}) == 3
    assert (
        rows
        != prompt_run(toy, tmp_path / "other", **http(chat_server, shots=3, seed=1)).result["report"]["demonstrations"]
    )
    with pytest.raises(LLMError, match="a run's record holds no texts; predict from a run with --shots 0"):
        Predictor.load(record, "cpu").probabilities(["what a day"])


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fixed", "per_text", "nearest"])
def test_a_text_is_never_its_own_demonstration(toy, tmp_path, chat_server, how):
    rows = [line.rpartition(",") for line in (toy / "train.csv").read_text().splitlines()[1:]]
    (toy / "test.csv").write_text(
        "\n".join(["text,label", *(f"{text.upper()}  ,{label}" for text, _, label in rows)]) + "\n"
    )
    prompt_run(
        toy, tmp_path / "run", **http(chat_server, shots=6, demonstrations=how, encoder="scratch", pooling="mean")
    )
    assert len(chat_server.requests) == 60
    counts = []
    for prompt in asked_prompts(chat_server):
        *shots, text = (block.split("\n")[0].casefold() for block in prompt.split("\n\n")[1:])
        assert text not in shots
        counts.append(len(shots))
    assert sorted(counts) == ([5] * 6 + [6] * 54 if how == "fixed" else [6] * 60)


def test_each_text_can_have_demonstrations_of_its_own(toy, tmp_path, chat_server):
    for name in "ab":
        prompt_run(toy, tmp_path / name, **http(chat_server, shots=2, demonstrations="per_text"))
    assert len(chat_server.requests) == 15
    assert len({tuple(shots_in(prompt)) for prompt in asked_prompts(chat_server)}) > 5


def test_the_nearest_stand_last_and_need_an_encoder_that_reads(toy, tmp_path, chat_server):
    lines = (toy / "train.csv").read_text().splitlines()
    twin = lines[1].rpartition(",")[0]
    (toy / "test.csv").write_text(f"text,label\n{twin} {twin},glad\nrain,sad\nshout,mad\n")
    prompt_run(
        toy, tmp_path / "run", **http(chat_server, shots=2, demonstrations="nearest", encoder="scratch", pooling="mean")
    )
    (prompt,) = [prompt for prompt in asked_prompts(chat_server) if prompt.endswith(f"Text: {twin} {twin}\nEmotion:")]
    assert shots_in(prompt)[-1] == f"Text: {twin}\nEmotion: glad"
    with pytest.raises(LLMError, match="nearest needs an encoder that tells texts apart"):
        prompt_run(toy, tmp_path / "none", **http(chat_server, shots=2, demonstrations="nearest"))


def test_the_nearest_are_found_once_whatever_the_precision(toy, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr("fecbench_llm.objective.nearest", lambda query, *_: looked.append(query) or [0])
    flags = {
        "backend": "fake",
        "shots": 1,
        "demonstrations": "nearest",
        "encoder": "scratch",
        "pooling": "mean",
        "precision": "bf16",
    }
    record = prompt_run(toy, tmp_path / "run", **flags)
    assert len(looked) == record.result["report"]["prompts"] == 15
