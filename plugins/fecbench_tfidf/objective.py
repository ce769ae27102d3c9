"""The TF-IDF objective: one logistic regression per label on TF-IDF features; the encoder is not used."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn.functional import logsigmoid

from fecbench import Batch, BatchNeeds, Config, Model, Objective, Stage, Task
from fecbench_tfidf.features import NGrams, inverse_document_frequencies, weighted

UNUSED = torch.iinfo(torch.int64).max  # hash of unused columns; larger than any hash, so that the array stays sorted
ABSENT = -30.0  # the logit of a label without training texts: a probability of about 1e-13


class TfIdfConfig(Config):
    """Options of ``tfidf``."""

    c: float = Field(4.0, gt=0, description="inverse strength of the L2 penalty (C of scikit-learn)")
    ngrams: int = Field(2, ge=1, description="most words of an n-gram")
    columns: int = Field(2**18, ge=1, description="most n-grams kept: those that occur in the most training texts")


class TfIdf(Objective):
    """Logistic regressions on TF-IDF features, fitted before training; no network is trained."""

    Config = TfIdfConfig
    config: TfIdfConfig
    trains = False
    needs = BatchNeeds(texts=True)
    settings: ClassVar = {"encoder": "none", "head": "linear"}
    citation = "Pedregosa et al. 2011 (scikit-learn); Sparck Jones 1972 (idf)"
    hashes: Tensor
    idf: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, config: TfIdfConfig, task: Task):
        super().__init__(config, task)
        self.register_buffer("hashes", torch.full((config.columns,), UNUSED))
        self.register_buffer("idf", torch.zeros(config.columns))
        self.register_buffer("weight", torch.zeros(task.classes, config.columns))
        self.register_buffer("bias", torch.full((task.classes,), ABSENT))

    def before_training(self, stage: Stage) -> None:
        """Count the n-grams of the training texts and fit one regression per label."""
        texts, labels = stage.texts["train"], stage.labels["train"].numpy()
        ngrams = NGrams.of(texts, self.config.ngrams, self.config.columns)
        counts = ngrams.counts(texts)
        idf = inverse_document_frequencies(counts)
        used = len(ngrams.hashes)
        self.hashes[:used].copy_(torch.from_numpy(ngrams.hashes))
        self.idf[:used].copy_(torch.from_numpy(idf))
        features = weighted(counts, idf)
        for label in np.unique(labels):  # a label without training texts keeps the bias ABSENT
            fitted = LogisticRegression(C=self.config.c, solver="liblinear").fit(features, labels == label)
            self.weight[label, :used].copy_(torch.from_numpy(fitted.coef_[0]))
            self.bias[label] = float(fitted.intercept_[0])

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Return the log-probabilities ``[B, C]`` of each label's regression; a softmax normalises them."""
        assert batch.texts is not None
        ngrams = NGrams(self.hashes[self.hashes < UNUSED].cpu().numpy(), self.config.ngrams)
        used = len(ngrams.hashes)
        features = weighted(ngrams.counts(batch.texts), self.idf[:used].cpu().numpy().astype(np.float64))
        scores = features @ self.weight[:, :used].cpu().numpy().T + self.bias.cpu().numpy()
        return logsigmoid(torch.from_numpy(np.asarray(scores, dtype=np.float64))).float().to(self.bias.device)
