"""What the tests of prompting share: runs, tiny models, and a chat endpoint on loopback that answers well or badly, as it is told.

The endpoint's ``behaviours`` are met one by one, each by one request; when they are through, every request is answered well. A behaviour
is a name below, or a status with an optional ``Retry-After``: ``(429, "0")``.
"""

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import Workplace, run
from fecbench.runs.plan import plan

SERVED = "tiny-chat-2026-11-01"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(
                {"path": self.path, "headers": dict(self.headers), "body": body, "time": time.monotonic()}
            )
            behaviour = self.server.behaviours.pop(0) if self.server.behaviours else "well"
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
            if self.server.most == self.server.expected:
                self.server.enough.set()
        try:
            status, *after = behaviour if isinstance(behaviour, tuple) else (None,)
            self.refuse(status, *after) if status else getattr(self, behaviour)(body)
        finally:
            with self.server.lock:
                self.server.under_way -= 1

    def well(self, body):
        message = {"role": "assistant", "content": self.server.reply(body)}
        usage = {"prompt_tokens": 11, "completion_tokens": 2}
        self.send(200, json.dumps({"model": SERVED, "choices": [{"message": message}], "usage": usage}))

    def late(self, body):
        time.sleep(0.15)
        self.well(body)

    def together(self, body):
        """Once so many are under way as are expected."""
        self.server.enough.wait(10)
        self.well(body)

    def slow(self, body):
        self.server.released.wait(5)
        self.well(body)

    def drip(self, body):
        """A byte now and then, as long as somebody reads."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.drop_by_drop(b" ")

    def drip_headers(self, body):
        self.drop_by_drop(b"HTTP/1.1 200 OK\r\nX-Much: ", b"x")

    def drop_by_drop(self, *drops):
        self.close_connection = True
        try:
            for drop in drops[:-1]:
                self.wfile.write(drop)
            while not self.server.released.wait(0.05):
                self.wfile.write(drops[-1])
        except OSError:
            self.server.hung_up.set()

    def bomb(self, body):
        """A small body that is a large one once it is decompressed."""
        self.send_bytes(200, gzip.compress(b" " * 100_000_000, 1), {"Content-Encoding": "gzip"})

    def squeezed(self, body):
        message = {"model": SERVED, "choices": [{"message": {"content": self.server.reply(body)}}]}
        self.send_bytes(200, gzip.compress(json.dumps(message).encode()), {"Content-Encoding": "gzip"})

    def packed_thrice(self, body):
        content = b" " * 100_000_000
        for _ in range(3):
            content = gzip.compress(content, 1)
        self.send_bytes(200, content, {"Content-Encoding": "gzip, gzip, gzip"})

    def mispacked(self, body):
        self.send_bytes(200, b"plain", {"Content-Encoding": "gzip"})

    def flood(self, body):
        self.send_bytes(200, b" " * 20_000_000, {})

    def cut(self, body):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"model": "half')
        self.close_connection = True

    def hang_up(self, body):
        self.close_connection = True

    def page(self, body):
        self.send(200, "<html>Welcome to the proxy</html>")

    def other_json(self, body):
        self.send(200, json.dumps({"choices": []}))

    def number(self, body):
        self.send(200, json.dumps({"choices": [{"message": {"content": 7}}]}))

    def endless(self, body):
        self.send(200, '{"choices": [{"message": {"content": "sad"}}], "usage": {"prompt_tokens": 1e400}}')

    def deep(self, body):
        self.send(200, "[" * 100_000)

    def halves(self, body):
        self.send(200, r'{"model": "tiny \ud800", "choices": [{"message": {"content": "sad \udc00"}}]}')

    def echo(self, body):
        message = {
            "model": f"tiny-chat for {self.headers['Authorization']}",
            "choices": [{"message": {"content": "sad"}}],
        }
        self.send(200, json.dumps(message))

    def null(self, body):
        self.send(200, json.dumps({"choices": [{"message": {"content": None}}]}))

    def filtered(self, body):
        self.send(400, json.dumps({"error": {"code": "content_filter", "message": "refused"}}))

    def too_long(self, body):
        self.send(
            400,
            json.dumps(
                {"error": {"code": "context_length_exceeded", "message": "This model's maximum context length is 64"}}
            ),
        )

    def moved(self, body):
        self.send(302, "", Location="http://127.0.0.1:1/elsewhere")

    def tell_tale(self, body):
        self.send(
            401, json.dumps({"error": {"message": f"Incorrect API key provided: {self.headers['Authorization']}"}})
        )

    def refuse(self, status, after=None):
        self.send(
            status,
            json.dumps({"error": {"message": f"told to say {status}"}}),
            **({"Retry-After": after} if after else {}),
        )

    def send(self, status, text, **headers):
        self.send_bytes(status, text.encode(), headers)

    def send_bytes(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.released, self.enough, self.hung_up = (
            threading.Lock(),
            threading.Event(),
            threading.Event(),
            threading.Event(),
        )
        self.expected = 0
        self.requests, self.behaviours = [], []
        self.under_way = self.most = 0
        self.reply = lambda body: "sad"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """A client that is gone is what some tests are about."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def chat_server(monkeypatch):
    """The endpoint, and no proxy between it and us."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        yield server


def save_causal_model(folder, template=None, zero=False, positions=512):
    """A tiny Llama of random weights with a byte-level tokenizer, begin and end tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "<|user|>": 3}
    vocabulary |= {letter: 4 + place for place, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<|user|>"],
    )
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }
    config = LlamaConfig(
        vocab_size=len(vocabulary), max_position_embeddings=positions, bos_token_id=1, eos_token_id=2, **sizes
    )
    network = LlamaForCausalLM(config)
    if zero:
        network.lm_head.weight.data.zero_()
    network.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def causal_model():
    """``causal_model(folder)`` saves one and returns the folder's path."""
    return save_causal_model


@pytest.fixture
def unset(monkeypatch):
    """No endpoint, key or model in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FECBENCH_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)


def go(data, folder, kind="llm-prompt", **flags):
    chosen = plan(kind, {"dataset": str(data), "device": "cpu", "batch_size": 4, "seed": 0, **flags})
    return run(chosen, Workplace(DataLocations(), folder))


def rows_of(data, split="test"):
    return load_dataset(plan("llm-prompt", {"dataset": str(data), "backend": "fake"}).settings, DataLocations()).splits[
        split
    ]


def http(server, **flags):
    return {"base_url": server.url, "model": "tiny-chat", "concurrency": 3, **flags}


def files_in(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
