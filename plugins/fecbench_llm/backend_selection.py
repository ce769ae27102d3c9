"""Select the backend from options and environment, and check the user's consent to it.

Options may come from a file that somebody else wrote, a spec or a run's record. Such a file alone decides
neither which server reads the texts nor which secret is sent.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Set
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from fecbench import expanded
from fecbench_llm.answers import Answers
from fecbench_llm.backends import Backend, Fake, LLMError, Replay
from fecbench_llm.config import KEY_VARIABLE, MODEL_VARIABLE, URL_VARIABLE, LLMPromptConfig, check_url
from fecbench_llm.endpoint import Endpoint
from fecbench_llm.interview import Interview, Prices
from fecbench_llm.local import LocalModel


def select_backend(config: LLMPromptConfig, seed: int, device: str, *, recorded: bool) -> Backend:
    """Return the backend that options and environment name.

    Args:
        config: the run's options.
        seed: seed of sampled answers.
        device: device of a local model.
        recorded: True if the options come from a run's record instead of the user.

    Raises:
        LLMError: options and environment name no model or endpoint, or only the record names it.
    """
    if recorded:
        check_record(config)
    decoding = config.decodes(seed)
    if config.asks == "fake":
        return Fake()
    if config.asks == "replay":
        return Replay(Path(expanded(config.answers)))
    if not config.model:
        raise LLMError(f"llm-prompt needs a model: --model NAME, or the environment variable {MODEL_VARIABLE}")
    if config.asks == "hf":
        return LocalModel(expanded(config.model), decoding, config.score == "likelihood", config.concurrency, device)
    if missing := _missing():
        raise LLMError(f"--backend http: {missing}")
    # A record could name any variable of the reader's environment, so only the usual one is read for it.
    key = os.environ.get(KEY_VARIABLE if recorded else config.api_key_env, "").strip()
    return Endpoint(
        _url(config),
        config.model,
        key,
        decoding,
        token_limit=config.token_limit,
        concurrency=config.concurrency,
        retries=config.retries,
        timeout=config.timeout,
    )


def interview(config: LLMPromptConfig, backend: Backend) -> Interview:
    """Return ``backend`` together with its stored answers.

    Raises:
        LLMError: the file of answers to replay is not found.
    """
    if config.asks == "replay":
        answers = Answers.read(_existing(expanded(config.answers)))
    else:
        answers = Answers(_cache(backend), backend.identity) if backend.identity else Answers()
    return Interview(backend, answers, config.max_tokens, Prices(config.price_in, config.price_out))


def check_record(config: LLMPromptConfig) -> None:
    """Raise LLMError unless the environment agrees that new texts go where a record's options say.

    Anyone may have written the record, so the server, the local model or the file that it names must be
    named by the environment too.

    Raises:
        LLMError: the environment names another one or none.
    """
    if config.asks == "replay":
        raise LLMError("a replayed run cannot answer new texts; predict from a run with --backend http or hf")
    variable, named = (MODEL_VARIABLE, config.model) if config.asks == "hf" else (URL_VARIABLE, config.base_url)
    if config.asks != "fake" and named and os.environ.get(variable) != named:
        raise LLMError(
            f"the run asked {named}, and a record alone doesn't decide who reads your texts; "
            f"if {named} may, set {variable} to it"
        )


def check_spec(config: LLMPromptConfig, from_file: Set[str]) -> None:
    """Raise LLMError if only a spec decides which server reads the texts or which secret is sent.

    Args:
        config: the run's options.
        from_file: names of the options that the spec gives; the user gave the others.

    Raises:
        LLMError: the spec names a server that the environment doesn't name, or a variable other than
            ``OPENAI_API_KEY`` for the key.
    """
    if config.asks != "http":
        return
    if "base_url" in from_file and config.base_url and os.environ.get(URL_VARIABLE) != config.base_url:
        raise LLMError(
            f"the spec has texts sent to {config.base_url}, and a file alone doesn't decide who reads your texts; "
            f"if that server may, set {URL_VARIABLE} to it"
        )
    if "api_key_env" in from_file and config.api_key_env != KEY_VARIABLE:
        raise LLMError(
            f"the spec has the content of the variable {config.api_key_env} sent to a server, and a file alone doesn't "
            "decide which secret is sent; leave api_key_env out of the spec, and put the server's key into "
            f"{KEY_VARIABLE}"
        )


def unmet() -> str:
    """Return a message if the environment alone doesn't name an endpoint and a model, else ``""``."""
    if missing := _missing():
        return missing
    unset = [name for name in (URL_VARIABLE, MODEL_VARIABLE) if not os.environ.get(name)]
    return f"it needs a model to ask; set {' and '.join(unset)}, or name one in a row of the spec" if unset else ""


def _missing() -> str:
    """Return a message if a package that the backend ``http`` needs is not installed, else ``""``."""
    missing = [package for package in ("httpx2", "tenacity") if find_spec(package) is None]
    return f"it needs {' and '.join(missing)}; pip install 'fecbench[llm]'" if missing else ""


def _url(config: LLMPromptConfig) -> str:
    """Return the endpoint's address from the option or the environment.

    Raises:
        LLMError: neither gives an address, or the address is malformed or contains a secret.
    """
    url = config.base_url or os.environ.get(URL_VARIABLE, "")
    if not url:
        raise LLMError(
            f"llm-prompt needs an endpoint: --base-url https://host/v1, or the environment variable {URL_VARIABLE}"
        )
    try:
        check_url(url)
    except ValueError as error:
        raise LLMError(f"{URL_VARIABLE}: {error}") from None
    return url


def _cache(backend: Backend) -> Path:
    """Return the file for a backend's answers in the user cache: one file per model and settings."""
    about = json.dumps(backend.identity, sort_keys=True)
    name = re.sub(r"[^\w.-]+", "-", Path(str(backend.identity["model"])).name)[:80]
    return user_cache_path("fecbench") / "answers" / f"{name}-{sha256(about.encode()).hexdigest()[:12]}.jsonl"


def _existing(path: str) -> Path:
    """Return the file of answers to replay.

    Raises:
        LLMError: there is no such file.
    """
    if not Path(path).is_file():
        state = "is a folder" if Path(path).is_dir() else "doesn't exist"
        raise LLMError(f"--answers must be a file of answers, but {path} {state}; runs keep theirs in the user cache")
    return Path(path)
