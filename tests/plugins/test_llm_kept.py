"""Stored answers: no question is asked twice, after kills, from several processes, or in a replay."""

import json
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from platformdirs import user_cache_path

from fecbench import FecbenchError
from fecbench.core.files import read_tensors
from fecbench_llm import Answer, Answers, Chat, Fake, Interview, LLMError
from tests.support.prompting import files_in, http, prompt_run, rows_of

pytestmark = pytest.mark.usefixtures("unset")
ODD = "\u2028 \N{SMILING FACE WITH OPEN MOUTH}\n"


@pytest.mark.slow
def test_another_model_seed_or_wording_is_another_question(toy, tmp_path, chat_server):
    base = {"temperature": 0.0}
    changes = [
        {},
        {"model": "other"},
        {"subject": "comment"},
        {"max_new_tokens": 5},
        {"temperature": 1.0},
        {"temperature": 1.0, "seed": 1},
    ]
    for number, change in enumerate(changes):
        prompt_run(toy, tmp_path / str(number), **{**http(chat_server), **base, **change})
        assert len(chat_server.requests) == 15 * (number + 1), change
    prompt_run(toy, tmp_path / "seed", **http(chat_server, seed=7, concurrency=1, price_in=3.0))
    assert len(chat_server.requests) == 15 * len(changes), "what can't change an answer asks nothing"


def test_the_same_text_twice_is_asked_once():
    asked = []
    prompts = [Chat(("sad",)).about(text) for text in ("a", "b", "a")]
    answers = Interview(Fake(lambda prompt: asked.append(prompt.text) or prompt.text), Answers()).ask(prompts)
    assert [answer.text for answer in answers] == ["a", "b", "a"]
    assert asked == ["a", "b"]


@pytest.mark.slow
def test_a_replay_scores_again_without_asking(toy, tmp_path, chat_server, monkeypatch):
    draw = random.Random(0)
    chat_server.reply = lambda body: draw.choice(["glad", "sad", "mad", "hm"])
    first = prompt_run(toy, tmp_path / "http", **http(chat_server, subject="situation"))
    (path,) = [
        path
        for path, content in files_in(user_cache_path("fecbench") / "answers").items()
        if chat_server.url.encode() in content
    ]
    asked = len(chat_server.requests)
    replays = [
        prompt_run(toy, tmp_path / name, backend="replay", answers=str(path), subject="situation") for name in "ab"
    ]
    assert len(chat_server.requests) == asked
    assert replays[0].result["metrics"] == replays[1].result["metrics"] == first.result["metrics"]
    assert replays[0].result["unanswered"] == first.result["unanswered"]
    assert replays[0].result["report"] == first.result["report"]
    with pytest.raises(LLMError, match=r"has none to 15 of them; replay under the settings"):
        prompt_run(toy, tmp_path / "c", backend="replay", answers=str(path), subject="comment")
    with pytest.raises(LLMError, match=r"--answers must be a file of answers, but .* doesn't exist"):
        prompt_run(toy, tmp_path / "d", backend="replay", answers=str(path) + "x")


@pytest.mark.parametrize("text", ["sad", "[1, 2]", "3", '["a", "b", "c"]'])
def test_likelihoods_that_are_none_are_named(tmp_path, toy, text):
    texts = [row["text"] for row in rows_of(toy)]
    file = tmp_path / "kept.jsonl"
    file.write_text(
        "".join(
            json.dumps({"prompt": Chat(("glad", "mad", "sad")).about(one).key, "text": text}) + "\n" for one in texts
        )
    )
    with pytest.raises(
        LLMError, match="likelihood needs answers that are a number for each of 3 labels, but there are others; replay"
    ):
        prompt_run(toy, tmp_path / "run", backend="replay", answers=str(file), score="likelihood")


