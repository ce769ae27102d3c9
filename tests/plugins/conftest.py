"""Fixtures of the tests of plugins: a chat endpoint, tiny causal models, and an environment without keys."""

import pytest

from tests.support.chat_server import Server
from tests.support.encoders import save_causal_model

TRAINING_CHECKS = ("test_it_learns", "test_a_resumed_run_equals_an_unbroken_one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the checks of the conformance kit that train whole runs as slow."""
    for item in items:
        if item.name in TRAINING_CHECKS:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def chat_server(monkeypatch):
    """The endpoint, and no proxy between it and us."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Server() as server:
        yield server


@pytest.fixture(scope="session")
def causal_model():
    """``causal_model(folder)`` saves one and returns the folder's path."""
    return save_causal_model


@pytest.fixture
def unset(monkeypatch):
    """No endpoint, key or model in the environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "FECBENCH_LLM_MODEL"):
        monkeypatch.delenv(name, raising=False)
