"""Options of ``llm-prompt``, and what follows from them."""

import os
import re
from dataclasses import replace
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from fecbench import Config
from fecbench_llm.decoding import GREEDY, REFERENCE, Decoding
from fecbench_llm.parsing import Multi
from fecbench_llm.prompts import Subject

MODEL_VARIABLE, URL_VARIABLE, KEY_VARIABLE = "FECBENCH_LLM_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY"


class LLMPromptConfig(Config):
    """Options of ``llm-prompt``. None holds a secret: all are recorded."""

    preset: Literal["chat", "emollama"] = Field(
        "chat",
        description="form of the prompt; emollama: that of the EmoLLaMA checkpoints, asked on this machine unless --backend says else",
    )
    backend: Literal["auto", "http", "hf", "replay", "fake"] = Field(
        "auto",
        description="who answers; http: an OpenAI-compatible endpoint, hf: a causal language model on this machine, replay: a file of "
        "answers, fake: the first label, always; auto: http, or hf for emollama",
    )
    model: str = Field(
        default_factory=lambda: os.environ.get(MODEL_VARIABLE, ""),
        description=f"the model: its name at the endpoint, or for hf a folder or hub id  [default: what {MODEL_VARIABLE} says]",
    )
    base_url: str = Field(
        "", description=f"the endpoint, as https://host/v1  [default: what {URL_VARIABLE} says, which isn't recorded]"
    )
    api_key_env: str = Field(
        KEY_VARIABLE, description="name of the environment variable that holds the endpoint's key, if it wants one"
    )
    shots: int = Field(0, ge=0, description="labelled training texts in each prompt")
    demonstrations: Literal["fixed", "per_text", "nearest"] = Field(
        "fixed",
        description="which: the same for all texts, drawn for each text, or the nearest by the cosine of --encoder's states",
    )
    subject: Subject = Field("text", description="what the texts are, for the task's wording")
    definitions: bool = Field(False, description="list each label with its description, where the data set has them")
    score: Literal["answer", "likelihood"] = Field(
        "answer",
        description="answer: read what the model writes; likelihood (hf): the label with the highest mean log-probability",
    )
    multi: Multi = Field("first", description="what an answer with several labels counts as: its first, or no answer")
    decoding: Literal["greedy", "reference"] = Field(
        "greedy",
        description="greedy, or (hf) the sampling of EmoLLaMA's released code: temperature 0.9, top-k 30, top-p 0.6 and others",
    )
    temperature: float | None = Field(
        None, ge=0, description="instead of the decoding's; 0 takes the likeliest token each time"
    )
    max_new_tokens: int | None = Field(
        None, ge=1, description="tokens of an answer at most  [default: 16; reference: 256]"
    )
    token_limit: Literal["max_tokens", "max_completion_tokens"] = Field(
        "max_tokens", description="what the endpoint calls its limit of new tokens"
    )
    concurrency: int = Field(8, ge=1, description="requests at once, or prompts in a batch for hf")
    retries: int = Field(
        3, ge=0, description="further attempts where the endpoint is at fault or busy (429, 5xx, a lost connection)"
    )
    timeout: float = Field(60.0, gt=0, description="seconds until the endpoint's answer must be there, whole")
    answers: str = Field("", description="the file of answers for --backend replay, such as one that another run kept")
    max_tokens: int | None = Field(
        None, ge=1, description="refuse to start where more tokens than this would be read and written"
    )
    price_in: float | None = Field(None, ge=0, description="price of a million tokens read, for the estimate")
    price_out: float | None = Field(None, ge=0, description="price of a million tokens written, for the estimate")

    @property
    def asks(self) -> Literal["http", "hf", "replay", "fake"]:
        """The backend, once ``auto`` is decided."""
        if self.backend != "auto":
            return self.backend
        return "hf" if self.preset == "emollama" else "http"

    def decodes(self, seed: int) -> Decoding:
        """How answers are written; ``seed`` counts where they are drawn."""
        chosen = GREEDY if self.decoding == "greedy" else REFERENCE
        given = {"temperature": self.temperature, "max_new_tokens": self.max_new_tokens}
        chosen = replace(chosen, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        return replace(chosen, seed=seed) if chosen.temperature else chosen

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.asks == "http" and self.decoding == "reference":
            raise ValueError(
                "--decoding reference needs --backend hf: endpoints know no top-k and no repetition penalty"
            )
        if self.asks in ("http", "fake") and self.score == "likelihood":
            raise ValueError("--score likelihood needs --backend hf: others don't tell how likely a given answer is")
        if (self.asks == "replay") != bool(self.answers):
            raise ValueError("--backend replay and --answers FILE go together; give both or neither")
        return self

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        """These messages don't repeat what was given: it may be a secret."""
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", self.api_key_env):
            raise ValueError(
                "--api-key-env must be the name of an environment variable in capitals, not the key itself (which isn't shown or kept); "
                "put the key into the variable OPENAI_API_KEY"
            )
        check_url(self.base_url)
        return self


def check_url(url: str) -> None:
    """Whether ``url`` is a plain address, or empty.

    Raises:
        ValueError: it isn't, or has a secret in it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")  # both raise where there is no such port, or no such name
    except ValueError:
        raise ValueError(
            "--base-url must be an address that can be, with a port below 65536, as http://localhost:8000/v1"
        ) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "--base-url must be an address without user, password or query (it is recorded); keys come by the environment"
        )
    if url and not (parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError("--base-url must begin with http:// or https:// and name a host, as http://localhost:8000/v1")
