"""The protocol of backends, which answer prompts, and the backends without a model.

``endpoint.py`` has the backend that asks a server, ``local.py`` the one that runs a model on this machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Protocol

from fecbench import FecbenchError
from fecbench_llm.answers import Answer
from fecbench_llm.prompts import Prompt

Keep = Callable[[Prompt, Answer], None]
BYTES_A_TOKEN = 4  # a rule of thumb for English text and any tokenizer
TOKENS_A_MESSAGE = 4  # for the special tokens around a message


class LLMError(FecbenchError):
    """A language model that can't be asked or doesn't answer."""


class Backend(Protocol):
    """A source of answers to prompts."""

    @property
    def identity(self) -> Mapping[str, object]:
        """Return the model and settings that answers depend on besides the prompt; empty if answers need no file."""

    @property
    def new_tokens(self) -> int:
        """Return the most tokens of an answer."""

    def tokens(self, prompt: Prompt) -> int:
        """Return the number of tokens of ``prompt``, exactly or about."""

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Answer every prompt and pass each answer to ``keep(prompt, answer)`` as it comes, in any order and thread.

        Raises:
            LLMError: the model is not available or doesn't answer. Answers that were kept before remain.
        """


def about_tokens(prompt: Prompt) -> int:
    """Estimate the number of tokens of a prompt for an unknown tokenizer.

    >>> from fecbench_llm.prompts import EmoLLaMA
    >>> about_tokens(EmoLLaMA(("glad", "sad")).about("it rained"))
    42
    """
    return sum(
        TOKENS_A_MESSAGE + math.ceil(len(message["content"].encode()) / BYTES_A_TOKEN) for message in prompt.messages
    )


def now() -> str:
    """Return the present date and time, UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def first_label(prompt: Prompt) -> str:
    """Return the label that the prompt lists first."""
    return prompt.wording.labels[0]


class Fake:
    """A backend for tests and trials: a function answers, by default with the first label."""

    identity: ClassVar[Mapping[str, object]] = {}
    new_tokens = 0

    def __init__(self, reply: Callable[[Prompt], str] = first_label):
        self.reply = reply

    def tokens(self, prompt: Prompt) -> int:
        """Return an estimate."""
        return about_tokens(prompt)

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Answer every prompt."""
        for prompt in prompts:
            keep(prompt, Answer(self.reply(prompt), model="fake", date=now()))


class Replay:
    """A backend that asks nothing, for runs that replay a file of answers."""

    identity: ClassVar[Mapping[str, object]] = {}
    new_tokens = 0

    def __init__(self, path: Path):
        self.path = path

    def tokens(self, prompt: Prompt) -> int:
        """Return 0: nothing is asked."""
        return 0

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Raise LLMError if any prompt has no answer in the file."""
        if prompts:
            raise LLMError(
                f"--backend replay needs an answer to every prompt, but {self.path} has none to {len(prompts):,} of "
                "them; replay under the settings, seed and data of the run that wrote it, or ask the model "
                "(--backend http or hf)"
            )
