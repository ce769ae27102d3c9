"""Whole runs of ``llm-prompt``: scores, kept answers, replays, what stands in the record and what never does."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from platformdirs import user_cache_path

from fecbench import FecbenchError, Predictor, metrics
from fecbench.atomic import read_tensors
from fecbench.datasets import load
from fecbench.datasets.core import Places
from fecbench.errors import UsageError
from fecbench.experiment import Workplace, run
from fecbench.planning import plan
from fecbench.testing import ObjectiveConformance
from fecbench_llm import Answer, Answers, Chat, Estimate, Fake, Interview, LLMError, LLMPrompt, Prices
from fecbench_llm.choosing import agreed
from fecbench_llm.config import LLMPromptConfig

ODD = "\u2028 \N{SMILING FACE WITH OPEN MOUTH}\n"
KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FECBENCH_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)


def go(data, folder, kind="llm-prompt", **flags):
    chosen = plan(kind, {"dataset": str(data), "device": "cpu", "batch_size": 4, "seed": 0, **flags})
    return run(chosen, Workplace(Places(), folder))


def rows_of(data, split="test"):
    return load(plan("llm-prompt", {"dataset": str(data), "backend": "fake"}).settings, Places()).splits[split]


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

    result = go(toy, tmp_path / "gold", registered("gold", Gold)).result
    assert result["metrics"] == {"test": {"accuracy": 1.0, "weighted_f1": 1.0, "macro_f1": 1.0}}
    assert result["unanswered"] == {"test": 0.0}
    constant = go(toy, tmp_path / "constant", backend="fake").result
    assert constant["metrics"]["test"]["accuracy"] == pytest.approx(1 / 3)


def test_nonsense_is_counted_as_no_answer(toy, tmp_path, registered):
    class Dull(LLMPrompt):
        def backend(self):
            return Fake(lambda prompt: "mad" if "window" in prompt.text else "no idea")

    record = go(toy, tmp_path / "run", registered("dull", Dull))
    right = sum("window" in row["text"] for row in rows_of(toy))
    assert 0 < right < 15
    assert record.result["unanswered"]["test"] == pytest.approx(1 - right / 15)
    assert record.result["metrics"]["test"]["accuracy"] == pytest.approx(right / 15)
    predicted = read_tensors(record.folder / "predictions.safetensors")[0]["predicted"]
    assert (predicted < 0).sum() == 15 - right


def http(server, **flags):
    return {"base_url": server.url, "model": "tiny-chat", "concurrency": 3, **flags}


def files_in(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_a_run_over_http_repeats_no_question_and_holds_no_secret_no_text_and_no_answer(toy, tmp_path, chat_server, monkeypatch, capsys):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = {"mad": "window", "sad": "dog"}
    chat_server.reply = lambda body: next(
        (f"quoting you, {label}" for label, word in words.items() if word in body["messages"][1]["content"]), "glad"
    )
    chat_server.behaviours = [(429, "0"), "cut", "page"]
    first = go(toy, tmp_path / "one", **http(chat_server))
    assert len(chat_server.requests) == 15 + 3
    assert all(request["headers"]["Authorization"] == f"Bearer {KEY}" for request in chat_server.requests)
    again = go(toy, tmp_path / "two", **http(chat_server))
    assert len(chat_server.requests) == 15 + 3
    assert again.result["metrics"] == first.result["metrics"]
    assert again.result["report"] == first.result["report"]
    report = first.result["report"]
    assert report["models"] == ["tiny-chat-2026-11-01"]
    assert (report["prompts"], report["prompt_tokens"], report["completion_tokens"]) == (15, 15 * 11, 15 * 2)
    assert report["answered"][0][:4].isdecimal()
    said = capsys.readouterr()
    assert "15 prompts, 15 to ask: about " in said.err
    texts = [text.encode() for text in rows_of(toy)["text"]]
    for path, content in files_in(tmp_path / "one").items():
        assert KEY.encode() not in content, path
        assert b"quoting you" not in content, path
        assert not any(text in content for text in texts), path
    assert KEY not in said.out + said.err
    kept = files_in(user_cache_path("fecbench") / "answers")
    assert any(b"quoting you" in content for content in kept.values())
    assert not any(KEY.encode() in content for content in kept.values())


def test_another_model_seed_or_wording_is_another_question(toy, tmp_path, chat_server):
    base = {"temperature": 0.0}
    changes = [{}, {"model": "other"}, {"subject": "comment"}, {"max_new_tokens": 5}, {"temperature": 1.0}, {"temperature": 1.0, "seed": 1}]
    for number, change in enumerate(changes):
        go(toy, tmp_path / str(number), **{**http(chat_server), **base, **change})
        assert len(chat_server.requests) == 15 * (number + 1), change
    go(toy, tmp_path / "seed", **http(chat_server, seed=7, concurrency=1, price_in=3.0))
    assert len(chat_server.requests) == 15 * len(changes), "what can't change an answer asks nothing"


def test_without_the_extra_it_says_what_to_install(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("fecbench_llm.choosing.find_spec", lambda name: None if name == "tenacity" else name)
    assert LLMPrompt.unmet() == "it needs tenacity; pip install 'fecbench[llm]'"
    with pytest.raises(LLMError, match="--backend http: it needs tenacity; pip install"):
        go(toy, tmp_path / "run", base_url="http://127.0.0.1:1/v1", model="m")


def test_the_environment_names_endpoint_and_model_and_the_model_is_recorded(toy, tmp_path, chat_server, monkeypatch):
    assert "set OPENAI_BASE_URL and FECBENCH_LLM_MODEL" in LLMPrompt.unmet()
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    assert "set FECBENCH_LLM_MODEL, or name one" in LLMPrompt.unmet()
    with pytest.raises(LLMError, match="needs a model: --model NAME"):
        go(toy, tmp_path / "none")
    monkeypatch.setenv("FECBENCH_LLM_MODEL", "by-environment")
    assert LLMPrompt.unmet() == ""
    record = go(toy, tmp_path / "run")
    assert record.about["settings"]["model"]["value"] == "by-environment"
    assert not any(chat_server.url.encode() in content for content in files_in(record.folder).values())
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(LLMError, match="needs an endpoint: --base-url"):
        go(toy, tmp_path / "nowhere")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://me:{KEY}@host/v1")
    with pytest.raises(LLMError, match=r"OPENAI_BASE_URL: .* without user, password") as caught:
        go(toy, tmp_path / "secret")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"api_key_env": KEY}, "must be the name of an environment variable in capitals"),
        ({"base_url": f"https://me:{KEY}@host/v1"}, "must be an address without user, password or query"),
        ({"base_url": f"https://host/v1?key={KEY}"}, "must be an address without user, password or query"),
        ({"base_url": "host/v1"}, "must begin with http:// or https://"),
        ({"base_url": f"https://me:{KEY}/v1"}, "must be an address that can be, with a port below 65536"),
        ({"base_url": "http://host:99999/v1"}, "must be an address that can be"),
        ({"base_url": "http://[::1/v1"}, "must be an address that can be"),
        ({"base_url": "http://host..name/v1"}, "must be an address that can be"),
        ({"decoding": "reference"}, "--decoding reference needs --backend hf"),
        ({"score": "likelihood"}, "--score likelihood needs --backend hf"),
        ({"score": "likelihood", "backend": "fake"}, "--score likelihood needs --backend hf"),
        ({"backend": "replay"}, "go together"),
        ({"answers": "a.jsonl"}, "go together"),
    ],
)
def test_options_that_do_not_fit_are_refused_and_secrets_not_repeated(flags, message):
    with pytest.raises(UsageError, match=message) as caught:
        plan("llm-prompt", {"dataset": "demo", **flags})
    assert KEY not in str(caught.value)


def test_a_replay_scores_again_without_asking(toy, tmp_path, chat_server, monkeypatch):
    draw = random.Random(0)
    chat_server.reply = lambda body: draw.choice(["glad", "sad", "mad", "hm"])
    first = go(toy, tmp_path / "http", **http(chat_server, subject="situation"))
    (path,) = [path for path, content in files_in(user_cache_path("fecbench") / "answers").items() if chat_server.url.encode() in content]
    asked = len(chat_server.requests)
    replays = [go(toy, tmp_path / name, backend="replay", answers=str(path), subject="situation") for name in "ab"]
    assert len(chat_server.requests) == asked
    assert replays[0].result["metrics"] == replays[1].result["metrics"] == first.result["metrics"]
    assert replays[0].result["unanswered"] == first.result["unanswered"]
    assert replays[0].result["report"] == first.result["report"]
    with pytest.raises(LLMError, match=r"has none to 15 of them; replay under the settings"):
        go(toy, tmp_path / "c", backend="replay", answers=str(path), subject="comment")
    with pytest.raises(LLMError, match=r"--answers must be a file of answers, but .* isn't there"):
        go(toy, tmp_path / "d", backend="replay", answers=str(path) + "x")


@pytest.mark.parametrize("text", ["sad", "[1, 2]", "3", '["a", "b", "c"]'])
def test_likelihoods_that_are_none_are_named(tmp_path, toy, text):
    texts = [row["text"] for row in rows_of(toy)]
    file = tmp_path / "kept.jsonl"
    file.write_text("".join(json.dumps({"prompt": Chat(("glad", "mad", "sad")).about(one).key, "text": text}) + "\n" for one in texts))
    with pytest.raises(LLMError, match="likelihood needs answers that are a number for each of 3 labels, but there are others; replay"):
        go(toy, tmp_path / "run", backend="replay", answers=str(file), score="likelihood")


def test_kept_lines_of_another_make_are_left_out(tmp_path):
    file = tmp_path / "kept.jsonl"
    lines = [{"prompt": "a", "text": 5}, {"prompt": "b", "text": "sad", "date": None}, {"text": "sad"}, [], {"prompt": "c", "text": "sad"}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert dict(Answers.read(file)) == {"c": Answer("sad")}


def test_a_model_of_a_very_long_name_has_its_answers_kept(toy, tmp_path, chat_server):
    go(toy, tmp_path / "run", **{**http(chat_server), "model": "long" * 100})
    assert len(chat_server.requests) == 15


def asked_prompts(server):
    return {request["body"]["messages"][1]["content"] for request in server.requests}


def shots_in(prompt):
    return prompt.split("\n\n")[1:-1]


def test_fixed_demonstrations_are_the_same_for_all_texts_and_a_function_of_the_seed(toy, tmp_path, chat_server):
    record = go(toy, tmp_path / "run", **http(chat_server, shots=3))
    shown = {tuple(shots_in(prompt)) for prompt in asked_prompts(chat_server)}
    assert len(shown) == 1
    rows, train = record.result["report"]["demonstrations"], rows_of(toy, "train")
    assert [block.split("\n")[0] for block in shown.pop()] == [f"Text: {train[row]['text']}" for row in rows]
    assert len({train[row]["label"] for row in rows}) == 3
    assert rows != go(toy, tmp_path / "other", **http(chat_server, shots=3, seed=1)).result["report"]["demonstrations"]
    with pytest.raises(LLMError, match="a run's record holds no texts; predict from a run with --shots 0"):
        Predictor.load(record, "cpu").probabilities(["what a day"])


@pytest.mark.parametrize("how", ["fixed", "per_text", "nearest"])
def test_a_text_is_never_its_own_demonstration(toy, tmp_path, chat_server, how):
    rows = [line.rpartition(",") for line in (toy / "train.csv").read_text().splitlines()[1:]]
    (toy / "test.csv").write_text("\n".join(["text,label", *(f"{text.upper()}  ,{label}" for text, _, label in rows)]) + "\n")
    go(toy, tmp_path / "run", **http(chat_server, shots=6, demonstrations=how, encoder="scratch", pooling="mean"))
    assert len(chat_server.requests) == 60
    counts = []
    for prompt in asked_prompts(chat_server):
        *shots, text = (block.split("\n")[0].casefold() for block in prompt.split("\n\n")[1:])
        assert text not in shots
        counts.append(len(shots))
    assert sorted(counts) == ([5] * 6 + [6] * 54 if how == "fixed" else [6] * 60)


def test_each_text_can_have_demonstrations_of_its_own(toy, tmp_path, chat_server):
    for name in "ab":
        go(toy, tmp_path / name, **http(chat_server, shots=2, demonstrations="per_text"))
    assert len(chat_server.requests) == 15
    assert len({tuple(shots_in(prompt)) for prompt in asked_prompts(chat_server)}) > 5


def test_the_nearest_stand_last_and_need_an_encoder_that_reads(toy, tmp_path, chat_server):
    lines = (toy / "train.csv").read_text().splitlines()
    twin = lines[1].rpartition(",")[0]
    (toy / "test.csv").write_text(f"text,label\n{twin} {twin},glad\nrain,sad\nshout,mad\n")
    go(toy, tmp_path / "run", **http(chat_server, shots=2, demonstrations="nearest", encoder="scratch", pooling="mean"))
    (prompt,) = [prompt for prompt in asked_prompts(chat_server) if prompt.endswith(f"Text: {twin} {twin}\nEmotion:")]
    assert shots_in(prompt)[-1] == f"Text: {twin}\nEmotion: glad"
    with pytest.raises(LLMError, match="nearest needs an encoder that tells texts apart"):
        go(toy, tmp_path / "none", **http(chat_server, shots=2, demonstrations="nearest"))


def test_the_nearest_are_found_once_whatever_the_precision(toy, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr("fecbench_llm.objective.nearest", lambda query, *_: looked.append(query) or [0])
    flags = {"backend": "fake", "shots": 1, "demonstrations": "nearest", "encoder": "scratch", "pooling": "mean", "precision": "bf16"}
    record = go(toy, tmp_path / "run", **flags)
    assert len(looked) == record.result["report"]["prompts"] == 15


def test_a_limit_refuses_to_start_and_prices_are_the_users(toy, tmp_path, chat_server, capsys):
    with pytest.raises(LLMError, match=r"--max-tokens allows 100 tokens, but the 15 prompts would take about [\d,]+; nothing was asked"):
        go(toy, tmp_path / "run", **http(chat_server, max_tokens=100))
    assert not chat_server.requests
    capsys.readouterr()
    go(toy, tmp_path / "paid", **http(chat_server, max_tokens=100_000, price_in=1000.0, price_out=2000.0))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if " to ask" in line]
    read, written = (int(number.replace(",", "")) for number in (line.split("about ")[1].split()[0], line.split("at most ")[1].split()[0]))
    assert written == 15 * 16
    assert line.endswith(f"at most about {(read * 1000 + written * 2000) / 1e6:,.2f} at the given prices")
    assert "price" not in Estimate(1, 1, 1, 1).in_words(Prices())


def test_new_texts_are_predicted_and_no_answer_is_no_probability(toy, tmp_path, chat_server, monkeypatch):
    record = go(toy, tmp_path / "run", **http(chat_server))
    chat_server.reply = lambda body: "mad" if "window" in body["messages"][1]["content"] else "hm"
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    probabilities = Predictor.load(record, "cpu").probabilities(["the window!", "the fog"])
    labels = Predictor.load(record, "cpu").labels
    assert labels[int(probabilities[0].argmax())] == "mad"
    assert probabilities[0].max() > 0.99
    assert probabilities[1].eq(0).all()


def test_a_record_alone_sends_neither_texts_nor_a_secret(toy, tmp_path, chat_server, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not yours")
    record = go(toy, tmp_path / "run", **http(chat_server), api_key_env="AWS_SECRET_ACCESS_KEY")
    asked = len(chat_server.requests)
    with pytest.raises(LLMError, match=f"the run asked {chat_server.url}.* set OPENAI_BASE_URL to it"):
        Predictor.load(record, "cpu").probabilities(["a new text"])
    assert len(chat_server.requests) == asked
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    Predictor.load(record, "cpu").probabilities(["a new text"])
    assert chat_server.requests[-1]["headers"]["Authorization"] == "Bearer mine"


@pytest.mark.parametrize(("options", "message"), [
    ({"backend": "hf", "model": "/home/me/model"}, "set FECBENCH_LLM_MODEL to it"),
    ({"backend": "replay", "answers": "/etc/passwd"}, "a run of kept answers has none for new texts"),
])  # fmt: skip
def test_a_record_alone_opens_no_file(options, message):
    with pytest.raises(LLMError, match=message):
        agreed(LLMPromptConfig(**options))


@pytest.mark.slow
def test_a_killed_run_goes_on_and_asks_only_for_the_rest(toy, tmp_path, chat_server):
    chat_server.behaviours = ["late"] * 15
    flags = ["--dataset", toy, "--base-url", chat_server.url, "--model", "killed", "--run-dir", tmp_path / "run", "--concurrency", 1]
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
    threads = [threading.Thread(target=Interview(Fake(reply), Answers(tmp_path / "a.jsonl")).ask, args=(prompts,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == sorted(prompt.text for prompt in prompts)


def test_a_place_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FecbenchError, match="must be a folder to keep answers in"):
        Interview(Fake(), Answers(tmp_path / "file" / "a.jsonl")).ask([Chat(("sad",)).about("x")])


def test_the_same_text_twice_is_asked_once():
    asked = []
    prompts = [Chat(("sad",)).about(text) for text in ("a", "b", "a")]
    answers = Interview(Fake(lambda prompt: asked.append(prompt.text) or prompt.text), Answers()).ask(prompts)
    assert [answer.text for answer in answers] == ["a", "b", "a"]
    assert asked == ["a", "b"]


@pytest.mark.slow
def test_it_conforms_with_demonstrations_too():
    kit = type("Kit", (ObjectiveConformance,), {"name": "llm-prompt", "settings": {"backend": "fake", "shots": 4}})()
    for check in ObjectiveConformance.checks():
        getattr(kit, check)()


@pytest.mark.slow
def test_a_smoke_test_asks_nobody(tmp_path, chat_server, fecbench):
    spec = tmp_path / "spec.toml"
    spec.write_text(
        f'title = "t"\ndatasets = ["demo"]\nseeds = [0]\n[[row]]\nname = "chat"\nobjective = "llm-prompt"\n'
        f'settings = {{ model = "m", base_url = "{chat_server.url}", shots = 2 }}\n'
    )
    code, _, err = fecbench("bench", spec, "--smoke", "--root", tmp_path / "runs")
    assert (code, chat_server.requests) == (0, []), err


@pytest.mark.parametrize("score", ["answer", "likelihood"])
def test_the_preset_asks_a_local_model_and_keeps_its_answers(toy, tmp_path, causal_model, score, monkeypatch):
    folder = causal_model(tmp_path / "model")
    flags = {"preset": "emollama", "model": folder, "score": score, "shots": 1, "max_new_tokens": 4}
    first = go(toy, tmp_path / "one", **flags)
    logits = read_tensors(first.folder / "predictions.safetensors")[0]["logits"]
    assert logits.isfinite().all() or score == "answer"
    assert first.result["unanswered"]["test"] == (1.0 if score == "answer" else 0.0)
    assert first.result["report"]["prompt_tokens"] > 15 * 100
    monkeypatch.setattr("fecbench_llm.local.LocalModel.ask", None)
    again = go(toy, tmp_path / "two", **flags)
    assert read_tensors(again.folder / "predictions.safetensors")[0]["logits"].equal(logits)


def test_it_is_left_out_of_all_methods_with_the_reason(tmp_path):
    from fecbench import matrix, specs

    spec = tmp_path / "spec.toml"
    spec.write_text('title = "t"\nobjectives = "*"\ndatasets = ["demo"]\nseeds = [0]\n')
    assert "it needs a model to ask" in matrix.expand(specs.read(spec)).left_out["llm-prompt"]
