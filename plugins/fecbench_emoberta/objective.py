"""The objective: cross-entropy under EmoBERTa's recipe (Kim and Vossen 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field
from torch.nn.functional import cross_entropy

from fecbench import Config, Objective, Update
from fecbench_emoberta.form import Speaking

if TYPE_CHECKING:
    from fecbench import Batch, Form, Model


class EmoBERTaConfig(Config):
    """Options of ``emoberta``; by default a text is read as it is."""

    frame: Literal["none", "past"] = Field(
        "none", description="past keeps the empty segment of past turns before each text"
    )
    speaker: str = Field("", description="a speaker's name before every text, such as SPEAKER (default: none)")
    speaker_case: Literal["upper", "title"] = Field("upper", description="how the speaker's name is written")


class EmoBERTa(Objective):
    """RoBERTa with a longer schedule, warmup and clipping; speakers and context are the paper's, for conversations."""

    Config = EmoBERTaConfig
    config: EmoBERTaConfig
    settings: ClassVar = {"epochs": 15, "weight_decay": 0.01, "no_decay_norm_bias": True, "warmup": 0.2, "clip": 1.0}
    citation = "Kim and Vossen 2021, EmoBERTa: Speaker-Aware Emotion Recognition in Conversation with RoBERTa"

    @classmethod
    def forms(cls, config: Any) -> Mapping[str, Form]:
        """Texts as they are, or with what the options put before them."""
        plain = config.frame == "none" and not config.speaker
        return {} if plain else {"text": Speaking(config.frame == "past", config.speaker, config.speaker_case)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """One update."""
        logits = model.classify(model.project(model.encode(batch)))
        yield Update(cross_entropy(logits.float(), batch.labels))
