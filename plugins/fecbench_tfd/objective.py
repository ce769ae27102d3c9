"""The objective: cross-entropy, and at prediction the logits of counterfactual texts subtracted (Tu et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from fecbench import Batch, Config, FecbenchError, Form, Model, Objective, Stage, Task, Update
from fecbench_tfd.counterfactuals import Counterfactual
from fecbench_tfd.lexicon import OWN, read_lexicon
from fecbench_tfd.search import STEP, line_search

if TYPE_CHECKING:
    from collections.abc import Sequence

VIEWS = ("label", "word")


class DebiasingConfig(Config):
    """Options of ``tfd``, and of whatever else is debiased."""

    lexicon: str | None = Field(
        None,
        description="file of polar words, each line word<TAB>pos or word<TAB>neg (default: a list of common English words)",
    )
    single_mask: bool = Field(False, description="hide all words behind one mask, so that a text's length doesn't show")


class Debiasing(Objective):
    """Debiases the objective that it stands before in a class's bases: ``class Mine(Debiasing, Theirs)``.

    Training is theirs. Then coefficients are searched on the validation rows, and ``F - a F_label - b F_word`` is predicted, where
    ``F_label`` are the logits of the text with every word hidden, and ``F_word`` of the text with its polar words hidden.
    """

    Config = DebiasingConfig
    config: Any
    steps: Tensor
    coverage: Tensor
    lexicon_number: Tensor
    citation = "Tu et al. 2023, A Training-Free Debiasing Framework with Counterfactual Reasoning for Conversational Emotion Detection"

    def __init__(self, config: Any, task: Task):
        super().__init__(config, task)
        self.register_buffer("steps", torch.zeros(len(VIEWS), dtype=torch.int64))
        self.register_buffer("coverage", torch.zeros(()))
        self.register_buffer("lexicon_number", torch.tensor(_number_of(config)))

    @classmethod
    def forms(cls, config: Any) -> Mapping[str, Form]:
        """The text with single spaces between its words, and its two counterfactuals; each in the objective's own form then."""
        lexicon, theirs = read_lexicon(config.lexicon or OWN), super().forms(config)
        kinds: dict[str, Literal["nothing", "polar", "words", "text"]]
        kinds = {"text": "nothing", "label": "text" if config.single_mask else "words", "word": "polar"}
        ours = {
            name: Counterfactual(kind, lexicon, lexicon.fingerprint, theirs.get("text")) for name, kind in kinds.items()
        }
        return {**theirs, **ours}

    def before_training(self, stage: Stage) -> None:
        """Count which training texts have a polar word."""
        super().before_training(stage)
        self.coverage.fill_(read_lexicon(self.config.lexicon or OWN).coverage(stage.texts["train"]))

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Theirs; the lexicon's coverage stands in the history beside their logs."""
        for update in super().updates(batch, model):
            yield replace(update, logs={**update.logs, "lexicon_coverage": self.coverage})

    def after_training(self, stage: Stage) -> None:
        """Search the coefficients on the validation rows."""
        super().after_training(stage)
        logits, *biases = self._logits(stage, stage.texts["validation"])
        found = line_search(logits.numpy(), torch.stack(biases).numpy(), stage.labels["validation"].numpy())
        self.steps.copy_(torch.tensor(found.steps))

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Debiased logits ``[B, C]``; without coefficients, theirs to the bit.

        Raises:
            FecbenchError: the lexicon's words have changed since the coefficients were found.
        """
        logits = super().predict(batch, model)
        coefficients = {view: STEP * steps for view, steps in zip(VIEWS, self.steps.tolist(), strict=True) if steps}
        if coefficients:
            self._check_lexicon()
            logits = logits.float()
        for view, coefficient in coefficients.items():
            logits = logits - coefficient * super().predict(batch.view(view), model).float()
        return logits

    @torch.no_grad()
    def _logits(self, stage: Stage, texts: Sequence[str]) -> list[Tensor]:
        """Their logits ``[N, C]``, float64 on the CPU, of the texts and of both counterfactuals."""
        stage.model.eval()
        self.eval()
        parts = [
            [
                super(Debiasing, self).predict(one, stage.model).cpu().double()
                for one in (batch, *map(batch.view, VIEWS))
            ]
            for batch in stage.batches(texts)
        ]
        return [torch.cat(logits) for logits in zip(*parts, strict=True)]

    def _check_lexicon(self) -> None:
        if int(self.lexicon_number) != _number_of(self.config):
            raise FecbenchError(
                f"the lexicon {self.config.lexicon or OWN.name} must be as it was when this run was trained, but its words have changed; "
                "restore the file, or run again"
            )


def _number_of(config: Any) -> int:
    """The lexicon's fingerprint as a number that fits int64."""
    return int(read_lexicon(config.lexicon or OWN).fingerprint[:15], 16)


class _CrossEntropy(Objective):
    """Softmax cross-entropy, the mean over the batch's rows."""

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        logits = model.classify(model.project(model.encode(batch)))
        yield Update(cross_entropy(logits.float(), batch.labels))


class TFD(Debiasing, _CrossEntropy):
    """Cross-entropy, debiased by two counterfactuals of each text."""

    config: DebiasingConfig
