"""Classification heads: map the pooled encoder state ``h`` to features ``z`` and logits."""

from __future__ import annotations

from dataclasses import dataclass, field
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

    from fecbench.data.datasets.dataset import Labelling
    from fecbench.model.encoders.source import EncoderSource


@dataclass(frozen=True)
class HeadTask:
    """The classification task that a head is built for.

    Attributes:
        labels: label names, by index.
        label_texts: ``name: description`` of each label, or its name alone.
        projection_dim: width of ``z`` for heads with a projection.
        labelling: ``single`` if labels exclude one another, ``multi`` if a text can have several.
        prior: ``[C]``, share of the training rows with each label, between 0 and 1, both excluded; None if unknown.
    """

    labels: Sequence[str]
    label_texts: Sequence[str]
    projection_dim: int = 128
    labelling: Labelling = "single"
    prior: Tensor | None = field(default=None, compare=False)

    @property
    def first_biases(self) -> Tensor | None:
        """The biases ``[C]`` to start with where labels don't exclude one another: the logits of their base rates.

        Without them a model spends its first epochs on learning that labels are rare. None if labels exclude one
        another, or base rates are unknown.
        """
        return None if self.labelling == "single" or self.prior is None else self.prior.logit()


class Head(nn.Module):
    """Base class of all heads.

    An entry point of the group ``fecbench_heads`` is a subclass with an ``__init__(hidden, classes)``. Subclasses
    set ``features`` and define :meth:`classify`.

    Attributes:
        features: width of ``z``.
        poolings: the values of ``--pooling`` that the head supports.
        reads_labels: True if the head uses the labels' names or texts; labels that are bare numbers are then refused.
    """

    features: int
    poolings: tuple[str, ...] = ("first", "mean")
    reads_labels: bool = False

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Return the encoder network and this head for it."""
        network = encoder_network(source)
        return network, cls(network.config.hidden_size, len(task.labels))

    def project(self, h: Tensor) -> Tensor:
        """Return the features of ``h``: ``[B, hidden] -> [B, features]``. By default ``z = h``."""
        return h

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits of ``z``: ``[B, features] -> [B, C]``."""
        raise NotImplementedError

    def extra_texts(self) -> Tokens | None:
        """Return texts to encode together with every training batch, such as label texts; None if there are none."""
        return None

    def set_extra_states(self, states: Tensor) -> None:
        """Keep the states ``[E, hidden]`` of the extra texts, with gradient, for the logits of the same batch."""

    def precompute(self, states: Tensor) -> None:
        """Keep the extra texts' ``states [E, hidden]``, without gradient, for prediction.

        They are used for all logits until the next training batch. Keep them, or what is computed from them, in a
        buffer, so that it is saved.
        """


class LinearHead(Head):
    """Dropout and one linear layer on ``h``, so that ``z = h``."""

    def __init__(self, hidden: int, classes: int, dropout: float = 0.1):
        super().__init__()
        self.features = hidden
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, classes))

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Return the encoder network and this head for it."""
        network, head = super().build(source, task)
        start_at(cast("LinearHead", head).classifier, task)
        return network, head

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits of ``z``: ``[B, hidden] -> [B, C]``."""
        return cast("Tensor", self.classifier(z))


