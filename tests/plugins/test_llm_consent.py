"""Texts, secrets and money go only where the user allows, whatever a record names."""

import pytest
from platformdirs import user_cache_path

from fecbench import Predictor
from fecbench.core.errors import UsageError
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench_llm import Estimate, LLMError, LLMPrompt, Prices
from fecbench_llm.backend_selection import check_record
from fecbench_llm.config import LLMPromptConfig
from tests.support.prompting import files_in, http, prompt_run, rows_of

pytestmark = pytest.mark.usefixtures("unset")
KEY = "sk-very-secret-0123456789"


@pytest.mark.slow
def test_a_run_over_http_repeats_no_question_and_holds_no_secret_or_text(
    toy, tmp_path, chat_server, monkeypatch, capsys
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = {"mad": "window", "sad": "dog"}
    chat_server.reply = lambda body: next(
        (f"quoting you, {label}" for label, word in words.items() if word in body["messages"][1]["content"]), "glad"
    )
    chat_server.behaviours = [(429, "0"), "cut", "page"]
    first = prompt_run(toy, tmp_path / "one", **http(chat_server))
    assert len(chat_server.requests) == 15 + 3
    assert all(request["headers"]["Authorization"] == f"Bearer {KEY}" for request in chat_server.requests)
    again = prompt_run(toy, tmp_path / "two", **http(chat_server))
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


def test_the_environment_names_endpoint_and_model_and_the_model_is_recorded(toy, tmp_path, chat_server, monkeypatch):
    assert "set OPENAI_BASE_URL and FECBENCH_LLM_MODEL" in LLMPrompt.unmet()
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    assert "set FECBENCH_LLM_MODEL, or name one" in LLMPrompt.unmet()
    with pytest.raises(LLMError, match="needs a model: --model NAME"):
        prompt_run(toy, tmp_path / "none")
    monkeypatch.setenv("FECBENCH_LLM_MODEL", "by-environment")
    assert LLMPrompt.unmet() == ""
    record = prompt_run(toy, tmp_path / "run")
    assert record.about["settings"]["model"]["value"] == "by-environment"
    assert not any(chat_server.url.encode() in content for content in files_in(record.folder).values())
    monkeypatch.delenv("OPENAI_BASE_URL")
    with pytest.raises(LLMError, match="needs an endpoint: --base-url"):
        prompt_run(toy, tmp_path / "nowhere")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://me:{KEY}@host/v1")
    with pytest.raises(LLMError, match=r"OPENAI_BASE_URL: .* without user, password") as caught:
        prompt_run(toy, tmp_path / "secret")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"api_key_env": KEY}, "must be the name of an environment variable in capitals"),
        ({"base_url": f"https://me:{KEY}@host/v1"}, "must be an address without user, password or query"),
        ({"base_url": f"https://host/v1?key={KEY}"}, "must be an address without user, password or query"),
        ({"base_url": "host/v1"}, "must begin with http:// or https://"),
        ({"base_url": f"https://me:{KEY}/v1"}, "must be a valid address with a port below 65536"),
        ({"base_url": "http://host:99999/v1"}, "must be a valid address"),
        ({"base_url": "http://[::1/v1"}, "must be a valid address"),
        ({"base_url": "http://host..name/v1"}, "must be a valid address"),
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


def test_a_limit_refuses_to_start_and_prices_are_the_users(toy, tmp_path, chat_server, capsys):
    with pytest.raises(
        LLMError, match=r"--max-tokens allows 100 tokens, but the 15 prompts would take about [\d,]+; nothing was asked"
    ):
        prompt_run(toy, tmp_path / "run", **http(chat_server, max_tokens=100))
    assert not chat_server.requests
    capsys.readouterr()
    prompt_run(toy, tmp_path / "paid", **http(chat_server, max_tokens=100_000, price_in=1000.0, price_out=2000.0))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if " to ask" in line]
    read, written = (
        int(number.replace(",", ""))
        for number in (line.split("about ")[1].split()[0], line.split("at most ")[1].split()[0])
    )
    assert written == 15 * 16
    assert line.endswith(f"at most about {(read * 1000 + written * 2000) / 1e6:,.2f} at the given prices")
    assert "price" not in Estimate(1, 1, 1, 1).in_words(Prices())


