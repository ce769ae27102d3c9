"""Whether what was written predicts as the run does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from fecbench.core.errors import EncoderError, ExportError
from fecbench.data.batches import text_batches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from fecbench.runs.predictor import Predictor


TEXTS = (
    "Yes",
    "I can't believe it worked!",
    "She left without a word, and nobody has heard of her since; I keep looking at the door.",
    "We laughed, we sang, and then it rained. " * 500,  # longer than is read
)
TOLERANCE = 1e-4  # of the most that a label's logit varies over the texts: less is nothing that a text could be told by
ROUNDING = 1e-5  # of the largest logit: kernels differ in the order of their sums


@dataclass(frozen=True)
class Check:
    """A comparison of what was written with the run.

    Attributes:
        lengths: tokens of each text.
        difference: the largest difference of two logits.
    """

    lengths: tuple[int, ...]
    difference: float

    def __str__(self) -> str:
        shortest, longest = min(self.lengths), max(self.lengths)
        return f"{len(self.lengths)} texts of {shortest} to {longest} tokens have the run's logits to within {self.difference:.1e}"


class Readable(Protocol):
    """A format whose files predict."""

    def logits(self, folder: Path, texts: Sequence[str]) -> Tensor:
        """Logits ``[N, C]`` of ``texts``."""


@dataclass(frozen=True)
class Reference:
    """What the run predicts: logits ``[N, C]`` of ``TEXTS``, and how many tokens of each are read."""

    logits: Tensor
    lengths: tuple[int, ...]

    @property
    def allowed(self) -> float:
        """By how much a logit of what was written may differ."""
        spread = self.logits.amax(0) - self.logits.amin(0)
        return max(TOLERANCE * float(spread.max()), ROUNDING * float(self.logits.abs().max()))


@torch.no_grad()
def reference(predictor: Predictor, name: str) -> Reference:
    """What the run of objective ``name`` predicts in float32, whatever it was trained in.

    Raises:
        ExportError: the objective's ``predict`` fails.
        EncoderError: the encoder's network fails.
    """
    forms = predictor.objective.forms(predictor.objective.config)
    batches = list(
        text_batches(TEXTS, predictor.tokenizer, predictor.max_length, len(TEXTS), torch.device("cpu"), forms)
    )
    try:
        logits = torch.cat(
            [predictor.objective.predict(batch.unlabelled(), predictor.model).float() for batch in batches]
        )
    except EncoderError:
        raise  # it isn't the objective's mistake
    except Exception as error:  # a plugin's predict can raise anything
        raise ExportError(
            f"objective {name} must predict the texts that an export is checked by, but fails: {_reason(error)}; correct its predict, or "
            "what it reads. Nothing was left behind"
        ) from error
    return Reference(logits, tuple(int(length) for batch in batches for length in batch.tokens.lengths))


def _reason(error: Exception) -> str:
    """An error on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def check(folder: Path, files: Readable, expected: Reference) -> Check:
    """The comparison of ``folder`` with the run: all texts together, padded, and each by itself.

    Raises:
        ExportError: logits differ, or can't be had.
    """
    try:
        together = files.logits(folder, TEXTS)
        alone = torch.cat([files.logits(folder, [text]) for text in TEXTS])
    except Exception as error:  # runtimes have errors of their own
        raise ExportError(
            f"what was written must predict texts of any number and length, but fails: {_reason(error)}; predict must not take the size "
            "of a batch for a constant. Nothing was left behind"
        ) from error
    difference = max(float((found - expected.logits).abs().max()) for found in (together, alone))
    if not difference <= expected.allowed:  # so that NaN is refused too
        raise ExportError(
            f"what was written must predict as the run does, but a logit differs by {difference:.3g} (allowed: {expected.allowed:.3g}); "
            "predict must depend on the saved weights and the text alone, as the tokenizer reads it: an objective's own forms of texts "
            "aren't exported (`fecbench predict` has them). Nothing was left behind"
        )
    return Check(expected.lengths, difference)
