"""The TF-IDF objective: one logistic regression per label on TF-IDF features; the encoder is not used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from pydantic import Field
from scipy.special import logit
from torch import Tensor
from torch.nn.functional import logsigmoid

from fecbench import Batch, BatchNeeds, Config, FecbenchError, Model, Objective, Stage, Task
from fecbench_tfidf.features import HASHES, NGrams, inverse_document_frequencies, weighted
from fecbench_tfidf.regression import fitted_regression

UNUSED = torch.iinfo(torch.int64).max  # hash of unused columns; larger than any hash, so that the array stays sorted
ABSENT = -30.0  # the bias of a label without training texts: a probability of about 1e-13


@dataclass(frozen=True)
class Fitted:
    """Fitted regressions on the host.

    Attributes:
        ngrams: the selected n-grams.
        idf: ``[K]``.
        weight: ``[C, K]``.
        bias: ``[C]``.
    """

    ngrams: NGrams
    idf: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


class TfIdfConfig(Config):
    """Options of ``tfidf``."""

    c: float = Field(4.0, gt=0, description="inverse strength of the L2 penalty (C of scikit-learn)")
    ngrams: int = Field(2, ge=1, description="most words of an n-gram")
    columns: int = Field(
        2**18, ge=1, le=HASHES, description="most n-grams kept: those that occur in the most training texts"
    )
    min_texts: int = Field(1, ge=1, description="fewest training texts of an n-gram that is kept")


class TfIdf(Objective):
    """Logistic regressions on TF-IDF features, fitted before training; no network is trained."""

    Config = TfIdfConfig
    config: TfIdfConfig
    trains = False
    labellings = ("single", "multi")
    soft = True
    needs = BatchNeeds(texts=True)
    settings: ClassVar = {"encoder": "none", "head": "linear"}
    # By validation rows: 2.784 nats a text and .426 mean average precision, with 1 they are 2.787 and .425.
    presets: ClassVar = {"ge-multi": {"min_texts": 2}}
    display = "TF-IDF"
    citation = "Pedregosa et al. 2011 (scikit-learn); Sparck Jones 1972 (idf)"
    hashes: Tensor
    idf: Tensor
    weight: Tensor
    bias: Tensor
    _fitted: Fitted

    def __init__(self, config: TfIdfConfig, task: Task):
        super().__init__(config, task)
        try:
            self.register_buffer("hashes", torch.full((config.columns,), UNUSED))
            self.register_buffer("idf", torch.zeros(config.columns))
            self.register_buffer("weight", torch.zeros(task.classes, config.columns))
            self.register_buffer("bias", torch.full((task.classes,), ABSENT))
        except RuntimeError as error:  # torch's allocator raises it
            raise FecbenchError(
                f"tfidf needs memory for {config.columns:,} columns of {task.classes} labels, but finds too little; "
                "lower --columns"
            ) from error

    def train(self, mode: bool = True) -> Self:
        """Set the mode, and with eval mode copy the regressions to the host, where they predict.

        Every prediction begins with eval mode. In `predict` the copies would be made for every batch.
        """
        super().train(mode)
        if not mode:
            used = int((self.hashes < UNUSED).sum())
            hashes, idf, weight, bias = (
                values.cpu().numpy()
                for values in (self.hashes[:used], self.idf[:used], self.weight[:, :used], self.bias)
            )
            self._fitted = Fitted(NGrams(hashes, self.config.ngrams), idf.astype(np.float64), weight, bias)
        return self

    def before_training(self, stage: Stage) -> None:
        """Count the n-grams of the training texts and fit one regression per label."""
        texts, targets = stage.texts["train"], stage.targets["train"].numpy()
        ngrams = self._ngrams(texts)
        counts = ngrams.counts(texts)
        idf = inverse_document_frequencies(counts)
        used = len(ngrams.hashes)
        self.hashes[:used].copy_(torch.from_numpy(ngrams.hashes))
        self.idf[:used].copy_(torch.from_numpy(idf))
        features = weighted(counts, idf)
        for label, target in enumerate(targets.T):
            if target.min() == target.max():  # no training text, or every one: the regression would be infinite
                self.bias[label] = float(np.clip(logit(target[0]), ABSENT, -ABSENT))
                continue
            regression = fitted_regression(features, target, self.config.c)
            self.weight[label, :used].copy_(torch.from_numpy(regression.coef_[0]))
            self.bias[label] = float(regression.intercept_[0])

    def _ngrams(self, texts: Sequence[str]) -> NGrams:
        """Select the n-grams of the training texts.

        Raises:
            FecbenchError: no n-gram occurs in enough texts.
        """
        ngrams = NGrams.of(texts, self.config.ngrams, self.config.columns, self.config.min_texts)
        if not len(ngrams.hashes):
            raise FecbenchError(
                f"tfidf needs words that occur in at least {self.config.min_texts} training texts (--min-texts), but "
                "found none; lower it, or use more texts"
            )
        return ngrams

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Return the logits ``[B, C]`` of each label's regression.

        For labels that exclude one another they are the logarithms of the probabilities; a softmax normalises these.
        """
        assert batch.texts is not None
        fitted = self._fitted
        scores = weighted(fitted.ngrams.counts(batch.texts), fitted.idf) @ fitted.weight.T + fitted.bias
        logits = torch.from_numpy(np.asarray(scores, dtype=np.float64))
        if self.task.labelling == "single":
            logits = logsigmoid(logits)
        return logits.float().to(self.bias.device)
