"""Options of ``llm-prompt`` and checks of their combinations."""

import os
import re
from dataclasses import replace
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from fecbench import Config
from fecbench_llm.decoding import GREEDY, GREEDY_LIST, REFERENCE, Decoding
from fecbench_llm.parsing import Multi
from fecbench_llm.prompts import Subject

MODEL_VARIABLE, URL_VARIABLE, KEY_VARIABLE = "FECBENCH_LLM_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY"


class LLMPromptConfig(Config):
    """Options of ``llm-prompt``. All are recorded, so none may hold a secret."""

    preset: Literal["chat", "emollama"] = Field(
        "chat",
        description="form of the prompt; chat: messages to a chat model, emollama: the form of the EmoLLaMA "
        "checkpoints, run on this machine by default",
    )
    backend: Literal["auto", "http", "hf", "replay", "fake"] = Field(
        "auto",
        description="source of the answers; http: an OpenAI-compatible endpoint, hf: a causal language model on this "
        "machine, replay: a file of answers, fake: always the first label, auto: hf for --preset emollama, else http",
    )
    model: str = Field(
        default_factory=lambda: os.environ.get(MODEL_VARIABLE, ""),
        description="the model: its name at the endpoint, or for hf a folder or hub id  "
        f"[default: the variable {MODEL_VARIABLE}]",
    )
    base_url: str = Field(
        "",
        description="address of the endpoint, such as https://host/v1  "
        f"[default: the variable {URL_VARIABLE}, which isn't recorded]",
    )
    api_key_env: str = Field(
        KEY_VARIABLE, description="name of the environment variable that holds the endpoint's key, if it needs one"
    )
    shots: int = Field(0, ge=0, description="labelled training texts in each prompt")
    demonstrations: Literal["fixed", "per_text", "nearest"] = Field(
        "fixed",
        description="choice of the --shots; fixed: the same for all texts, per_text: drawn for each text, nearest: the "
        "nearest to the text by cosine of the --encoder's states",
    )
    subject: Subject = Field("text", description="kind of the texts, named in the prompt")
    definitions: bool = Field(False, description="list each label with its description, if the data set has them")
    score: Literal["answer", "likelihood"] = Field(
        "answer",
        description="prediction; answer: the label in the model's answer, likelihood (hf only): the label with the "
        "highest mean log-probability per token",
    )
    multi: Multi = Field(
        "first",
        description="reading of an answer with several labels; first: its first, invalid: none, all: all of them, for "
        "which the prompt asks, if a text can have several",
    )
    decoding: Literal["greedy", "reference"] = Field(
        "greedy",
        description="decoding; greedy, or (hf only) reference, the sampling of EmoLLaMA's released code: temperature "
        "0.9, top-k 30, top-p 0.6, repetition penalty 1.2, float16",
    )
    temperature: float | None = Field(
        None, ge=0, description="temperature; 0: greedy  [default: that of --decoding, 0 or 0.9]"
    )
    max_new_tokens: int | None = Field(
        None,
        ge=1,
        description="most tokens of an answer  [default: 16; with --multi all: 48; with --decoding reference: 256]",
    )
    token_limit: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="name of the request field that limits new tokens, as the endpoint expects it"
    )
    concurrency: int = Field(8, ge=1, description="concurrent requests, or prompts in a batch for hf")
    retries: int = Field(
        3, ge=0, description="further attempts after a transient fault of the endpoint (429, 5xx, a lost connection)"
    )
    timeout: float = Field(60.0, gt=0, description="seconds until a whole answer of the endpoint must have arrived")
    answers: str = Field("", description="file of answers for --backend replay, such as one that another run stored")
    max_tokens: int | None = Field(
        None, ge=1, description="refuse to start if more tokens than this would be read and written"
    )
    price_in: float | None = Field(None, ge=0, description="price of a million tokens read, for the estimate")
    price_out: float | None = Field(None, ge=0, description="price of a million tokens written, for the estimate")

    @property
    def asks(self) -> Literal["http", "hf", "replay", "fake"]:
        """Return the backend, with ``auto`` resolved."""
        if self.backend != "auto":
            return self.backend
        return "hf" if self.preset == "emollama" else "http"

    def decodes(self, seed: int) -> Decoding:
        """Return the decoding settings; ``seed`` is used only if answers are sampled."""
        decoding = REFERENCE if self.decoding == "reference" else GREEDY_LIST if self.multi == "all" else GREEDY
        if self.temperature is not None:
            decoding = replace(decoding, temperature=self.temperature)
        if self.max_new_tokens is not None:
            decoding = replace(decoding, max_new_tokens=self.max_new_tokens)
        return replace(decoding, seed=seed) if decoding.temperature else decoding

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.asks == "http" and self.decoding == "reference":
            raise ValueError(
                "--decoding reference needs --backend hf: endpoints know no top-k and no repetition penalty"
            )
        if self.asks in ("http", "fake") and self.score == "likelihood":
            raise ValueError("--score likelihood needs --backend hf: others report no probability of a given answer")
        if (self.asks == "replay") != bool(self.answers):
            raise ValueError("--backend replay and --answers FILE go together; give both or neither")
        return self

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        """Refuse options that look like a secret; the messages don't repeat the value."""
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", self.api_key_env):
            raise ValueError(
                "--api-key-env must be the name of an environment variable in capitals, not the key itself "
                "(which isn't shown or kept); put the key into the variable OPENAI_API_KEY"
            )
        check_url(self.base_url)
        return self


def check_url(url: str) -> None:
    """Raise ValueError unless ``url`` is empty or an address of http or https without user, password and query.

    Raises:
        ValueError: the address is malformed, or may hold a secret.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")  # both raise ValueError if port or host name is invalid
    except ValueError:
        raise ValueError(
            "--base-url must be a valid address with a port below 65536, such as http://localhost:8000/v1"
        ) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "--base-url must be an address without user, password or query (it is recorded); "
            "put the key into an environment variable"
        )
    if url and not (parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError(
            "--base-url must begin with http:// or https:// and name a host, such as http://localhost:8000/v1"
        )
