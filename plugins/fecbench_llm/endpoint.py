"""A model behind an OpenAI-compatible endpoint: chat completions over HTTP, several at once, repeated where the server is at fault."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from fecbench_llm.answers import Answer
from fecbench_llm.backends import Keep, LLMError, about_tokens, now
from fecbench_llm.decoding import GREEDY, Decoding

if TYPE_CHECKING:
    from httpx2 import Client, Response
    from tenacity import RetryCallState, Retrying

    from fecbench_llm.prompts import Prompt

LONGEST_WAIT = 600.0
SHOWN = 300
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
        timeout: seconds to wait for an answer.
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

        Whoever stops it (Ctrl-C, or a request that fails for good) waits until the answers under way are in, and they are kept too.
        """
        stop, pool = Event(), ThreadPoolExecutor(self.concurrency)
        with self._client() as client:
            asked = [pool.submit(self._unless_stopped, client, prompt, keep, stop) for prompt in prompts]
            try:
                for answered in as_completed(asked):
                    answered.result()
            except BaseException as error:
                stop.set()
                if isinstance(error, KeyboardInterrupt):
                    click.echo("stopping when the answers under way are in; Ctrl-C again gives them up", err=True)
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                pool.shutdown(wait=False)

    def _client(self) -> Client:
        """Raises LLMError where the environment's proxy can't be used."""
        from httpx2 import Client, Limits, Timeout

        room = Limits(max_connections=self.concurrency)  # else a hundred, and waiting for one of them counts as the endpoint's fault
        try:
            return Client(headers=self._headers(), timeout=Timeout(self.timeout, pool=None), limits=room)
        except (ValueError, ImportError) as error:  # ImportError: SOCKS needs a package of its own
            raise LLMError(f"the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) can't be used: {error}") from None

    def _headers(self) -> dict[str, str]:
        """Raises LLMError, without the key, where the key can't be sent."""
        if not self.key:
            return {}
        if not (self.key.isascii() and self.key.isprintable()):
            raise LLMError("the endpoint's key must be printable ASCII, and has other characters in it; correct the environment variable")
        return {"Authorization": f"Bearer {self.key}"}

    def _unless_stopped(self, client: Client, prompt: Prompt, keep: Keep, stop: Event) -> None:
        """See to a prompt, unless another has failed; nothing more is asked once one has."""
        if stop.is_set():
            return
        try:
            self._see_to(client, prompt, keep, stop)
        except BaseException:
            stop.set()
            raise

    def _see_to(self, client: Client, prompt: Prompt, keep: Keep, stop: Event) -> None:
        """Keep the answer to a prompt, with fewer demonstrations where the model can't take all."""
        asked = prompt
        try:
            while (answer := self._whole(client, asked, stop)) is None:
                asked = asked.without_farthest()
        except Passing as error:
            if stop.is_set():  # somebody else's fault has been told already
                return
            raise LLMError(
                f"the endpoint must answer, but {1 + self.retries} attempts found {error}; the answers before are kept, and the same "
                "command goes on after them (--retries and --timeout have it try longer)"
            ) from None
        keep(prompt, replace(answer, dropped=len(prompt.demonstrations) - len(asked.demonstrations)))

    def _whole(self, client: Client, prompt: Prompt, stop: Event) -> Answer | None:
        """Ask until there is an answer; a text that the model can't take at all gets none. None where demonstrations are too many.

        Raises:
            LLMError: the model has no room for the request even without a text, which isn't the text's fault then.
        """
        post = self._retrying(stop)
        try:
            return post(self._post, client, prompt)
        except TooLong:
            if prompt.demonstrations:
                return None
        try:
            post(self._post, client, replace(prompt, text=""))
        except TooLong as error:
            raise LLMError(
                f"the endpoint must have room for the request, but calls it too long even without a text: {error}; lower --max-new-tokens, "
                "or choose a model that reads more"
            ) from None
        return Answer("", self.model, now())

    def _retrying(self, stop: Event) -> Retrying:
        from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt, stop_when_event_set

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

    def _post(self, client: Client, prompt: Prompt) -> Answer:
        from httpx2 import RequestError

        try:
            response = client.post(f"{self.url.rstrip('/')}/chat/completions", json=self._body(prompt))
        except RequestError as error:
            raise Passing(self._cleaned(f"{type(error).__name__} {error}".strip())) from None
        if response.status_code == 200:
            return self._answer(response)
        if response.status_code == 400 and "content_filter" in response.text:  # the text is refused, not the request: it has no answer
            return Answer("", self.model, now())
        raise self._fault(response)

    def _body(self, prompt: Prompt) -> dict[str, object]:
        """The request; what has the protocol's own default isn't said, since some models refuse to be told."""
        body: dict[str, object] = {"model": self.model, "messages": prompt.messages, self.token_limit: self.decoding.max_new_tokens}
        chosen = {"temperature": (self.decoding.temperature, 1.0), "top_p": (self.decoding.top_p, 1.0), "seed": (self.decoding.seed, None)}
        return body | {name: value for name, (value, default) in chosen.items() if value != default}

    def _answer(self, response: Response) -> Answer:
        """Raises Passing where the answer isn't a chat completion: a proxy's page, half a body."""
        try:
            content: Any = response.json()
            text, usage = content["choices"][0]["message"]["content"], content.get("usage") or {}
            if not (text is None or isinstance(text, str)):
                raise TypeError
            counts = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
            return Answer(self._cleaned(text or ""), self._cleaned(str(content.get("model") or self.model)), now(), 0, *counts)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
            raise Passing(f"an answer that is no chat completion: {self._shown(response)}") from None

    def _fault(self, response: Response) -> LLMError:
        """What a refusal means: wait, shorten, or give up."""
        status, shown = response.status_code, self._shown(response)
        if status in PASSING or status >= 500:
            after = _seconds(response.headers.get("Retry-After", ""))
            if after is not None and after > LONGEST_WAIT:
                return LLMError(f"the endpoint asks to come back in {after:.0f} s (HTTP {status}: {shown}); the same command goes on then")
            return Passing(f"HTTP {status}: {shown}", after)
        if status in (400, 413, 422) and _TOO_LONG.search(response.text.lower()):
            return TooLong(shown)
        remedy = "check the key in the environment" if status in (401, 403) else "check --base-url, --model and the options of the request"
        return LLMError(f"the endpoint must take the request, but refuses it with HTTP {status}: {shown}; {remedy}")

    def _shown(self, response: Response) -> str:
        """The beginning of a body, on one line."""
        return self._cleaned(" ".join(response.text.split()))[:SHOWN] or "(an empty body)"

    def _cleaned(self, text: str) -> str:
        """Without the key, and without halves of characters, which no file can hold."""
        text = text.encode(errors="replace").decode()
        return text.replace(self.key, "[key]") if self.key else text


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
