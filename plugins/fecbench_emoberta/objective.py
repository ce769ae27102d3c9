"""The EmoBERTa objective: cross-entropy with the training settings of its authors (Kim and Vossen 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from fecbench import Config, Objective, Update
from fecbench_emoberta.form import Speaking

if TYPE_CHECKING:
    from fecbench import Batch, Form, Model


class EmoBERTaConfig(Config):
    """Options of ``emoberta``; by default a text is tokenised as for ``ce``."""

    frame: Literal["none", "past"] = Field(
        "none", description="segments of the input; past: put the empty segment of past turns before each text"
    )
    speaker: str = Field("", description="speaker's name before every text, such as SPEAKER (default: none)")
    speaker_case: Literal["upper", "title"] = Field("upper", description="spelling of the speaker's name")


class EmoBERTa(Objective):
    """Cross-entropy with EmoBERTa's longer schedule, warmup and gradient clipping."""

    Config = EmoBERTaConfig
    config: EmoBERTaConfig
    labellings = ("single", "multi")
    soft = True
    # The released recipe, except learning rate and batch size, which are the run's.
    settings: ClassVar = {"epochs": 15, "weight_decay": 0.01, "no_decay_norm_bias": True, "warmup": 0.2, "clip": 1.0}
    display = "EmoBERTa"
    citation = "Kim and Vossen 2021, EmoBERTa: Speaker-Aware Emotion Recognition in Conversation with RoBERTa"

    @classmethod
    def forms(cls, config: Any) -> Mapping[str, Form]:
        """Return the text encoding that the options ask for; none for plain tokenisation."""
        plain = config.frame == "none" and not config.speaker
        return {} if plain else {"text": Speaking(config.frame == "past", config.speaker, config.speaker_case)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model."""
        logits = model.classify(model.project(model.encode(batch)))
        yield Update(self.task.nll(logits, batch))
