"""An endpoint that misbehaves: transient faults are retried, others stop; no answer and no secret gets lost."""

import logging
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from fecbench_llm import Answers, Chat, Decoding, Demonstration, Endpoint, Interview, LLMError

KEY = "sk-very-secret-0123456789"
CHAT = Chat(("glad", "sad", "mad"))


def endpoint(server, **settings):
    return Endpoint(
        server.url, "tiny-chat", **{"key": KEY, "backoff": 0.01, "timeout": 5.0, "concurrency": 4, **settings}
    )


def ask(server, count=1, shots=(), **settings):
    """Return the kept answers to ``count`` prompts."""
    kept = {}
    prompts = [CHAT.about(f"text {number}", shots) for number in range(count)]
    endpoint(server, **settings).ask(prompts, lambda prompt, answer: kept.__setitem__(prompt.text, answer))
    return kept


def test_a_request_and_its_answer(chat_server):
    kept = ask(chat_server)
    request = chat_server.requests[0]
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert request["body"] == {
        "model": "tiny-chat",
        "messages": CHAT.about("text 0").messages,
        "max_tokens": 16,
        "temperature": 0.0,
    }
    answer = kept["text 0"]
    assert (answer.text, answer.model, answer.prompt_tokens, answer.completion_tokens) == (
        "sad",
        "tiny-chat-2026-11-01",
        11,
        2,
    )
    assert abs(datetime.fromisoformat(answer.date) - datetime.now(UTC)) < timedelta(minutes=1)


def test_no_key_no_header_and_what_is_the_protocols_default_is_not_said(chat_server):
    ask(
        chat_server,
        key="",
        decoding=Decoding(temperature=1.0, max_new_tokens=200, seed=3),
        token_limit="max_completion_tokens",
    )
    request = chat_server.requests[0]
    assert "Authorization" not in request["headers"]
    assert request["body"].keys() == {"model", "messages", "max_completion_tokens", "seed"}


@pytest.mark.parametrize(
    "fault",
    [(429,), (500,), (502,), (503, "0"), (408,), "cut", "hang_up", "page", "other_json", "number", "endless", "deep"],
)
def test_what_may_pass_is_tried_again(chat_server, fault):
    chat_server.behaviours = [fault, fault]
    assert ask(chat_server)["text 0"].text == "sad"
    assert len(chat_server.requests) == 3


@pytest.mark.parametrize("fault", [(429,), (500,), "cut", "hang_up", "page"])
def test_what_does_not_pass_stops_after_the_retries_with_its_reason(chat_server, fault):
    chat_server.behaviours = [fault] * 10
    with pytest.raises(
        LLMError, match=r"the endpoint must answer, but 3 attempts found .+; the answers before are kept"
    ):
        ask(chat_server, retries=2)
    assert len(chat_server.requests) == 3


def test_an_endpoint_that_is_too_slow_is_given_up_and_asked_again(chat_server):
    chat_server.behaviours = ["slow"]
    # long enough for the second answer on a busy machine
    assert ask(chat_server, timeout=1.0)["text 0"].text == "sad"
    assert len(chat_server.requests) == 2


@pytest.mark.parametrize("fault", ["drip", "drip_headers", "slow"])
def test_an_answer_has_a_deadline_however_it_comes(chat_server, fault):
    chat_server.behaviours = [fault] * 2
    with pytest.raises(LLMError, match=r"2 attempts found no whole answer within 0\.4 s"):
        ask(chat_server, timeout=0.4, retries=1)
    assert len(chat_server.requests) == 2


@pytest.mark.parametrize("fault", ["bomb", "flood"])
def test_an_answer_has_a_largest_size(chat_server, fault):
    chat_server.behaviours = [fault]
    with pytest.raises(
        LLMError, match="answer must be at most 8,388,608 bytes, decompressed, but is larger; check --base-url"
    ):
        ask(chat_server)
    assert len(chat_server.requests) == 1


def test_an_answer_packed_several_times_is_not_unpacked(chat_server):
    chat_server.behaviours = ["packed_thrice"]
    with pytest.raises(LLMError, match="1 attempts found an answer that is no chat completion"):
        ask(chat_server, retries=0)


def test_an_answer_that_is_not_packed_as_it_says_is_asked_for_again(chat_server):
    chat_server.behaviours = ["mispacked"]
    assert ask(chat_server, retries=1)["text 0"].text == "sad"
    assert len(chat_server.requests) == 2


