"""The model that objectives train: encode texts to pooled states, project them to features, classify to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, cast

import torch
from torch import Tensor, nn

from fecbench.core.errors import PluginError, UsageError
from fecbench.core.plugin_errors import plugin_errors
from fecbench.model import heads
from fecbench.model.distributed import whole_batch
from fecbench.model.encoders.network import take_pooler
from fecbench.model.text_encoder import TextEncoder

if TYPE_CHECKING:
    from fecbench.data.batch import Batch
    from fecbench.data.tokens import Tokens
    from fecbench.model.encoders.source import EncoderSource
    from fecbench.model.heads import Head, HeadTask


class Model(nn.Module):
    """An encoder and a head.

    Shapes: pooled encoder states ``h [B, hidden]``, the head's features ``z [B, features]``, logits ``[B, C]``.
    """

    def __init__(self, encoder: TextEncoder, head: Head):
        super().__init__()
        self.encoder = encoder
        self.head = head

    def encode(self, batch: Batch) -> Tensor:
        """Return the pooled states ``h [B, hidden]`` of the whole batch, with gradient, on every rank.

        In training, the head's extra texts, such as label texts, are encoded in the same call.
        """
        # Under no_grad the extra states stay as they were: states without gradient would replace those of the graph.
        extra = self.head.extra_texts() if self.training and torch.is_grad_enabled() else None
        if extra is None:
            states = cast("Tensor", self.encoder(batch.tokens))
        else:
            together = self.encoder(batch.tokens.followed_by(extra))
            states, extra_states = together.split([len(batch.tokens), len(extra)])
            self.head.set_extra_states(extra_states)
        return states if batch.share is None else whole_batch(states, batch.share, len(batch))

    def states(self, tokens: Tokens) -> Tensor:
        """Return the states ``[T, hidden]`` of all tokens, on this rank; :meth:`pool` turns them into ``h``."""
        return self.encoder.states(tokens)

    def pool(self, states: Tensor, tokens: Tokens) -> Tensor:
        """Pool token states ``[T, hidden]`` to ``h [B, hidden]``, on this rank."""
        return self.encoder.pool(states, tokens)

    @torch.no_grad()
    def precompute(self) -> Self:
        """Encode the head's extra texts once, in eval mode, so that prediction skips encoding them."""
        extra = self.head.extra_texts()
        if extra is not None:
            training = self.training
            self.eval()
            self.head.precompute(self.encoder(extra))
            self.train(training)
        return self

    def project(self, h: Tensor) -> Tensor:
        """Return the head's features ``z [B, features]`` of ``h [B, hidden]``."""
        return self.head.project(h)

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits ``[B, C]`` of ``z [B, features]``."""
        return self.head.classify(z)


def precompute(*modules: nn.Module) -> None:
    """Call :meth:`Model.precompute` on every model among ``modules`` and their submodules.

    An objective's further models are submodules of the objective, so they predict as the run's own model does.
    """
    for module in modules:
        for part in module.modules():
            if isinstance(part, Model):
                part.precompute()


def label_states(model: Model, who: str) -> Tensor:
    """Return the encoder's states ``[C, hidden]`` of the label texts that were encoded with the last training batch.

    Args:
        model: a model whose head encodes label texts.
        who: the caller's name, for the message.

    Raises:
        UsageError: the head encodes no label texts.
    """
    states = getattr(model.head, "label_states", None)
    if not isinstance(states, Tensor):
        raise UsageError(
            f"{who} needs a head that encodes the labels' texts, found {type(model.head).__name__}; use --head label"
        )
    return states


def build_model(
    source: EncoderSource, head: str, task: HeadTask, pooling: str = "first", packing: bool = True
) -> Model:
    """Build a model of an encoder and the head registered as ``head``.

    Random weights are drawn from torch's global generator.

    Raises:
        UsageError: the head doesn't support the pooling.
        EncoderError: the encoder can't be built, or its family has no such head.
        PluginError: the head fails or doesn't build itself.
    """
    kind = heads.get_head(head)
    heads.check_pooling(kind, head, pooling)
    with plugin_errors(f"the head {head!r}", kind):
        network, built = kind.build(source, task)
        if not isinstance(built, kind) or not isinstance(getattr(built, "features", None), int):
            raise PluginError(
                f"the head {head!r}: build() must return (network, head) with an integer `features`, "
                f"but returned {built!r} as head; fix or uninstall the plugin"
            )
    take_pooler(network)  # the pooler's output isn't used
    # Without a padding token any id will do: an encoder whose states depend on padding is refused.
    return Model(TextEncoder(network, source.tokenizer.pad_token_id or 0, pooling, packing, source.name), built)
