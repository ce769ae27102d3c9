"""Classification heads: from the pooled encoder state ``h`` to features ``z`` and on to logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from fecbench.core import registry
from fecbench.core.errors import PluginError, UsageError
from fecbench.data.tokenize import check_tokens
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.lengths import longest_text
from fecbench.model.encoders.network import encoder_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel

    from fecbench.model.encoders.source import EncoderSource


@dataclass(frozen=True)
class HeadTask:
    """What a head is built for.

    Attributes:
        labels: label names, by index.
        label_texts: ``name: description`` of each, or its name.
        projection_dim: width of ``z``, for heads with a projection.
    """

    labels: Sequence[str]
    label_texts: Sequence[str]
    projection_dim: int = 128


class Head(nn.Module):
    """Base of all heads; an entry point of the group ``fecbench_heads`` is a subclass with an ``__init__(hidden, classes)``.

    Attributes:
        features: width of ``z``.
        poolings: the poolings whose ``h`` the head can take.
        reads_labels: whether it makes use of the labels' names or texts; then labels that are bare numbers are refused.
    """

    features: int
    poolings: tuple[str, ...] = ("first", "mean")
    reads_labels: bool = False

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """The encoder network and this head for it."""
        network = encoder_network(source)
        return network, cls(network.config.hidden_size, len(task.labels))

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> z [B, features]``; the identity where the head has no projection."""
        return h

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, features] -> logits [B, C]``."""
        raise NotImplementedError

    def companions(self) -> Tokens | None:
        """Texts that the encoder reads along with every training batch, in one call; None for most heads."""
        return None

    def accompany(self, states: Tensor) -> None:
        """Take the companions' states ``[C, hidden]``, with gradient, for the logits of the batch that they came with."""

    def fold(self, states: Tensor) -> None:
        """Take the companions' states ``[C, hidden]``, without gradient, for all logits until the next training batch."""


class LinearHead(Head):
    """Dropout and one linear layer on ``h``."""

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, hidden] -> logits [B, C]``."""
        return cast("Tensor", self.classifier(z))


class MLPHead(Head):
    """Linear, ReLU and linear to ``features`` (the projection of TACO and AML), then dropout and a linear classifier."""

    def __init__(self, hidden: int, classes: int, features: int = 128, dropout: float = 0.1):
        super().__init__()
        self.features = features
        self.projection = projection(hidden, features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, classes))

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """The encoder network and this head for it."""
        network = encoder_network(source)
        return network, cls(network.config.hidden_size, len(task.labels), task.projection_dim)

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> z [B, features]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, features] -> logits [B, C]``."""
        return cast("Tensor", self.classifier(z))


class LabelHead(Head):
    """Logits are dot products of a text's features with those of every label's text, ``z @ L.T``, as in TACO (Gong et al., 2025).

    Both go through one encoder and one projection, and in training gradients flow through both. The label texts travel with the batch,
    packed into the same call of the encoder. For prediction their features are folded into a matrix, so that no label is encoded again.
    """

    matrix: Tensor
    reads_labels = True

    def __init__(self, hidden: int, label_tokens: Tokens, features: int = 128):
        super().__init__()
        self.features = features
        self.projection = projection(hidden, features)
        self.label_tokens = label_tokens
        self.label_states: Tensor | None = None
        self.register_buffer("matrix", torch.zeros(len(label_tokens), features))

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """The encoder network and this head for it; label texts are read whole.

        Raises:
            UsageError: a label's text is longer than any that the encoder takes.
            EncoderError: the tokenizer finds no token in a label's text.
        """
        network = encoder_network(source)
        longest = longest_text(source, network)
        ids = source.tokenizer(list(task.label_texts), verbose=False)["input_ids"]
        for label, text in zip(task.labels, ids, strict=True):
            if len(text) > longest:
                raise UsageError(
                    f"the head label reads each label's text whole, at most {longest:,} tokens with encoder {source.name}, but that of "
                    f"{label!r} has {len(text):,}; shorten its description, or give --label-texts names"
                )
        check_tokens(task.label_texts, np.array([len(text) for text in ids]))
        return network, cls(network.config.hidden_size, Tokens.pack(ids), task.projection_dim)

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> z [B, features]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, features] -> logits [B, C]``; in training, by the labels that came with the last batch encoded."""
        labels = self.matrix if self.label_states is None else self.project(self.label_states)
        return z @ labels.to(z.dtype).T

    def companions(self) -> Tokens:
        """The label texts."""
        if self.label_tokens.ids.device != self.matrix.device:
            self.label_tokens = self.label_tokens.to(self.matrix.device)
        return self.label_tokens

    def accompany(self, states: Tensor) -> None:
        """Classify by these states from now on."""
        self.label_states = states

    def fold(self, states: Tensor) -> None:
        """Keep the projected states as a matrix and classify by it from now on."""
        self.label_states = None
        self.matrix.copy_(self.project(states))


def projection(hidden: int, features: int) -> nn.Sequential:
    """``hidden -> hidden -> features`` with a ReLU between."""
    return nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, features))


def get_head(name: str) -> type[Head]:
    """The head class registered as ``name``.

    Raises:
        UnknownName: there is none.
        PluginError: the plugin is broken or no head.
    """
    head = registry.heads.get(name)
    if not (isinstance(head, type) and issubclass(head, Head)):
        raise PluginError(
            f"the head {name!r} ({registry.heads.origin(name)}) must be a subclass of fecbench.Head; it is {head!r}"
        )
    return head


def check_pooling(head: type[Head], name: str, pooling: str) -> None:
    """Return where ``head`` can take states pooled by ``pooling``.

    Raises:
        UsageError: it can't.
    """
    if pooling not in head.poolings:
        takes = " or ".join(head.poolings)
        raise UsageError(
            f"--head {name} takes --pooling {takes}, found {pooling}; change one of them (linear, mlp and label take either)"
        )
