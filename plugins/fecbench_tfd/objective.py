"""The TFD objective: cross-entropy training; prediction subtracts logits of counterfactual texts (Tu et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from fecbench import Batch, Config, FecbenchError, Form, Model, Objective, Stage, Task, Update
from fecbench_tfd.counterfactuals import Counterfactual
from fecbench_tfd.lexicon import OWN, read_lexicon
from fecbench_tfd.ranking import ranking_scores
from fecbench_tfd.search import STEP, answer_scores, line_search

if TYPE_CHECKING:
    from collections.abc import Sequence

VIEWS = ("label", "word")  # names of the counterfactuals, which the batch holds as further views


class DebiasingConfig(Config):
    """Options of ``tfd`` and of other objectives with ``Debiasing``."""

    lexicon: str | None = Field(
        None,
        description="file of polar words with lines word<TAB>pos or word<TAB>neg (default: a list of common English "
        "words)",
    )
    single_mask: bool = Field(
        False, description="replace all words by a single mask, which hides the length of the text too"
    )


class Debiasing(Objective):
    """Debias another objective: list this class before it in the bases, ``class Mine(Debiasing, Theirs)``.

    Training is that of the other objective. After training, coefficients a and b are searched on the
    validation rows, and prediction returns ``F - a F_label - b F_word``. F are the logits of the text,
    ``F_label`` those of the text with every word masked (label bias), ``F_word`` those of the text with its
    polar words masked (word bias). The search maximises weighted F1, or the score of rankings where texts have several
    labels. The third counterfactual of the paper, speaker bias, needs speakers and
    is left out.
    """

    Config = DebiasingConfig
    config: Any
    soft = False  # the search compares logits with whole labels
    steps: Tensor
    coverage: Tensor
    lexicon_number: Tensor
    citation = (
        "Tu et al. 2023, A Training-Free Debiasing Framework with Counterfactual Reasoning "
        "for Conversational Emotion Detection"
    )

    def __init__(self, config: Any, task: Task):
        super().__init__(config, task)
        self.register_buffer("steps", torch.zeros(len(VIEWS), dtype=torch.int64))
        self.register_buffer("coverage", torch.zeros(()))
        self.register_buffer("lexicon_number", torch.tensor(_number_of(config)))
        self._coefficients: dict[str, float] = {}
        self._lexicon_number = 0

    @classmethod
    def forms(cls, config: Any) -> Mapping[str, Form]:
        """Return the encodings of the text and of both counterfactuals, before the other objective's own encoding.

        The text itself is encoded with single spaces between its words, so that it differs from its
        counterfactuals in the masks alone.
        """
        lexicon, other_forms = read_lexicon(config.lexicon or OWN), super().forms(config)
        hidden: dict[str, Literal["nothing", "polar", "words", "text"]]
        hidden = {"text": "nothing", "label": "text" if config.single_mask else "words", "word": "polar"}
        counterfactuals = {
            name: Counterfactual(words, lexicon, lexicon.fingerprint, other_forms.get("text"))
            for name, words in hidden.items()
        }
        return {**other_forms, **counterfactuals}

    def train(self, mode: bool = True) -> Self:
        """Set the mode, and with eval mode copy the coefficients and the lexicon's number to the host.

        Every prediction begins with eval mode. Read in `predict`, they would wait for the device in every batch.
        """
        super().train(mode)
        if not mode:
            steps = zip(VIEWS, self.steps.tolist(), strict=True)
            self._coefficients = {view: STEP * count for view, count in steps if count}
            self._lexicon_number = int(self.lexicon_number) if self._coefficients else 0
        return self

    def before_training(self, stage: Stage) -> None:
        """Compute the share of training texts that have a polar word."""
        super().before_training(stage)
        self.coverage.fill_(read_lexicon(self.config.lexicon or OWN).coverage(stage.texts["train"]))

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield the other objective's updates, and log the lexicon's coverage with them."""
        for update in super().updates(batch, model):
            yield replace(update, logs={**update.logs, "lexicon_coverage": self.coverage})

    def after_training(self, stage: Stage) -> None:
        """Search the coefficients on the validation rows."""
        super().after_training(stage)
        logits, *biases = self._logits(stage, stage.texts["validation"])
        if self.task.labelling == "single":
            searched = line_search(logits, np.stack(biases), stage.labels["validation"].numpy(), answer_scores)
        else:
            has = stage.targets["validation"].numpy() > 0.5
            searched = line_search(logits, np.stack(biases), has, ranking_scores)
        self.steps.copy_(torch.tensor(searched.steps))

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Return the debiased logits ``[B, C]``; with coefficients 0, the other objective's logits bit for bit.

        Raises:
            FecbenchError: the lexicon's words have changed since the coefficients were searched.
        """
        logits = super().predict(batch, model)
        if self._coefficients:
            self._check_lexicon()
            logits = logits.float()  # bf16 logits have 8 significant bits, too few for a difference
        for view, coefficient in self._coefficients.items():
            logits = logits - coefficient * super().predict(batch.view(view), model).float()
        return logits

    @torch.no_grad()
    def _logits(self, stage: Stage, texts: Sequence[str]) -> np.ndarray:
        """Return the undebiased logits of the texts and of both counterfactuals, float64 ``[3, N, C]``."""
        stage.model.eval()
        self.eval()
        # Up to Python 3.11 a comprehension is a function of its own, in which super() needs its arguments.
        parts = [
            torch.stack(
                [super(Debiasing, self).predict(view, stage.model) for view in (batch, *map(batch.view, VIEWS))]
            )
            for batch in stage.batches(texts)
        ]
        return torch.cat(parts, dim=1).cpu().double().numpy()  # one transfer: each waits for the device

    def _check_lexicon(self) -> None:
        if self._lexicon_number != _number_of(self.config):
            raise FecbenchError(
                f"the lexicon {self.config.lexicon or OWN.name} must be as it was when this run was trained, "
                "but its words have changed; restore the file, or run again"
            )


def _number_of(config: Any) -> int:
    """Return the first 60 bits of the lexicon's fingerprint, which fit an int64 buffer of the checkpoint."""
    return int(read_lexicon(config.lexicon or OWN).fingerprint[:15], 16)


# Not imported from the plugin of `ce`, because plugins import the public names of fecbench alone.
class _CrossEntropy(Objective):
    """Cross-entropy, averaged over the rows of the batch."""

    labellings = ("single", "multi")

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        logits = model.classify(model.project(model.encode(batch)))
        yield Update(self.task.nll(logits, batch))


class TFD(Debiasing, _CrossEntropy):
    """Cross-entropy training, and prediction debiased by two counterfactuals of each text."""

    display = "TFD"
    config: DebiasingConfig
