"""A hub on loopback: serves folders as the Hugging Face hub does, for clients whose HF_ENDPOINT points here.

``root/datasets/OWNER/NAME/...`` and ``root/models/OWNER/NAME/...`` are its repositories. Run as
``python hub_server.py ROOT``; it prints its address.
"""

import hashlib
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40
FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/[^/]+/(.+)")
REPOSITORY = re.compile(r"/api/(datasets|models)/([^/]+/[^/]+)(/revision/[^/]+)?")
TREE = re.compile(r"/api/(datasets|models)/([^/]+/[^/]+)/tree/[^/]+(/.*)?")


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = Path()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if match := FILE.fullmatch(path):
            self.send_file(self.root / (match[1] or "models") / match[2] / match[3])
        elif match := REPOSITORY.fullmatch(path):
            names = [file.name for file in self.files(match)]
            self.send_json(
                {
                    "id": match[2],
                    "sha": COMMIT,
                    "private": False,
                    "tags": [],
                    "siblings": [{"rfilename": n} for n in names],
                }
            )
        elif match := TREE.fullmatch(path):
            self.send_json(
                [
                    {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": digest(f)}
                    for f in self.files(match)
                ]
            )
        else:
            self.send(404, b"{}")

    do_HEAD = do_GET  # noqa: N815

    def files(self, match):
        return [file for file in (self.root / match[1] / match[2]).glob("*") if file.is_file()]

    def send_file(self, file):
        if file.is_file():
            self.send(200, file.read_bytes(), ETag=f'"{digest(file)}"')
        else:
            self.send(404, b"", **{"X-Error-Code": "EntryNotFound"})

    def send_json(self, content):
        self.send(200, json.dumps(content).encode())

    def send(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def digest(file):
    return hashlib.sha1(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    Hub.root = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
