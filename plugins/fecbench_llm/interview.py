"""Answer all prompts of a split: reuse stored answers, print an estimate of the cost, then ask the backend."""

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
SECONDS = 10.0  # between two lines of progress


@dataclass(frozen=True)
class Prices:
    """Prices of a million tokens in any currency; None if not given.

    Attributes:
        read: price of prompt tokens.
        written: price of answer tokens.
    """

    read: float | None = None
    written: float | None = None


@dataclass(frozen=True)
class Estimate:
    """Estimated tokens of the prompts without a stored answer.

    Attributes:
        prompts: number of different prompts.
        asked: number of prompts without a stored answer.
        read: tokens of these prompts.
        written: most tokens of their answers.

    >>> print(Estimate(552, 540, 4_000, 864).in_words(Prices(5, 15)))
    552 prompts, 540 to ask: about 4,000 tokens to read and at most 864 to write, at most about 0.03 at the given prices
    """

    prompts: int
    asked: int
    read: int
    written: int

    @property
    def tokens(self) -> int:
        """Return the number of tokens read and written."""
        return self.read + self.written

    def in_words(self, prices: Prices) -> str:
        """Return the estimate as one line, with the cost if a price is given."""
        line = (
            f"{self.prompts:,} prompts, {self.asked:,} to ask: "
            f"about {self.read:,} tokens to read and at most {self.written:,} to write"
        )
        if prices.read is None and prices.written is None:
            return line
        cost = (self.read * (prices.read or 0) + self.written * (prices.written or 0)) / MILLION
        return f"{line}, at most about {cost:,.2f} at the given prices"


@dataclass
class AnswerProgress:
    """Number of answers so far, printed to standard error every ten seconds.

    Attributes:
        total: number of answers to come.
        done: number of answers so far.
        printed: time of the last line, on the monotonic clock.
    """

    total: int
    done: int = 0
    printed: float = field(default_factory=time.monotonic)

    def count(self) -> None:
        """Count one more answer."""
        self.done += 1
        if time.monotonic() - self.printed >= SECONDS or self.done == self.total > 1:
            self.printed = time.monotonic()
            echo(f"{self.done:,} of {self.total:,} answers")


def echo(line: str) -> None:
    """Print a line to standard error."""
    click.echo(f"llm-prompt: {line}", err=True)


@dataclass(frozen=True)
class Interview:
    """A backend, and the answers that are stored for it.

    Attributes:
        backend: the backend to ask.
        answers: stored answers.
        max_tokens: most tokens, read and written, of one call of ``ask``; None for no limit.
        prices: prices for the estimate.
    """

    backend: Backend
    answers: Answers
    max_tokens: int | None = None
    prices: Prices = Prices()

    def ask(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Return the answer to each of ``prompts``; each different prompt without a stored answer is asked once.

        Raises:
            LLMError: the prompts would take more tokens than allowed, or the model can't be asked. Answers
                received before the error are stored.
        """
        different = {prompt.key: prompt for prompt in prompts}
        if different.keys() - self.answers.keys():
            with self.answers.alone():  # another process may be asking the same
                self._ask_missing(different)
        return [self.answers[prompt.key] for prompt in prompts]

    def _ask_missing(self, different: Mapping[str, Prompt]) -> None:
        missing = [prompt for key, prompt in different.items() if key not in self.answers]
        written = len(missing) * self.backend.new_tokens
        self._announce(Estimate(len(different), len(missing), sum(map(self.backend.tokens, missing)), written))
        self._fill(missing)

    def _announce(self, estimate: Estimate) -> None:
        """Print the estimate before anything is spent.

        Raises:
            LLMError: the estimate is above ``max_tokens``.
        """
        echo(estimate.in_words(self.prices))
        if self.answers.path is not None:
            echo(f"answers are kept in {self.answers.path}")
        if self.max_tokens is not None and estimate.tokens > self.max_tokens:
            raise LLMError(
                f"--max-tokens allows {self.max_tokens:,} tokens, but the {estimate.asked:,} prompts would take about "
                f"{estimate.tokens:,}; nothing was asked; raise it, or ask with fewer --shots"
            )

    def _fill(self, missing: Sequence[Prompt]) -> None:
        progress, lock = AnswerProgress(len(missing)), Lock()

        def keep(prompt: Prompt, answer: Answer) -> None:
            self.answers.keep(prompt.key, answer)
            with lock:  # the threads of the endpoint share the counter
                progress.count()

        self.backend.ask(missing, keep)