def test_a_record_alone_sends_neither_texts_nor_a_secret(toy, tmp_path, chat_server, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not yours")
    record = prompt_run(toy, tmp_path / "run", **http(chat_server), api_key_env="AWS_SECRET_ACCESS_KEY")
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
    ({"backend": "replay", "answers": "/etc/passwd"}, "a replayed run cannot answer new texts"),
])  # fmt: skip
def test_a_record_alone_opens_no_file(options, message):
    with pytest.raises(LLMError, match=message):
        check_record(LLMPromptConfig(**options))


SPEC = {"backend": "http", "model": "m", "temperature": 0.0}


def by_spec(toy, folder, flags=None, **spec):
    """A run whose options a spec gives, but for the ``flags``."""
    chosen = plan("llm-prompt", {"dataset": str(toy), "device": "cpu", "seed": 0, **(flags or {})}, {**SPEC, **spec})
    return run(chosen, RunContext(DataLocations(), folder))


def test_a_spec_alone_names_no_server(toy, tmp_path, chat_server, monkeypatch):
    for named in (None, "https://elsewhere/v1", f"{chat_server.url}/further"):
        if named:
            monkeypatch.setenv("OPENAI_BASE_URL", named)
        with pytest.raises(LLMError, match=f"the spec has texts sent to {chat_server.url}.* set OPENAI_BASE_URL to it"):
            by_spec(toy, tmp_path / "run", base_url=chat_server.url)
    assert not chat_server.requests
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    assert by_spec(toy, tmp_path / "agreed", base_url=chat_server.url).status == "complete"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert (
        by_spec(toy, tmp_path / "typed", {"base_url": chat_server.url}, base_url="https://elsewhere/v1").status
        == "complete"
    )


@pytest.mark.parametrize("by_environment", [True, False])
def test_a_spec_alone_names_no_secret(toy, tmp_path, chat_server, monkeypatch, by_environment):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not yours")
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    spec = {"api_key_env": "AWS_SECRET_ACCESS_KEY", **({} if by_environment else {"base_url": chat_server.url})}
    with pytest.raises(
        LLMError, match=r"content of the variable AWS_SECRET_ACCESS_KEY .* put the server's key into OPENAI_API_KEY"
    ):
        by_spec(toy, tmp_path / "run", **spec)
    assert not chat_server.requests
    by_spec(toy, tmp_path / "typed", {"api_key_env": "AWS_SECRET_ACCESS_KEY"})
    assert chat_server.requests[0]["headers"]["Authorization"] == "Bearer not yours"


@pytest.mark.parametrize(
    "place",
    ["[objective.llm-prompt]\nbase_url = URL", "[grid]\nselect = 'validation'\nobjective.llm-prompt.base_url = URL"],
)
def test_a_bench_starts_nothing_before_the_user_agrees(toy, tmp_path, chat_server, fecbench, place):
    spec, url = tmp_path / "spec.toml", f'"{chat_server.url}"'
    text = place.replace("URL", f"[{url}]" if "grid" in place else url)
    spec.write_text(
        f'title = "t"\nobjectives = ["llm-prompt"]\ndatasets = ["{toy}"]\nseeds = [0]\nsettings.model = "m"\n{text}\n'
    )
    code, _, err = fecbench("bench", spec, "--root", tmp_path / "runs")
    assert code == 1
    assert "a file alone doesn't decide who reads your texts" in err
    assert not chat_server.requests
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_smoke_test_asks_nobody(tmp_path, chat_server, fecbench):
    spec = tmp_path / "spec.toml"
    spec.write_text(
        f'title = "t"\ndatasets = ["demo"]\nseeds = [0]\n[[row]]\nname = "chat"\nobjective = "llm-prompt"\n'
        f'settings = {{ model = "m", base_url = "{chat_server.url}", shots = 2 }}\n'
    )
    code, _, err = fecbench("bench", spec, "--smoke", "--root", tmp_path / "runs")
    assert (code, chat_server.requests) == (0, []), err
