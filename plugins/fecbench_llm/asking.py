"""All prompts of a split answered: what is kept already isn't asked again, and what it will cost is said before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import click

from fecbench_llm.backends import Backend, LLMError

if TYPE_CHECKING:
    from fecbench_llm.answers import Answer, Answers
    from fecbench_llm.prompts import Prompt

MILLION = 1_000_000
SECONDS = 10.0


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost, read and written, in whatever currency; None where nobody said."""

    read: float | None = None
    written: float | None = None


@dataclass(frozen=True)
class Estimate:
    """What remains to be asked, and what that takes.

    Attributes:
        prompts: different prompts.
        asked: those that are without an answer yet.
        read: tokens of these.
        written: tokens of their answers at most.

    >>> print(Estimate(552, 540, 40_000, 8_640).in_words(Prices(0.5, 1.5)))
    552 prompts, 540 to ask: about 40,000 tokens to read and at most 8,640 to write, at most about 0.03 at the given prices
    """

    prompts: int
    asked: int
    read: int
    written: int

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.read + self.written

    def in_words(self, prices: Prices) -> str:
        """The estimate as a line; with money where a price is given."""
        line = f"{self.prompts:,} prompts, {self.asked:,} to ask: about {self.read:,} tokens to read and at most {self.written:,} to write"
        if prices.read is None and prices.written is None:
            return line
        cost = (self.read * (prices.read or 0) + self.written * (prices.written or 0)) / MILLION
        return f"{line}, at most about {cost:,.2f} at the given prices"


@dataclass
class Progress:
    """Lines on standard error while answers come in, every ten seconds."""

    total: int
    done: int = 0
    said: float = field(default_factory=time.monotonic)

    def count(self) -> None:
        """One more answer is kept."""
        self.done += 1
        if time.monotonic() - self.said >= SECONDS or self.done == self.total > 1:
            self.said = time.monotonic()
            say(f"{self.done:,} of {self.total:,} answers")


def say(line: str) -> None:
    """A line to the user."""
    click.echo(f"llm-prompt: {line}", err=True)


@dataclass(frozen=True)
class Interview:
    """Prompts and who answers them.

    Attributes:
        backend: who answers.
        answers: what has been answered.
        max_tokens: refuse to ask for more than this in one go; None for no limit.
        prices: for the estimate.
    """

    backend: Backend
    answers: Answers
    max_tokens: int | None = None
    prices: Prices = Prices()

    def ask(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """The answer to each of ``prompts``; each different one is asked once, unless an answer is kept.

        Raises:
            LLMError: it would take more tokens than allowed, or the model can't be asked; what was answered is kept.
        """
        different = {prompt.key: prompt for prompt in prompts}
        if different.keys() - self.answers.keys():
            with self.answers.alone():  # another process may be asking the same
                self._ask_missing(different)
        return [self.answers[prompt.key] for prompt in prompts]

    def _ask_missing(self, different: Mapping[str, Prompt]) -> None:
        missing = [prompt for key, prompt in different.items() if key not in self.answers]
        written = len(missing) * self.backend.new_tokens
        self._agree(Estimate(len(different), len(missing), sum(map(self.backend.tokens, missing)), written))
        self._fill(missing)

    def _agree(self, estimate: Estimate) -> None:
        """Say what it takes before it is spent."""
        say(estimate.in_words(self.prices))
        if self.answers.path is not None:
            say(f"answers are kept in {self.answers.path}")
        if self.max_tokens is not None and estimate.tokens > self.max_tokens:
            raise LLMError(
                f"--max-tokens allows {self.max_tokens:,} tokens, but the {estimate.asked:,} prompts would take about {estimate.tokens:,}; "
                "nothing was asked; raise it, or ask with fewer --shots"
            )

    def _fill(self, missing: Sequence[Prompt]) -> None:
        progress, lock = Progress(len(missing)), Lock()

        def keep(prompt: Prompt, answer: Answer) -> None:
            self.answers.keep(prompt.key, answer)
            with lock:
                progress.count()

        self.backend.ask(missing, keep)
