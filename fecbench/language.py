"""The masked-language head of an encoder's family: from token states to scores of all words."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from fecbench.encoders.network import language_network
from fecbench.errors import EncoderError
from fecbench.guard import words
from fecbench.heads import GivenStates

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench.encoders import EncoderSource


class LanguageHead(nn.Module):
    """What the family puts on token states before it compares them with the word embeddings.

    The embeddings themselves aren't its own: they come with each call, so that they are those of the encoder in training (tied weights).

    Attributes:
        pretrained: whether its weights come from the encoder's checkpoint; fresh ones otherwise.
    """

    bias: Tensor

    def __init__(self, network: PreTrainedModel, pretrained: bool):
        super().__init__()
        self.pretrained = pretrained
        decoder = cast("nn.Linear", network.get_output_embeddings())
        self.bias = nn.Parameter(decoder.bias.detach().clone())
        setattr(network, network.base_model_prefix, GivenStates(None))
        _take_out(network, decoder)
        self.network = network

    @classmethod
    def build(cls, source: EncoderSource) -> LanguageHead:
        """The head of the encoder ``source``.

        Raises:
            EncoderError: its family has none, or one of another kind.
        """
        network, pretrained = language_network(source)
        embeddings = cast("Tensor", network.get_input_embeddings().weight)
        try:
            head, training = cls(network, pretrained), network.training
            with torch.no_grad():
                head.eval()(embeddings.new_zeros(1, network.config.hidden_size), embeddings)
            head.train(training)
        except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise EncoderError(
                f"the masked-language head of encoder {source.name} must be a function of a token's state and the word embeddings, but "
                f"fails on them: {words(error)}; choose another encoder"
            ) from error
        return head

    def forward(self, states: Tensor, embeddings: Tensor) -> Tensor:
        """``states [M, hidden]`` and the word embeddings ``[V, width]`` to logits ``[M, V]``."""
        transformed = self.network(inputs_embeds=states[None]).logits[0]
        return linear(transformed, embeddings, self.bias.to(transformed.dtype))


def _take_out(network: nn.Module, decoder: nn.Linear) -> None:
    """Let states pass where the decoder was, and drop its bias, which some families hold a second time."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if child is decoder:
                setattr(module, name, nn.Identity())
        if module is not decoder and module._parameters.get("bias") is decoder.bias:
            module.bias = None  # type: ignore[assignment]
