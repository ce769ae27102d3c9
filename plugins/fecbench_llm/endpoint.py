"""The backend for OpenAI-compatible endpoints: concurrent chat completions over HTTP with retries."""

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
from fecbench_llm.http_client import LARGEST, Aborted, HttpClient, Reply, TooLarge

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

    from fecbench_llm.prompts import Prompt

LONGEST_WAIT = 600.0  # seconds; a server that asks for a longer pause ends the run
SHOWN = 300  # characters of a server's reply in a message
GRACE = 5.0  # seconds for answers under way after a stop
SECRET = 16  # shortest key that counts as a secret; local servers get keys such as "none"
TRANSIENT = {408, 425, 429}
_TOO_LONG = re.compile(r"context[ _](?:length|size|window)|exceeds?_context|too many tokens")


class TransientError(LLMError):
    """A fault that may be gone on the next attempt.

    Attributes:
        after: seconds until then, if the server says so (``Retry-After``).
    """

    def __init__(self, message: str, after: float | None = None):
        super().__init__(message)
        self.after = after


class TooLong(LLMError):
    """A prompt that is longer than the model's context."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint.

    Attributes:
        url: address, without ``/chat/completions``.
        model: name of the model at the endpoint.
        key: secret sent with every request; empty for none. No message shows it, not even one that quotes a
            server's reply.
        decoding: decoding settings; the protocol only has temperature, top_p, seed and the limit of new
            tokens.
        token_limit: name of the request field that limits new tokens.
        concurrency: concurrent requests.
        retries: further attempts after a transient fault.
        timeout: seconds until a whole answer must have arrived.
        backoff: seconds before the first further attempt; doubled for each next one, unless the server
            gives a time.
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
        """Return address, model and decoding settings."""
        return {"backend": "http", "url": self.url, "model": self.model, **asdict(self.decoding)}

    @property
    def new_tokens(self) -> int:
        """Return the most tokens of an answer."""
        return self.decoding.max_new_tokens

    def tokens(self, prompt: Prompt) -> int:
        """Return an estimate, since only the server has the tokenizer."""
        return about_tokens(prompt)

    def ask(self, prompts: Sequence[Prompt], keep: Keep) -> None:
        """Answer every prompt, with ``concurrency`` requests at a time.

        After a stop (Ctrl-C, SIGTERM, or a request that fails finally) answers under way have ``GRACE``
        seconds to arrive and be kept, since they are paid for.
        """
        stop, pool = Event(), ThreadPoolExecutor(self.concurrency)
        with self._client() as client:
            requests = [pool.submit(self._unless_stopped, client, prompt, keep, stop) for prompt in prompts]
            try:
                for request in as_completed(requests):
                    request.result()
            except BaseException as error:
                stop.set()
                if isinstance(error, KeyboardInterrupt):
                    click.echo(
                        f"stopping; answers under way have {GRACE:.0f} seconds, Ctrl-C again gives them up", err=True
                    )
                pool.shutdown(wait=False, cancel_futures=True)
                wait(requests, GRACE)
                raise
            finally:
                pool.shutdown(wait=False)

    def _client(self) -> HttpClient:
        """Return a new HTTP client.

        Raises:
            LLMError: the environment names a proxy that can't be used.
        """
        try:
            return HttpClient(self._headers(), self.concurrency)
        except (ValueError, ImportError) as error:  # ImportError: SOCKS needs a package of its own
            raise LLMError(
                f"the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) can't be used: {error}"
            ) from None

    def _headers(self) -> dict[str, str]:
        """Return the headers of every request.

        Raises:
            LLMError: the key has characters that a header can't hold; the message doesn't show it.
        """
        if not self.key:
            return {}
        if not (self.key.isascii() and self.key.isprintable()):
            raise LLMError(
                "the endpoint's key must be printable ASCII, but has other characters; correct the environment variable"
            )
        return {"Authorization": f"Bearer {self.key}"}

    def _unless_stopped(self, client: HttpClient, prompt: Prompt, keep: Keep, stop: Event) -> None:
        """Answer a prompt unless another one has failed; a failure here stops the others."""
        if stop.is_set():
            return
        try:
            self._answer_prompt(client, prompt, keep, stop)
        except BaseException:
            stop.set()
            raise

    def _answer_prompt(self, client: HttpClient, prompt: Prompt, keep: Keep, stop: Event) -> None:
        """Keep the answer to a prompt, after removing demonstrations until it fits the model's context.

        Raises:
            LLMError: no attempt succeeded.
        """
        shortened = prompt
        try:
            while (answer := self._try_prompt(client, shortened, stop)) is None:
                shortened = shortened.without_farthest()
        except TransientError as error:
            if stop.is_set():  # the error that stopped the run is reported instead
                return
            raise LLMError(
                f"the endpoint must answer, but {1 + self.retries} attempts found {error}; "
                "the answers before are kept, and the same command continues after them "
                "(raise --retries or --timeout to try longer)"
            ) from None
        keep(prompt, replace(answer, dropped=len(prompt.demonstrations) - len(shortened.demonstrations)))

    def _try_prompt(self, client: HttpClient, prompt: Prompt, stop: Event) -> Answer | None:
        """Ask one prompt; None if it is too long and has demonstrations to remove.

        A text that is too long by itself gets an empty answer.

        Raises:
            LLMError: the request is too long even with an empty text, so that the text isn't the cause.
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
                f"the endpoint must have room for the request, but calls it too long even without a text: {error}; "
                "lower --max-new-tokens, or choose a model with a longer context"
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
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(1 + self.retries) | stop_when_event_set(stop),
            wait=self._wait,
            sleep=sleep_using_event(stop),  # a stop ends the wait for the next attempt
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: the server's time, or an exponential backoff with jitter."""
        from tenacity import wait_exponential, wait_random

        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientError) and error.after is not None:
            return error.after
        return float((wait_exponential(self.backoff, max=60 * self.backoff) + wait_random(0, self.backoff))(state))

    def _post(self, client: HttpClient, prompt: Prompt) -> Answer:
        """Make one attempt to ask a prompt.

        Raises:
            TransientError: the attempt failed, and another may succeed.
            TooLong: the prompt doesn't fit the model's context.
            LLMError: further attempts would fail too.
        """
        from httpx2 import RequestError

        try:
            reply = client.post(f"{self.url.rstrip('/')}/chat/completions", self._body(prompt), self.timeout)
        except TimeoutError:
            raise TransientError(f"no whole answer within {self.timeout:g} s") from None
        except Aborted:
            raise TransientError("an answer that was aborted") from None
        except TooLarge:
            raise LLMError(
                f"the endpoint's answer must be at most {LARGEST:,} bytes, decompressed, but is larger; "
                "check --base-url"
            ) from None
        except RequestError as error:
            raise TransientError(self._shown(f"{type(error).__name__} {error}")) from None
        if reply.status == 200:
            return self._answer(reply)
        if reply.status == 400 and "content_filter" in reply.text:
            # The filter refuses the text, not the request: this text has no answer, the others may.
            return Answer("", self.model, now())
        raise self._fault(reply)

    def _body(self, prompt: Prompt) -> dict[str, object]:
        """Return the request's JSON body, without fields at the protocol's default, which some models refuse."""
        body: dict[str, object] = {
            "model": self.model,
            "messages": prompt.messages,
            self.token_limit: self.decoding.max_new_tokens,
        }
        if self.decoding.temperature != 1.0:
            body["temperature"] = self.decoding.temperature
        if self.decoding.top_p != 1.0:
            body["top_p"] = self.decoding.top_p
        if self.decoding.seed is not None:
            body["seed"] = self.decoding.seed
        return body

    def _answer(self, reply: Reply) -> Answer:
        """Return the answer in a reply, unchanged.

        Raises:
            TransientError: the reply isn't a chat completion, but a proxy's page or half a body.
            LLMError: the answer repeats the key, which would be stored with it.
        """
        try:
            content: Any = json.loads(reply.body)
            text, usage = content["choices"][0]["message"]["content"], content.get("usage") or {}
            if not (text is None or isinstance(text, str)):
                raise TypeError
            counts = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
            model = _without_surrogates(str(content.get("model") or self.model))
            answer = Answer(_without_surrogates(text or ""), model, now(), 0, *counts)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
            raise TransientError(f"an answer that is no chat completion: {self._shown(reply.text)}") from None
        if self._is_secret and any(self.key in part for part in (answer.text, answer.model)):
            raise LLMError(
                "the endpoint's answers must not repeat the key, which would be kept with them, but one does; "
                "ask another endpoint"
            )
        return answer

    def _fault(self, reply: Reply) -> LLMError:
        """Return the error of a refused request: transient, too long, or final."""
        status, shown = reply.status, self._shown(reply.text)
        if status in TRANSIENT or status >= 500:
            after = _seconds(reply.headers.get("Retry-After", ""))
            if after is not None and after > LONGEST_WAIT:
                return LLMError(
                    f"the endpoint allows the next request in {after:.0f} s (HTTP {status}: {shown}); "
                    "repeat the command then: it continues"
                )
            return TransientError(f"HTTP {status}: {shown}", after)
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
        """Return True if the key is long enough to be a secret; a word such as "none" may occur in any answer."""
        return len(self.key) >= SECRET

    def _shown(self, reply: str) -> str:
        """Return the beginning of a server's reply on one line and without the key, for a message.

        A short key is only replaced where it is a whole word.
        """
        line = _without_surrogates(" ".join(reply.split()))
        if self.key:
            key = re.escape(self.key)
            line = re.sub(key if self._is_secret else rf"(?<!\w){key}(?!\w)", "[key]", line)
        return line[:SHOWN] or "(an empty body)"


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON may contain and UTF-8 files can't."""
    return text.encode(errors="replace").decode()


def _seconds(header: str) -> float | None:
    """Parse ``Retry-After``, in seconds or as a date; None if it is neither.

    >>> _seconds("2"), _seconds("Wed, 21 Oct 2015 07:28:00 GMT"), _seconds("soon"), _seconds("")
    (2.0, 0.0, None, None)
    """
    try:
        # The pattern first, because float() would take "inf" and "nan" too.
        return max(0.0, float(header)) if re.fullmatch(r"[\d.]+", header) else _until(parsedate_to_datetime(header))
    except (ValueError, TypeError):
        return None


def _until(date: datetime) -> float:
    """Return the seconds until ``date``, 0 if it is past; without a zone it is UTC."""
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp())
