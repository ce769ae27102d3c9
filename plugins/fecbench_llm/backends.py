"""Who answers prompts. The backends without a model are here; ``endpoint.py`` asks a server, ``local.py`` a model on this machine."""

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
BYTES_A_TOKEN = 4  # of English text, about, whatever the tokenizer
TOKENS_A_MESSAGE = 4  # for the marks around it


class LLMError(FecbenchError):
    """A language model can't be asked."""


class Backend(Protocol):
    """Who answers prompts."""

    @property
    def identity(self) -> Mapping[str, object]:
        """What its answers depend on besides the prompt: model and settings; empty where they needn't be kept."""

    @property
    def new_tokens(self) -> int:
        """Tokens of an answer at most."""

    def tokens(self, prompt: Prompt) -> int:
        """Tokens of ``prompt``, at least about."""

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Have every prompt answered; ``keep(prompt, answer)`` gets each answer as it comes, in any order, from any thread.

        Raises:
            LLMError: the model can't be had, or doesn't answer. What was kept before stands.
        """


def about_tokens(prompt: Prompt) -> int:
    """An estimate of a prompt's tokens where the tokenizer isn't known.

    >>> from fecbench_llm.prompts import EmoLLaMA
    >>> about_tokens(EmoLLaMA(("glad", "sad")).about("it rained"))
    42
    """
    return sum(
        TOKENS_A_MESSAGE + math.ceil(len(message["content"].encode()) / BYTES_A_TOKEN) for message in prompt.messages
    )


def now() -> str:
    """The date and time of an answer."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def first_label(prompt: Prompt) -> str:
    """The label that is listed first."""
    return prompt.wording.labels[0]


class Fake:
    """Answers from a function: the first label to everything, unless told otherwise. For tests and trials."""

    identity: ClassVar[Mapping[str, object]] = {}
    new_tokens = 0

    def __init__(self, reply: Callable[[Prompt], str] = first_label):
        self.reply = reply

    def tokens(self, prompt: Prompt) -> int:
        """An estimate."""
        return about_tokens(prompt)

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Answer at once."""
        for prompt in prompts:
            keep(prompt, Answer(self.reply(prompt), model="fake", date=now()))


class Replay:
    """Answers that are in a file already, and no others."""

    identity: ClassVar[Mapping[str, object]] = {}
    new_tokens = 0

    def __init__(self, path: Path):
        self.path = path

    def tokens(self, prompt: Prompt) -> int:
        """Nothing is asked."""
        return 0

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Say what is missing."""
        if prompts:
            raise LLMError(
                f"--backend replay needs an answer to every prompt, but {self.path} has none to {len(prompts):,} of them; replay under the "
                "settings, seed and data of the run that wrote it, or ask the model (--backend http or hf)"
            )