class MLPHead(Head):
    """A projection (linear, ReLU, linear, as in TACO and AML), then dropout and a linear classifier."""

    def __init__(self, hidden: int, classes: int, features: int = 128, dropout: float = 0.1):
        super().__init__()
        self.features = features
        self.projection = projection(hidden, features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, classes))

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Return the encoder network and this head for it."""
        network = encoder_network(source)
        head = cls(network.config.hidden_size, len(task.labels), task.projection_dim)
        start_at(head.classifier, task)
        return network, head

    def project(self, h: Tensor) -> Tensor:
        """Return the features of ``h``: ``[B, hidden] -> [B, features]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits of ``z``: ``[B, features] -> [B, C]``."""
        return cast("Tensor", self.classifier(z))


class LabelHead(Head):
    """The label head: logits are dot products of text and label features, ``z @ L.T``, as in TACO (Gong et al., 2025).

    Texts and label texts share the encoder and the projection. In training the label texts are encoded in the same
    encoder call as the batch, and gradients flow through both. For prediction the label features are precomputed
    into ``matrix [C, features]``, so that no label is encoded again (ADR 8). Labels that don't exclude one another have
    a bias each, and the label features are centred: ``z @ (L - mean L).T + b``.
    """

    matrix: Tensor
    reads_labels = True

    def __init__(self, hidden: int, label_tokens: Tokens, features: int = 128, biased: bool = False):
        super().__init__()
        self.features = features
        self.projection = projection(hidden, features)
        self.label_tokens = label_tokens
        self.label_states: Tensor | None = None  # no buffer: they carry a batch's graph and aren't saved
        self.register_buffer("matrix", torch.zeros(len(label_tokens), features))
        self.bias = nn.Parameter(torch.zeros(len(label_tokens))) if biased else None

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Return the encoder network and this head for it. Label texts are never truncated.

        Raises:
            UsageError: a label's text is longer than the encoder's maximum length.
            EncoderError: the tokenizer returns no tokens for a label's text.
        """
        network = encoder_network(source)
        longest = longest_text(source, network)
        ids = source.tokenizer(list(task.label_texts), verbose=False)["input_ids"]  # no warning: checked below
        for label, text in zip(task.labels, ids, strict=True):
            if len(text) > longest:
                raise UsageError(
                    f"the head label encodes each label's text without truncation, at most {longest:,} tokens with "
                    f"encoder {source.name}, but that of {label!r} has {len(text):,}; shorten its description, or give "
                    "--label-texts names"
                )
        check_tokens(task.label_texts, np.array([len(text) for text in ids]))
        head = cls(network.config.hidden_size, Tokens.pack(ids), task.projection_dim, task.labelling == "multi")
        if head.bias is not None and task.first_biases is not None:
            head.bias.data.copy_(task.first_biases)
        return network, head

    def project(self, h: Tensor) -> Tensor:
        """Return the features of ``h``: ``[B, hidden] -> [B, features]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits of ``z``: ``[B, features] -> [B, C]``.

        In training, the label features are those encoded with the last batch; in prediction, those precomputed.
        """
        labels = self.matrix if self.label_states is None else self.project(self.label_states)
        if self.bias is None:
            return z @ labels.to(z.dtype).T  # under autocast z is bf16 and the matrix float32
        # The part that all label texts share moves all logits alike. Softmax ignores it, sigmoids don't: it would hide
        # the biases, the labels' base rates.
        labels = labels - labels.mean(0)
        return z @ labels.to(z.dtype).T + self.bias

    def extra_texts(self) -> Tokens:
        """Return the label texts ``[C]``, on the head's device."""
        # Module.to moves buffers and parameters; tokens are neither.
        if self.label_tokens.ids.device != self.matrix.device:
            self.label_tokens = self.label_tokens.to(self.matrix.device)
        return self.label_tokens

    def set_extra_states(self, states: Tensor) -> None:
        """Classify by the label texts' ``states [C, hidden]`` from now on."""
        self.label_states = states

    def precompute(self, states: Tensor) -> None:
        """Store the projected label texts' ``states [C, hidden]`` in ``matrix`` and classify by it from now on."""
        self.label_states = None
        self.matrix.copy_(self.project(states))


def start_at(classifier: nn.Sequential, task: HeadTask) -> None:
    """Set the biases of a classifier's last layer to :attr:`HeadTask.first_biases`, if the task has any."""
    if task.first_biases is not None:
        cast("nn.Linear", classifier[-1]).bias.data.copy_(task.first_biases)


def projection(hidden: int, features: int) -> nn.Sequential:
    """Return the projection ``hidden -> hidden -> features`` with a ReLU between."""
    return nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, features))


# Methods that heads of earlier versions overrode, and their names today.
RENAMED = {"companions": "extra_texts", "accompany": "set_extra_states", "fold": "precompute"}


def get_head(name: str) -> type[Head]:
    """Return the head class registered as ``name``.

    Raises:
        UnknownName: no head has this name.
        PluginError: the plugin is broken, isn't a subclass of ``Head``, or overrides a method by its old name.
    """
    head = registry.heads.get(name)
    who = f"the head {name!r} ({registry.heads.origin(name)})"
    if not (isinstance(head, type) and issubclass(head, Head)):
        raise PluginError(f"{who} must be a subclass of fecbench.Head, but is {head!r}; fix or uninstall the plugin")
    for old, new in RENAMED.items():
        # Without this check the old method would never be called, and the head would train without its label texts.
        if callable(getattr(head, old, None)) and getattr(head, new) is getattr(Head, new):
            raise PluginError(f"{who} defines {old}, which is now called {new}; rename the method")
    return head


def check_pooling(head: type[Head], name: str, pooling: str) -> None:
    """Check that ``head`` supports ``pooling``.

    Raises:
        UsageError: it doesn't.
    """
    if pooling not in head.poolings:
        supported = " or ".join(head.poolings)
        raise UsageError(
            f"--head {name} takes --pooling {supported}, found {pooling}; change one of them "
            "(linear, mlp and label take either)"
        )
