"""A chat endpoint on loopback that answers well or badly, as its ``behaviours`` say.

Each behaviour answers one request, in order; after the last one, every request is answered well. A behaviour is the
name of a method below, or a status with an optional ``Retry-After``: ``(429, "0")``.
"""

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
