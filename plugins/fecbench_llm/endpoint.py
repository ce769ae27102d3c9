"""A model behind an OpenAI-compatible endpoint: chat completions over HTTP, several at once, repeated where the server is at fault."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from fecbench_llm.answers import Answer
from fecbench_llm.backends import Keep, LLMError, about_tokens, now
from fecbench_llm.decoding import GREEDY, Decoding
from fecbench_llm.line import LARGEST, BrokenOff, Line, Reply, TooLarge

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

    from fecbench_llm.prompts import Prompt

LONGEST_WAIT = 600.0
SHOWN = 300
GRACE = 5.0  # seconds for the answers under way once somebody stops
SECRET = 16  # letters of a key from which on it is a secret; local servers are given keys such as "none"
PASSING = {408, 425, 429}
_TOO_LONG = re.compile(r"context[ _](?:length|size|window)|exceeds?_context|too many tokens")


class Passing(LLMError):
    """A fault that may be gone on the next attempt; ``after`` seconds, where the server says so."""

    def __init__(self, message: str, after: float | None = None):
        super().__init__(message)
        self.after = after


class TooLong(LLMError):
    """A prompt that the model can't take whole."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint.

    Attributes:
        url: up to and without ``/chat/completions``.
        model: the model's name there.
        key: the secret that goes with every request; empty for none. It is shown nowhere, wherever a server may repeat it.
        decoding: temperature, top_p and the longest answer; the rest isn't part of the protocol.
        token_limit: what the endpoint calls the limit of new tokens.
        concurrency: requests at once.
        retries: further attempts after one that failed for reasons that may pass.
        timeout: seconds until an answer must be there, whole.
        backoff: seconds before the first further attempt; each next one waits twice as long, unless the server says how long.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    decoding: Decoding = GREEDY
    token_limit: str = "max_tokens"
    concurrency: int = 8
    retries: int = 3
    timeout: float = 60.0
    backoff: float = 1.0

    @property
    def identity(self) -> Mapping[str, object]:
        """Where the model is, which it is, and how it decodes."""
        return {"backend": "http", "url": self.url, "model": self.model, **asdict(self.decoding)}

    @property
    def new_tokens(self) -> int:
        """Tokens of an answer at most."""
        return self.decoding.max_new_tokens

    def tokens(self, prompt: Prompt) -> int:
        """An estimate: the tokenizer is the server's."""
        return about_tokens(prompt)

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Ask for every prompt, ``concurrency`` at once.

        Whoever stops it (Ctrl-C, SIGTERM, a request that fails for good) waits a few seconds for answers under way, and they are kept too.
        """
        stop, pool = Event(), ThreadPoolExecutor(self.concurrency)
        with self._line() as line:
            asked = [pool.submit(self._unless_stopped, line, prompt, keep, stop) for prompt in prompts]
            try:
                for answered in as_completed(asked):
                    answered.result()
            except BaseException as error:
                stop.set()
                if isinstance(error, KeyboardInterrupt):
                    click.echo(
                        f"stopping; answers under way have {GRACE:.0f} seconds, Ctrl-C again gives them up", err=True
                    )
                pool.shutdown(wait=False, cancel_futures=True)
                wait(asked, GRACE)
                raise
            finally:
                pool.shutdown(wait=False)

    def _line(self) -> Line:
        """Raises LLMError where the environment's proxy can't be used."""
        try:
            return Line(self._headers(), self.concurrency)
        except (ValueError, ImportError) as error:  # ImportError: SOCKS needs a package of its own
            raise LLMError(
                f"the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) can't be used: {error}"
            ) from None

    def _headers(self) -> dict[str, str]:
        """Raises LLMError, without the key, where the key can't be sent."""
        if not self.key:
            return {}
        if not (self.key.isascii() and self.key.isprintable()):
            raise LLMError(
                "the endpoint's key must be printable ASCII, and has other characters in it; correct the environment variable"
            )
        return {"Authorization": f"Bearer {self.key}"}

    def _unless_stopped(self, line: Line, prompt: Prompt, keep: Keep, stop: Event) -> None:
        """See to a prompt, unless another has failed; nothing more is asked once one has."""
        if stop.is_set():
            return
        try:
            self._see_to(line, prompt, keep, stop)
        except BaseException:
            stop.set()
            raise

    def _see_to(self, line: Line, prompt: Prompt, keep: Keep, stop: Event) -> None:
        """Keep the answer to a prompt, with fewer demonstrations where the model can't take all."""
        asked = prompt
        try:
            while (answer := self._whole(line, asked, stop)) is None:
                asked = asked.without_farthest()
        except Passing as error:
            if stop.is_set():  # somebody else's fault has been told already
                return
            raise LLMError(
                f"the endpoint must answer, but {1 + self.retries} attempts found {error}; the answers before are kept, and the same "
                "command goes on after them (--retries and --timeout have it try longer)"
            ) from None
        keep(prompt, replace(answer, dropped=len(prompt.demonstrations) - len(asked.demonstrations)))

    def _whole(self, line: Line, prompt: Prompt, stop: Event) -> Answer | None:
        """Ask until there is an answer; a text that the model can't take at all gets none. None where demonstrations are too many.

        Raises:
            LLMError: the model has no room for the request even without a text, which isn't the text's fault then.
        """
        post = self._retrying(stop)
        try:
            return post(self._post, line, prompt)
        except TooLong:
            if prompt.demonstrations:
                return None
        try:
            post(self._post, line, replace(prompt, text=""))
        except TooLong as error:
            raise LLMError(
                f"the endpoint must have room for the request, but calls it too long even without a text: {error}; lower --max-new-tokens, "
                "or choose a model that reads more"
            ) from None
        return Answer("", self.model, now())

    def _retrying(self, stop: Event) -> Retrying:
        from tenacity import (
            Retrying,
            retry_if_exception_type,
            sleep_using_event,
            stop_after_attempt,
            stop_when_event_set,
        )

        return Retrying(
            retry=retry_if_exception_type(Passing),
            stop=stop_after_attempt(1 + self.retries) | stop_when_event_set(stop),
            wait=self._wait,
            sleep=sleep_using_event(stop),
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt: what the server says, or twice as long each time, and a little, so that not all come at once."""
        from tenacity import wait_exponential, wait_random

        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Passing) and error.after is not None:
            return error.after
        return float((wait_exponential(self.backoff, max=60 * self.backoff) + wait_random(0, self.backoff))(state))

    def _post(self, line: Line, prompt: Prompt) -> Answer:
        from httpx2 import RequestError

        try:
            reply = line.post(f"{self.url.rstrip('/')}/chat/completions", self._body(prompt), self.timeout)
        except TimeoutError:
            raise Passing(f"no whole answer within {self.timeout:g} s") from None
        except BrokenOff:
            raise Passing("an answer that was broken off") from None
        except TooLarge:
            raise LLMError(
                f"the endpoint's answer must be at most {LARGEST:,} bytes, decompressed, but is larger; check --base-url"
            ) from None
        except RequestError as error:
            raise Passing(self._shown(f"{type(error).__name__} {error}")) from None
        if reply.status == 200:
            return self._answer(reply)
        if (
            reply.status == 400 and "content_filter" in reply.text
        ):  # the text is refused, not the request: it has no answer
            return Answer("", self.model, now())
        raise self._fault(reply)

    def _body(self, prompt: Prompt) -> dict[str, object]:
        """The request; what has the protocol's own default isn't said, since some models refuse to be told."""
        body: dict[str, object] = {
            "model": self.model,
            "messages": prompt.messages,
            self.token_limit: self.decoding.max_new_tokens,
        }
        chosen = {
            "temperature": (self.decoding.temperature, 1.0),
            "top_p": (self.decoding.top_p, 1.0),
            "seed": (self.decoding.seed, None),
        }
        return body | {name: value for name, (value, default) in chosen.items() if value != default}

    def _answer(self, reply: Reply) -> Answer:
        """What the model wrote, as it stands there: an answer is data, in which nothing is replaced.

        Raises:
            Passing: the reply isn't a chat completion: a proxy's page, half a body.
            LLMError: the key stands in what would be kept.
        """
        try:
            content: Any = json.loads(reply.body)
            text, usage = content["choices"][0]["message"]["content"], content.get("usage") or {}
            if not (text is None or isinstance(text, str)):
                raise TypeError
            counts = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
            answer = Answer(_whole(text or ""), _whole(str(content.get("model") or self.model)), now(), 0, *counts)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
            raise Passing(f"an answer that is no chat completion: {self._shown(reply.text)}") from None
        if self._is_secret and any(self.key in part for part in (answer.text, answer.model)):
            raise LLMError(
                "the endpoint's answers must not repeat the key, which would be kept with them, but one does; ask another endpoint"
            )
        return answer

    def _fault(self, reply: Reply) -> LLMError:
        """What a refusal means: wait, shorten, or give up."""
        status, shown = reply.status, self._shown(reply.text)
        if status in PASSING or status >= 500:
            after = _seconds(reply.headers.get("Retry-After", ""))
            if after is not None and after > LONGEST_WAIT:
                return LLMError(
                    f"the endpoint asks to come back in {after:.0f} s (HTTP {status}: {shown}); the same command goes on then"
                )
            return Passing(f"HTTP {status}: {shown}", after)
        if status in (400, 413, 422) and _TOO_LONG.search(reply.text.lower()):
            return TooLong(shown)
        remedy = (
            "check the key in the environment"
            if status in (401, 403)
            else "check --base-url, --model and the options of the request"
        )
        return LLMError(f"the endpoint must take the request, but refuses it with HTTP {status}: {shown}; {remedy}")

    @property
    def _is_secret(self) -> bool:
        """Whether the key is long enough to be one: a word such as "none" is found in answers that don't repeat it."""
        return len(self.key) >= SECRET

    def _shown(self, said: str) -> str:
        """The beginning of what a server says, for a message: on one line, and without the key. A short key is a word of its own there."""
        line = _whole(" ".join(said.split()))
        if self.key:
            key = re.escape(self.key)
            line = re.sub(key if self._is_secret else rf"(?<!\w){key}(?!\w)", "[key]", line)
        return line[:SHOWN] or "(an empty body)"


def _whole(text: str) -> str:
    """``text`` without halves of characters, which no file can hold."""
    return text.encode(errors="replace").decode()


def _seconds(header: str) -> float | None:
    """What ``Retry-After`` says, in seconds or as a date; None where it says nothing.

    >>> _seconds("2"), _seconds("Wed, 21 Oct 2015 07:28:00 GMT"), _seconds("soon"), _seconds("")
    (2.0, 0.0, None, None)
    """
    try:
        return max(0.0, float(header)) if re.fullmatch(r"[\d.]+", header) else _until(parsedate_to_datetime(header))
    except (ValueError, TypeError):
        return None


def _until(date: datetime) -> float:
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp())