def test_a_compressed_answer_is_read(chat_server):
    chat_server.behaviours = ["squeezed"]
    assert ask(chat_server)["text 0"].text == "sad"


@pytest.mark.parametrize("fault", ["drip", "drip_headers", "slow"])
def test_a_stop_gives_up_an_answer_that_does_not_come(chat_server, monkeypatch, fault):
    monkeypatch.setattr("fecbench_llm.endpoint.GRACE", 0.2)
    chat_server.behaviours = [fault] * 2
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt():
        while len(chat_server.requests) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    stopper = threading.Thread(target=interrupt)
    stopper.start()
    kept = []
    with pytest.raises(KeyboardInterrupt):
        endpoint(chat_server, timeout=10_000.0, concurrency=2).ask(
            [CHAT.about("one"), CHAT.about("two")], lambda prompt, answer: kept.append(answer)
        )
    stopper.join()
    assert kept == []
    if fault != "slow":
        assert chat_server.hung_up.wait(10)


def test_nobody_listens(chat_server):
    with pytest.raises(LLMError, match="2 attempts found ConnectError"):
        Endpoint("http://127.0.0.1:1/v1", "m", retries=1, backoff=0.01).ask([CHAT.about("x")], lambda *_: None)


@pytest.mark.slow
def test_retry_after_is_honoured_in_seconds_and_as_a_date(chat_server):
    chat_server.behaviours = [(429, "0.4")]
    ask(chat_server)
    first, second = (request["time"] for request in chat_server.requests)
    assert second - first >= 0.4
    date = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)  # headers know whole seconds
    chat_server.behaviours = [(503, format_datetime(date, usegmt=True))]
    ask(chat_server)
    assert datetime.now(UTC) >= date


def test_an_endpoint_that_wants_to_be_left_alone_for_long_is(chat_server):
    chat_server.behaviours = [(429, "86400")]
    with pytest.raises(LLMError, match=r"allows the next request in 86400 s \(HTTP 429: .*told to say 429"):
        ask(chat_server)


def test_waits_grow(chat_server):
    chat_server.behaviours = [(500,)] * 3
    ask(chat_server, backoff=0.1)
    times = [request["time"] for request in chat_server.requests]
    waits = [later - sooner for sooner, later in pairwise(times)]
    for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True):
        assert least <= wait < least + 0.6


def test_halves_of_characters_are_replaced(chat_server):
    chat_server.behaviours = ["halves"]
    answer = ask(chat_server)["text 0"]
    assert (answer.text, answer.model) == ("sad ?", "tiny ?")


@pytest.mark.parametrize("proxy", ["odd://proxy:1", "socks5://proxy:1"])
def test_a_proxy_that_can_not_be_used_is_named(chat_server, monkeypatch, proxy):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(
        LLMError, match=r"the proxy that the environment names \(HTTP_PROXY, HTTPS_PROXY, ALL_PROXY\) can't be used: "
    ):
        ask(chat_server)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ((401,), "HTTP 401.*check the key"),
        ((404,), "HTTP 404.*check --base-url, --model"),
        ((400,), "HTTP 400"),
        ("moved", "HTTP 302"),
    ],
)
def test_a_refusal_is_not_repeated(chat_server, fault, reason):
    chat_server.behaviours = [fault]
    with pytest.raises(LLMError, match=f"must take the request, but refuses it with {reason}"):
        ask(chat_server)
    assert len(chat_server.requests) == 1


def test_no_content_and_a_filtered_text_are_no_answer(chat_server):
    chat_server.behaviours = ["null", "filtered"]
    assert [answer.text for answer in ask(chat_server, 2, concurrency=1).values()] == ["", ""]


def test_a_prompt_that_is_too_long_loses_its_farthest_demonstrations_first(chat_server):
    chat_server.behaviours = ["too_long", "too_long"]
    shots = [Demonstration(f"shot {number}", "sad") for number in range(4)]
    answer = ask(chat_server, shots=shots)["text 0"]
    assert (answer.text, answer.dropped) == ("sad", 2)
    last = chat_server.requests[-1]["body"]["messages"][1]["content"]
    assert [f"shot {number}" in last for number in range(4)] == [False, False, True, True]
    assert last.startswith("Emotions: glad, sad, mad")
    chat_server.behaviours = ["too_long"] * 3
    answer = ask(chat_server, shots=shots[:2])["text 0"]
    assert (answer.text, answer.dropped) == ("", 2)


