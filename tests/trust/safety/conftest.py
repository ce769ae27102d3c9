"""Fixtures of the tests of safety: an empty current folder, payloads, an encoder, and questions that are asked."""

import io
import pickle
from pathlib import Path

import pytest
import torch

from fecbench.model.encoders.network import encoder_network
from tests.support.hostile import Payload


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def marker(tmp_path) -> Path:
    return tmp_path / "it ran"


@pytest.fixture
def payloads(marker, tmp_path) -> list[bytes]:
    """A bare pickle and a torch file, either of which would make the marker."""
    torch.save(Payload(marker), tmp_path / "payload.pt")
    bare, file = pickle.dumps(Payload(marker)), (tmp_path / "payload.pt").read_bytes()
    for unpickle in (lambda: pickle.loads(bare), lambda: torch.load(io.BytesIO(file), weights_only=False)):
        unpickle()
        marker.unlink()  # raises where it wasn't made
    return [bare, file]


@pytest.fixture
def folder(here, source, tokenizer) -> Path:
    """A pretrained encoder's folder."""
    encoder_network(source()).save_pretrained(here / "encoder")
    tokenizer.save_pretrained(here / "encoder")
    return here / "encoder"


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Questions that were asked at the terminal; each is answered by yes."""
    questions: list[str] = []

    def answer(question: object = "") -> str:
        questions.append(str(question))
        return "y"

    monkeypatch.setattr("builtins.input", answer)
    return questions
