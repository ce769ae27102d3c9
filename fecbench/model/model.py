"""The model that objectives train: ``encode`` to pooled states, ``project`` to features, ``classify`` to logits."""

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
    """Encoder and head.

    Shapes: ``h [B, hidden]`` pooled encoder states, ``z [B, features]`` the head's features, logits ``[B, C]``.
    """

    def __init__(self, encoder: TextEncoder, head: Head):
        super().__init__()
        self.encoder = encoder
        self.head = head

    def encode(self, batch: Batch) -> Tensor:
        """Pooled states ``h [B, hidden]`` of the whole batch, with gradient, on every rank.

        In training the head's companions, such as label texts, are encoded in the same call.
        """
        companions = self.head.companions() if self.training and torch.is_grad_enabled() else None
        if companions is None:
            states = cast("Tensor", self.encoder(batch.tokens))
        else:
            together = self.encoder(batch.tokens.followed_by(companions))
            states, accompanying = together.split([len(batch.tokens), len(companions)])
            self.head.accompany(accompanying)
        return states if batch.share is None else whole_batch(states, batch.share, len(batch))

    def states(self, tokens: Tokens) -> Tensor:
        """The states ``[T, hidden]`` of all tokens, on this rank; :meth:`pool` makes ``h`` of them."""
        return self.encoder.states(tokens)

    def pool(self, states: Tensor, tokens: Tokens) -> Tensor:
        """Pooled states ``h [B, hidden]`` of token states ``[T, hidden]``, on this rank."""
        return self.encoder.pool(states, tokens)

    @torch.no_grad()
    def fold(self) -> Self:
        """Encode the head's companions once, as they are in eval mode, so that predictions needn't."""
        companions = self.head.companions()
        if companions is not None:
            training = self.training
            self.eval()
            self.head.fold(self.encoder(companions))
            self.train(training)
        return self

    def project(self, h: Tensor) -> Tensor:
        """The head's features ``z [B, features]`` of ``h``."""
        return self.head.project(h)

    def classify(self, z: Tensor) -> Tensor:
        """The logits ``[B, C]`` of ``z``."""
        return self.head.classify(z)


def fold(*modules: nn.Module) -> None:
    """Fold every model among ``modules`` and their parts: a further model of an objective predicts as the run's own does."""
    for module in modules:
        for part in module.modules():
            if isinstance(part, Model):
                part.fold()


def label_states(model: Model, who: str) -> Tensor:
    """The encoder's states ``[C, hidden]`` of the labels' texts that were encoded with the last training batch.

    Raises:
        UsageError: the head reads no label texts; ``who`` needs them.
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
    """A model of an encoder and the head registered as ``head``; fresh weights come from torch's global generator.

    Raises:
        UsageError: the head can't take that pooling.
        EncoderError: the encoder can't be built, or has no such head.
    """
    kind = heads.get_head(head)
    heads.check_pooling(kind, head, pooling)
    with plugin_errors(f"the head {head!r}", kind):
        network, built = kind.build(source, task)
        if not isinstance(built, kind) or not isinstance(getattr(built, "features", None), int):
            raise PluginError(
                f"the head {head!r} must build itself, with its number of features, but built {built!r}; mend or uninstall it"
            )
    take_pooler(network)  # what it gives isn't read
    return Model(TextEncoder(network, source.tokenizer.pad_token_id or 0, pooling, packing, source.name), built)