def test_a_request_too_long_without_a_text_is_the_options_fault(chat_server):
    chat_server.behaviours = ["too_long"] * 9
    with pytest.raises(
        LLMError,
        match=r"calls it too long even without a text: .*maximum context length is 64.*; lower --max-new-tokens",
    ):
        ask(chat_server, 3, concurrency=1)
    assert len(chat_server.requests) == 2
    assert chat_server.requests[1]["body"]["messages"] == CHAT.about("").messages


@pytest.mark.slow
def test_more_at_once_than_a_client_has_connections_by_default(chat_server):
    chat_server.behaviours, chat_server.expected = ["together"] * 110, 110
    assert len(ask(chat_server, 110, concurrency=110, timeout=30.0)) == 110
    assert chat_server.most == 110


def test_so_many_at_once_and_no_more(chat_server):
    chat_server.behaviours, chat_server.expected = ["together"] * 24, 6
    assert len(ask(chat_server, 24, concurrency=6, timeout=30.0)) == 24
    assert chat_server.most == 6


def test_the_key_is_in_no_message_answer_log_or_repr(chat_server, caplog):
    caplog.set_level(logging.DEBUG)
    chat_server.behaviours = ["tell_tale"]
    with pytest.raises(LLMError) as caught:
        ask(chat_server)
    assert "Bearer [key]" in str(caught.value)
    told = [
        str(caught.value),
        repr(caught.value),
        repr(endpoint(chat_server)),
        str(endpoint(chat_server).identity),
        caplog.text,
    ]
    assert not any(KEY in line for line in told)


@pytest.mark.parametrize("behaviour", ["well", "echo"])
def test_an_answer_that_repeats_the_key_is_refused_and_not_kept(chat_server, behaviour):
    chat_server.reply = lambda body: f"your key is {KEY}, sad"
    chat_server.behaviours = [behaviour]
    answers = Answers()
    with pytest.raises(
        LLMError, match="answers must not repeat the key, which would be kept with them, but one does"
    ) as caught:
        Interview(endpoint(chat_server), answers).ask([CHAT.about("x")])
    assert KEY not in str(caught.value)
    assert not answers


@pytest.mark.parametrize("key", ["a", "none", "EMPTY", "afraid", "sad"])
def test_a_short_key_changes_no_answer(chat_server, key):
    said = f"Emotion: afraid, none of EMPTY a {key} [key]"
    chat_server.reply = lambda body: said
    assert ask(chat_server, key=key)["text 0"].text == said
    chat_server.behaviours = ["tell_tale"]
    with pytest.raises(LLMError, match=r"Incorrect API key provided: Bearer \[key\]"):
        ask(chat_server, key=key)


@pytest.mark.parametrize("key", ["sk-\u2026", "sk\nX-Other: 1"])
def test_a_key_that_can_not_be_sent_is_named_without_being_shown(chat_server, key):
    with pytest.raises(LLMError, match="must be printable ASCII") as caught:
        ask(chat_server, key=key)
    assert key not in str(caught.value)
    assert not chat_server.requests


def test_a_failure_keeps_what_was_answered_and_goes_on_there(chat_server, tmp_path):
    prompts = [CHAT.about(f"text {number}") for number in range(12)]
    chat_server.behaviours = ["well"] * 7 + [(404,)]
    interview = Interview(endpoint(chat_server, concurrency=1), Answers(tmp_path / "answers.jsonl"))
    with pytest.raises(LLMError):
        interview.ask(prompts)
    assert len(Answers(tmp_path / "answers.jsonl")) == 7
    chat_server.requests.clear()
    again = Interview(endpoint(chat_server), Answers(tmp_path / "answers.jsonl"))
    assert {answer.text for answer in again.ask(prompts)} == {"sad"}
    assert len(chat_server.requests) == 5


@pytest.mark.slow
def test_ctrl_c_loses_no_answer_and_none_is_asked_for_twice(chat_server, tmp_path, monkeypatch):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chat_server.behaviours = ["late"] * 40

    def interrupt():
        while len(chat_server.requests) < 10:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    prompts = [CHAT.about(f"text {number}") for number in range(40)]
    with pytest.raises(KeyboardInterrupt):
        Interview(endpoint(chat_server), Answers(tmp_path / "answers.jsonl")).ask(prompts)
    asked = len(chat_server.requests)
    assert 10 <= asked <= 16
    kept = Answers(tmp_path / "answers.jsonl")
    assert len(kept) == asked, "those under way are waited for"
    assert len(Interview(endpoint(chat_server), kept).ask(prompts)) == 40
    assert len(chat_server.requests) == 40
