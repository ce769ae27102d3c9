"""Cross-entropy fine-tuning: an encoder, a classification head and softmax cross-entropy.

With the native head it gives the rows "BERT", "RoBERTa" and "ELECTRA" of comparison tables (AML paper,
table 2). Most other objectives add terms to it.
"""

from collections.abc import Iterator

from pydantic import Field
from torch.nn.functional import cross_entropy

from fecbench import Batch, Config, Model, Objective, Update

__all__ = ["CrossEntropy", "CrossEntropyConfig"]


class CrossEntropyConfig(Config):
    """Options of ``ce``."""

    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="label smoothing: share of the target spread evenly over all labels"
    )


class CrossEntropy(Objective):
    """Softmax cross-entropy, averaged over the rows of the batch."""

    Config = CrossEntropyConfig
    config: CrossEntropyConfig
    citation = "Devlin et al. 2019 (BERT); Liu et al. 2019 (RoBERTa); Clark et al. 2020 (ELECTRA)"

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of the model."""
        logits = model.classify(model.project(model.encode(batch)))
        # In float32: logits computed under bf16 autocast have 8 significant bits, too few for a log-softmax.
        yield Update(cross_entropy(logits.float(), batch.labels, label_smoothing=self.config.label_smoothing))
