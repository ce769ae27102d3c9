"""Check that exported files predict the same logits as the run."""

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
    "We laughed, we sang, and then it rained. " * 500,  # longer than any maximum length
)
# Allowed difference, relative to the largest range of a label's logit over the texts. A smaller difference can't change
# how texts compare with each other.
TOLERANCE = 1e-4
# Allowed difference, relative to the largest logit: kernels add in different orders, so rounding errors differ.
ROUNDING = 1e-5


@dataclass(frozen=True)
class Check:
    """The result of comparing exported files with the run.

    Attributes:
        lengths: number of tokens of each text.
        difference: the largest absolute difference between two logits.
    """

    lengths: tuple[int, ...]
    difference: float

    def __str__(self) -> str:
        shortest, longest = min(self.lengths), max(self.lengths)
        texts = f"{len(self.lengths)} texts of {shortest} to {longest} tokens"
        return f"{texts} have the run's logits to within {self.difference:.1e}"


class Readable(Protocol):
    """A format whose files can predict."""

    def logits(self, folder: Path, texts: Sequence[str]) -> Tensor:
        """Return the logits ``[N, C]`` of ``texts``."""


@dataclass(frozen=True)
class Reference:
    """The run's logits ``[N, C]`` of ``TEXTS``, and the number of tokens of each text."""

    logits: Tensor
    lengths: tuple[int, ...]

    @property
    def allowed(self) -> float:
        """The largest difference that an exported logit may have."""
        spread = self.logits.amax(0) - self.logits.amin(0)
        return max(TOLERANCE * float(spread.max()), ROUNDING * float(self.logits.abs().max()))


@torch.no_grad()
def reference(predictor: Predictor, name: str) -> Reference:
    """Return the predictions of a run of the objective ``name``, in float32 regardless of the training precision.

    Raises:
        ExportError: the objective's ``predict`` fails.
        EncoderError: the encoder's network fails.
    """
    # Without autocast, unlike Predictor.probabilities: a reader of the exported files has none either.
    forms = predictor.objective.forms(predictor.objective.config)
    batches = list(
        text_batches(TEXTS, predictor.tokenizer, predictor.max_length, len(TEXTS), torch.device("cpu"), forms)
    )
    try:
        logits = torch.cat(
            [predictor.objective.predict(batch.unlabelled(), predictor.model).float() for batch in batches]
        )
    except EncoderError:
        raise  # the encoder failed, not the objective
    except Exception as error:  # a plugin's predict can raise anything
        raise ExportError(
            f"objective {name} must predict the texts that check an export, but fails: {_reason(error)}; correct its "
            "predict or the resources that it reads (nothing was written)"
        ) from error
    return Reference(logits, tuple(int(length) for batch in batches for length in batch.tokens.lengths))


def _reason(error: Exception) -> str:
    """Return an error's type and message on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def check(folder: Path, files: Readable, expected: Reference) -> Check:
    """Compare the logits of the files in ``folder`` with the run's, for all texts in one padded batch and one by one.

    Raises:
        ExportError: the logits differ, or the files can't be run.
    """
    try:
        # Together the short texts are padded, alone they aren't: a wrong mask changes only the former.
        together = files.logits(folder, TEXTS)
        alone = torch.cat([files.logits(folder, [text]) for text in TEXTS])
    except Exception as error:  # runtimes raise errors of their own types
        raise ExportError(
            f"the exported model must predict any number of texts of any length, but fails: {_reason(error)}; predict "
            "must not treat the batch size as a constant (nothing was written)"
        ) from error
    difference = max(float((logits - expected.logits).abs().max()) for logits in (together, alone))
    if not difference <= expected.allowed:  # written this way, because NaN must be refused too
        raise ExportError(
            f"the exported model must predict the run's logits, but one differs by {difference:.3g} (allowed: "
            f"{expected.allowed:.3g}); predict must depend only on the saved weights and on the tokens of the text. An "
            "objective's own text encodings (forms) are not exported; use `fecbench predict` for them (nothing was "
            "written)"
        )
    return Check(expected.lengths, difference)
