"""Classification heads: from the pooled encoder state ``h`` to features ``z`` and on to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPooling

from fecbench import registry
from fecbench.encoders.network import classifier_network, encoder_network
from fecbench.errors import EncoderError, PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel

    from fecbench.encoders import EncoderSource


class Head(nn.Module):
    """Base of all heads; an entry point of the group ``fecbench_heads`` is a subclass with an ``__init__(hidden, classes)``.

    Attributes:
        features: width of ``z``.
        poolings: the poolings whose ``h`` the head can take.
    """

    features: int
    poolings: tuple[str, ...] = ("first", "mean")

    @classmethod
    def build(cls, source: EncoderSource, labels: Sequence[str]) -> tuple[PreTrainedModel, Head]:
        """The encoder network and this head for it."""
        network = encoder_network(source)
        return network, cls(network.config.hidden_size, len(labels))

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> z [B, features]``; the identity where the head has no projection."""
        return h

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, features] -> logits [B, C]``."""
        raise NotImplementedError


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
        self.projection = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, features))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, classes))

    def project(self, h: Tensor) -> Tensor:
        """``h [B, hidden] -> z [B, features]``."""
        return cast("Tensor", self.projection(h))

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, features] -> logits [B, C]``."""
        return cast("Tensor", self.classifier(z))


class NativeHead(Head):
    """The encoder family's own head, as ``AutoModelForSequenceClassification`` builds it; it consumes ``h`` whole, so that ``z = h``.

    The family's network stays as it is, but with a stand-in for its encoder that hands on states computed elsewhere. That its logits are
    those of the whole network is checked when it is built.
    """

    poolings = ("first",)

    def __init__(self, network: PreTrainedModel):
        super().__init__()
        self.features = network.config.hidden_size
        encoder = network.base_model
        pooler = getattr(encoder, "pooler", None)
        if pooler is not None:
            setattr(encoder, "pooler", None)  # noqa: B010
        setattr(network, network.base_model_prefix, GivenStates(pooler))
        self.network = network

    @classmethod
    def build(cls, source: EncoderSource, labels: Sequence[str]) -> tuple[PreTrainedModel, Head]:
        """The encoder network and its family's head.

        Raises:
            EncoderError: the family's head is no function of the first token's state.
        """
        whole = classifier_network(source, labels)
        encoder = cast("PreTrainedModel", whole.base_model)
        probe = source.tokenizer(["good", "this is rather more than that"], padding=True, return_tensors="pt", return_token_type_ids=False)
        whole.eval()
        try:
            with torch.no_grad():
                expected = whole(**probe).logits
                head = cls(whole)
                found = head.classify(encoder(**probe).last_hidden_state[:, 0])
            agrees = torch.allclose(expected, found, atol=1e-5)
        except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):
            agrees = False
        if not agrees:
            raise EncoderError(
                f"the native head of {source.name} isn't a function of the first token's state; use --head linear or --head mlp"
            )
        return encoder, head

    def classify(self, z: Tensor) -> Tensor:
        """``z [B, hidden] -> logits [B, C]``."""
        return cast("Tensor", self.network(inputs_embeds=z[:, None]).logits)


class GivenStates(nn.Module):
    """Stands where a network has its encoder; takes states in place of embeddings and applies the family's pooler, if it has one."""

    def __init__(self, pooler: nn.Module | None):
        super().__init__()
        self.pooler = pooler

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> BaseModelOutputWithPooling:
        """``inputs_embeds [B, 1, hidden]`` as the encoder's last states."""
        pooled = None if self.pooler is None else self.pooler(inputs_embeds)
        return BaseModelOutputWithPooling(last_hidden_state=inputs_embeds, pooler_output=pooled)


def named(name: str) -> type[Head]:
    """The head class registered as ``name``.

    Raises:
        UnknownName: there is none.
        PluginError: the plugin is broken or no head.
    """
    head = registry.heads.get(name)
    if not (isinstance(head, type) and issubclass(head, Head)):
        raise PluginError(f"the head {name!r} ({registry.heads.origin(name)}) must be a subclass of fecbench.Head; it is {head!r}")
    return head


def check_pooling(head: type[Head], name: str, pooling: str) -> None:
    """Return where ``head`` can take states pooled by ``pooling``.

    Raises:
        UsageError: it can't.
    """
    if pooling not in head.poolings:
        takes = " or ".join(head.poolings)
        raise UsageError(f"--head {name} takes --pooling {takes}, found {pooling}; change one of them (linear and mlp take either)")