def test_kept_lines_of_another_make_are_left_out(tmp_path):
    file = tmp_path / "kept.jsonl"
    lines = [
        {"prompt": "a", "text": 5},
        {"prompt": "b", "text": "sad", "date": None},
        {"text": "sad"},
        [],
        {"prompt": "c", "text": "sad"},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert dict(Answers.read(file)) == {"c": Answer("sad")}


def test_a_model_of_a_very_long_name_has_its_answers_kept(toy, tmp_path, chat_server):
    prompt_run(toy, tmp_path / "run", **{**http(chat_server), "model": "long" * 100})
    assert len(chat_server.requests) == 15


@pytest.mark.slow
def test_a_killed_run_goes_on_and_asks_only_for_the_rest(toy, tmp_path, chat_server):
    chat_server.behaviours = ["late"] * 15
    flags = [
        "--dataset",
        toy,
        "--base-url",
        chat_server.url,
        "--model",
        "killed",
        "--run-dir",
        tmp_path / "run",
        "--concurrency",
        1,
    ]
    command = [sys.executable, "-m", "fecbench", "run", "llm-prompt", *map(str, flags)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        while len(chat_server.requests) < 5:
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        said = child.communicate()[1]
    assert child.returncode == 1
    assert "stopped; the same command with --resume" in said
    assert "Traceback" not in said
    before = len(chat_server.requests)
    assert 5 <= before < 15
    done = subprocess.run([*command, "--resume", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["metrics"]["test"]["accuracy"] == pytest.approx(1 / 3)
    assert len(chat_server.requests) == 15


def test_kept_answers_survive_torn_lines_threads_and_other_processes(tmp_path):
    path = tmp_path / "sub" / "answers.jsonl"
    answers = Answers(path, {"model": "m"})
    with answers.alone():
        threads = [threading.Thread(target=answers.keep, args=(f"k{n}", Answer(ODD * n))) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert json.loads(path.read_text().splitlines()[0]) == {"model": "m"}
    assert dict(Answers(path)) == dict(answers)
    with path.open("a") as file:
        file.write('{"prompt": "torn", "ans')
    later = Answers(path)
    assert len(later) == 20
    later.keep("next", Answer("glad"))
    later.keep("k3", Answer("a second answer"))
    answers.refresh()
    assert answers["next"].text == "glad"
    assert answers["k3"].text == ODD * 3 == Answers(path)["k3"].text
    assert len(Answers(path)) == 21


def test_two_processes_ask_one_after_another(tmp_path):
    asked = []

    def reply(prompt):
        asked.append(prompt.text)
        time.sleep(0.02)
        return "sad"

    prompts = [Chat(("sad",)).about(f"text {n}") for n in range(10)]
    threads = [
        threading.Thread(target=Interview(Fake(reply), Answers(tmp_path / "a.jsonl")).ask, args=(prompts,))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == sorted(prompt.text for prompt in prompts)


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FecbenchError, match="must be a writable folder for the answers"):
        Interview(Fake(), Answers(tmp_path / "file" / "a.jsonl")).ask([Chat(("sad",)).about("x")])


@pytest.mark.parametrize("score", ["answer", "likelihood"])
def test_the_preset_asks_a_local_model_and_keeps_its_answers(toy, tmp_path, causal_model, score, monkeypatch):
    folder = causal_model(tmp_path / "model")
    flags = {"preset": "emollama", "model": folder, "score": score, "shots": 1, "max_new_tokens": 4}
    first = prompt_run(toy, tmp_path / "one", **flags)
    logits = read_tensors(first.folder / "predictions.safetensors")[0]["logits"]
    assert logits.isfinite().all() or score == "answer"
    assert first.result["unanswered"]["test"] == (1.0 if score == "answer" else 0.0)
    assert first.result["report"]["prompt_tokens"] > 15 * 100
    monkeypatch.setattr("fecbench_llm.local.LocalModel.ask", None)
    again = prompt_run(toy, tmp_path / "two", **flags)
    assert read_tensors(again.folder / "predictions.safetensors")[0]["logits"].equal(logits)
