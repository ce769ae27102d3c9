"""A hub on loopback: serves folders as the Hugging Face hub does, for clients whose HF_ENDPOINT points here.

``root/datasets/OWNER/NAME/...`` and ``root/models/OWNER/NAME/...`` are its repositories; an empty folder
``root/private/OWNER/NAME`` marks a private model. Run as ``python hub_server.py ROOT``; it prints its address.
The token ``WRITER`` may create and change models of the owner ``me``, the token ``READER`` may only read.
"""

import base64
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
CHANGE = re.compile(r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main")
OWNER, WRITER, READER = "me", "hf_writer", "hf_reader"
ROLES = {WRITER: "write", READER: "read"}


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = Path()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if path == "/api/whoami-v2":
            self.send_account()
        elif match := FILE.fullmatch(path):
            self.send_file(self.root / (match[1] or "models") / match[2] / match[3])
        elif match := REPOSITORY.fullmatch(path):
            self.send_repository(match[1], match[2])
        elif match := TREE.fullmatch(path):
            self.send_json(
                [
                    {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": digest(f)}
                    for f in self.files(match[1], match[2])
                ]
            )
        else:
            self.send(404, b"{}")

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = unquote(urlsplit(self.path).path)
        match = CHANGE.fullmatch(path)
        if path == "/api/validate-yaml":
            self.send_json({"errors": [], "warnings": []})
        elif self.role() != "write":
            self.send(403, b'{"error": "this token may not write"}')
        elif path == "/api/repos/create":
            self.create(**json.loads(body))
        elif match and match[2] == "preupload":
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            self.send_json({"files": [{"path": file["path"], **modes} for file in json.loads(body)["files"]]})
        elif match:
            self.commit(match[1], [json.loads(line) for line in body.splitlines()])
        else:
            self.send(404, b"{}")

    def role(self):
        return ROLES.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

    def send_account(self):
        role = self.role()
        if role is None:
            self.send(401, b'{"error": "Invalid credentials"}')
        else:
            self.send_json({"type": "user", "name": OWNER, "auth": {"accessToken": {"role": role}}})

    def send_repository(self, kind, name):
        if not (self.root / kind / name).is_dir():
            self.send(404, b"{}", **{"X-Error-Code": "RepoNotFound"})
            return
        siblings = [{"rfilename": file.name} for file in self.files(kind, name)]
        private = kind == "models" and (self.root / "private" / name).is_dir()
        self.send_json({"id": name, "sha": COMMIT, "private": private, "tags": [], "siblings": siblings})

    def create(self, name, organization=None, visibility=None, private=False, **_):
        """Create a model; older clients send ``private`` in place of ``visibility``."""
        repository = f"{organization or OWNER}/{name}"
        url = f"http://{self.headers['Host']}/{repository}"
        if not repository.startswith(f"{OWNER}/"):
            self.send(403, json.dumps({"error": f"you may not write to {organization}"}).encode())
        elif (self.root / "models" / repository).is_dir():
            self.send(409, json.dumps({"error": "it exists", "url": url}).encode())
        else:
            (self.root / "models" / repository).mkdir(parents=True)
            if private or visibility == "private":
                (self.root / "private" / repository).mkdir(parents=True)
            self.send_json({"url": url})

    def commit(self, repository, lines):
        for line in lines:
            if line["key"] == "file":
                file = self.root / "models" / repository / line["value"]["path"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(base64.b64decode(line["value"]["content"]))
        url = f"http://{self.headers['Host']}/{repository}/commit/{COMMIT}"
        self.send_json({"commitUrl": url, "commitOid": COMMIT, "success": True})

    def files(self, kind, name):
        return [file for file in (self.root / kind / name).glob("*") if file.is_file()]

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
