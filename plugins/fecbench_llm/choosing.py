"""Who is asked: by the options, the environment, and, for a run that others may have recorded, by both."""

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
from fecbench_llm.asking import Interview, Prices
from fecbench_llm.backends import Backend, Fake, LLMError, Replay
from fecbench_llm.config import KEY_VARIABLE, MODEL_VARIABLE, URL_VARIABLE, LLMPromptConfig, check_url
from fecbench_llm.endpoint import Endpoint
from fecbench_llm.local import LocalModel


def backend(config: LLMPromptConfig, seed: int, device: str, *, recorded: bool) -> Backend:
    """Who is asked.

    Args:
        config: the run's options.
        seed: of answers that are drawn.
        device: where a local model runs.
        recorded: whether the options come from a record, which alone decides neither who reads new texts nor which secret is sent.

    Raises:
        LLMError: the options and the environment name nobody, or a record alone names it.
    """
    if recorded:
        agreed(config)
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


def interview(config: LLMPromptConfig, asked: Backend) -> Interview:
    """``asked`` with what it has answered before.

    Raises:
        LLMError: the answers to replay aren't there.
    """
    if config.asks == "replay":
        answers = Answers.read(_existing(expanded(config.answers)))
    else:
        answers = Answers(_cache(asked), asked.identity) if asked.identity else Answers()
    return Interview(asked, answers, config.max_tokens, Prices(config.price_in, config.price_out))


def agreed(config: LLMPromptConfig) -> None:
    """Whether new texts may go where ``config``, which comes from a record that anyone may have written, says.

    Raises:
        LLMError: it names a server, a model on this machine or a file that the environment doesn't.
    """
    if config.asks == "replay":
        raise LLMError("a run of kept answers has none for new texts; predict from a run that asked a model")
    variable, named = (MODEL_VARIABLE, config.model) if config.asks == "hf" else (URL_VARIABLE, config.base_url)
    if config.asks != "fake" and named and os.environ.get(variable) != named:
        raise LLMError(
            f"the run asked {named}, and a record alone doesn't decide who reads your texts; if {named} may, set {variable} to it"
        )


def check_spec(config: LLMPromptConfig, from_file: Set[str]) -> None:
    """Whether texts and a key may go where the spec's options ``from_file`` say: a file that was sent decides neither.

    Raises:
        LLMError: the spec names a server that the environment doesn't, or another variable for the key than the usual one.
    """
    if config.asks != "http":
        return
    if "base_url" in from_file and config.base_url and os.environ.get(URL_VARIABLE) != config.base_url:
        raise LLMError(
            f"the spec has texts sent to {config.base_url}, and a file alone doesn't decide who reads your texts; if that server may, set "
            f"{URL_VARIABLE} to it"
        )
    if "api_key_env" in from_file and config.api_key_env != KEY_VARIABLE:
        raise LLMError(
            f"the spec has the content of the variable {config.api_key_env} sent to a server, and a file alone doesn't decide which secret "
            f"is sent; leave api_key_env out of the spec, and put the server's key into {KEY_VARIABLE}"
        )


def unmet() -> str:
    """Why nobody can be asked by the environment alone; empty where somebody can."""
    if missing := _missing():
        return missing
    unset = [name for name in (URL_VARIABLE, MODEL_VARIABLE) if not os.environ.get(name)]
    return f"it needs a model to ask; set {' and '.join(unset)}, or name one in a row of the spec" if unset else ""


def _missing() -> str:
    """What isn't installed for asking an endpoint, and how to get it; empty where all is."""
    missing = [package for package in ("httpx2", "tenacity") if find_spec(package) is None]
    return f"it needs {' and '.join(missing)}; pip install 'fecbench[llm]'" if missing else ""


def _url(config: LLMPromptConfig) -> str:
    """The endpoint's address, by option or environment.

    Raises:
        LLMError: there is none, or it is no plain address.
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


def _cache(asked: Backend) -> Path:
    """Where the answers of a backend are kept: a file for each model and way to ask it."""
    about = json.dumps(asked.identity, sort_keys=True)
    name = re.sub(r"[^\w.-]+", "-", Path(str(asked.identity["model"])).name)[:80]
    return user_cache_path("fecbench") / "answers" / f"{name}-{sha256(about.encode()).hexdigest()[:12]}.jsonl"


def _existing(path: str) -> Path:
    """The file of answers to replay.

    Raises:
        LLMError: it isn't there.
    """
    if not Path(path).is_file():
        found = "is a folder" if Path(path).is_dir() else "isn't there"
        raise LLMError(f"--answers must be a file of answers, but {path} {found}; runs keep theirs in the user cache")
    return Path(path)
