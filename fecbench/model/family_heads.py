"""Heads of an encoder's family, taken from transformers: classification and masked tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import error_summary
from fecbench.model.encoders.network import classifier_network, language_network, running, take_pooler
from fecbench.model.heads import Head, HeadTask

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    from fecbench.model.encoders.source import EncoderSource


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
        activation = getattr(encoder, "pooler_activation", None)  # ALBERT has it beside a pooler that is linear
        setattr(network, network.base_model_prefix, GivenStates(take_pooler(encoder), activation))
        self.network = network

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """The encoder network and its family's head.

        Raises:
            EncoderError: the family's head is no function of the first token's state, or there is no padding token.
        """
        if source.tokenizer.pad_token_id is None:
            raise EncoderError(
                f"--head native needs an encoder whose tokenizer has a padding token, but that of {source.name} has none; "
                "use --head linear, --head mlp or --head label"
            )
        whole = classifier_network(source, task.labels)
        encoder = cast("PreTrainedModel", whole.base_model)
        probe = source.tokenizer(
            ["good", "this is rather more than that"], padding=True, return_tensors="pt", return_token_type_ids=False
        )
        whole.eval()
        with torch.no_grad(), running(source.name, probe["input_ids"].shape[1]):
            expected = whole(**probe).logits
        try:
            with torch.no_grad():
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
    """Stands where a network has its encoder; takes states in place of embeddings and applies the family's pooler, if it has one.

    A pooler that reads one token's state gives what the others give: ``[B, hidden]``.
    """

    def __init__(self, pooler: nn.Module | None, activation: nn.Module | None = None):
        super().__init__()
        self.pooler = pooler
        self.activation = activation

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> BaseModelOutputWithPooling:
        """``inputs_embeds [B, 1, hidden]`` as the encoder's last states."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        pooled = None if self.pooler is None else self.pooler(inputs_embeds)
        if pooled is not None and pooled.dim() == 3:
            pooled = pooled[:, 0]
        if pooled is not None and self.activation is not None:
            pooled = self.activation(pooled)
        return BaseModelOutputWithPooling(last_hidden_state=inputs_embeds, pooler_output=pooled)


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
                f"fails on them: {error_summary(error)}; choose another encoder"
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
