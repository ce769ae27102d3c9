"""Heads that transformers defines for an encoder's family: classification and masked tokens."""

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
    """The encoder family's own classification head, as ``AutoModelForSequenceClassification`` builds it; ``z = h``.

    The family's network is kept, but its encoder is replaced by a stub that passes on precomputed states. When the
    head is built, its logits are compared with those of the whole network (ADR 2).
    """

    poolings = ("first",)

    def __init__(self, network: PreTrainedModel):
        super().__init__()
        self.features = network.config.hidden_size
        encoder = network.base_model
        activation = getattr(encoder, "pooler_activation", None)  # ALBERT's is a module beside its pooler
        setattr(network, network.base_model_prefix, PrecomputedStates(take_pooler(encoder), activation))
        self.network = network

    @classmethod
    def build(cls, source: EncoderSource, task: HeadTask) -> tuple[PreTrainedModel, Head]:
        """Return the encoder network and its family's head.

        Raises:
            EncoderError: the family's head isn't a function of the first token's state, or the tokenizer has no
                padding token.
        """
        if source.tokenizer.pad_token_id is None:
            raise EncoderError(
                f"--head native needs an encoder whose tokenizer has a padding token, but that of {source.name} has "
                "none; use --head linear, --head mlp or --head label"
            )
        whole = classifier_network(source, task.labels)
        encoder = cast("PreTrainedModel", whole.base_model)
        probe = source.tokenizer(
            ["good", "this is rather more than that"], padding=True, return_tensors="pt", return_token_type_ids=False
        )
        # The expected logits come first: building the head takes the encoder out of the whole network.
        whole.eval()
        with torch.no_grad(), running(source.name, probe["input_ids"].shape[1]):
            expected = whole(**probe).logits
        try:
            with torch.no_grad():
                head = cls(whole)
                logits = head.classify(encoder(**probe).last_hidden_state[:, 0])
            agrees = torch.allclose(expected, logits, atol=1e-5)
        except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):
            agrees = False  # the family's head needs more than one state, such as all tokens or their mask
        if not agrees:
            raise EncoderError(
                f"the native head of {source.name} isn't a function of the first token's state; "
                "use --head linear or --head mlp"
            )
        return encoder, head

    def classify(self, z: Tensor) -> Tensor:
        """Return the logits of ``z``: ``[B, hidden] -> [B, C]``."""
        # As texts of one token: the family's head reads the first token's state itself.
        return cast("Tensor", self.network(inputs_embeds=z[:, None]).logits)


class PrecomputedStates(nn.Module):
    """Stub encoder: passes precomputed states to the family's head, with the family's pooler if it has one."""

    def __init__(self, pooler: nn.Module | None, activation: nn.Module | None = None):
        super().__init__()
        self.pooler = pooler
        self.activation = activation

    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> BaseModelOutputWithPooling:
        """Return ``inputs_embeds [B, 1, hidden]`` as the encoder's last states, and pooled ``[B, hidden]``."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        pooled = None if self.pooler is None else self.pooler(inputs_embeds)
        if pooled is not None and pooled.dim() == 3:  # a pooler that maps each token's state, as ALBERT's
            pooled = pooled[:, 0]
        if pooled is not None and self.activation is not None:
            pooled = self.activation(pooled)
        return BaseModelOutputWithPooling(last_hidden_state=inputs_embeds, pooler_output=pooled)


class LanguageHead(nn.Module):
    """The family's masked-language head: transforms token states and compares them with the word embeddings.

    The embeddings are an argument of each call, so that they stay tied to the encoder in training.

    Attributes:
        pretrained: True if the head's weights come from the encoder's checkpoint, False if they are random.
    """

    bias: Tensor

    def __init__(self, network: PreTrainedModel, pretrained: bool):
        super().__init__()
        self.pretrained = pretrained
        decoder = cast("nn.Linear", network.get_output_embeddings())
        self.bias = nn.Parameter(decoder.bias.detach().clone())
        setattr(network, network.base_model_prefix, PrecomputedStates(None))
        # The decoder's weights are the encoder's word embeddings, which stay the encoder's own (ADR 14).
        _remove_decoder(network, decoder)
        self.network = network

    @classmethod
    def build(cls, source: EncoderSource) -> LanguageHead:
        """Build the masked-language head of the encoder ``source``.

        Raises:
            EncoderError: the family has no such head, or the head needs more than states and embeddings.
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
                f"the masked-language head of encoder {source.name} must be a function of a token's state and the word "
                f"embeddings, but fails on them: {error_summary(error)}; choose another encoder"
            ) from error
        return head

    def forward(self, states: Tensor, embeddings: Tensor) -> Tensor:
        """Return the logits ``[M, V]`` of ``states [M, hidden]`` by the word ``embeddings [V, width]``."""
        transformed = self.network(inputs_embeds=states[None]).logits[0]
        return linear(transformed, embeddings, self.bias.to(transformed.dtype))


def _remove_decoder(network: nn.Module, decoder: nn.Linear) -> None:
    """Replace the decoder by the identity and remove its bias, which some families hold a second time."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if child is decoder:
                setattr(module, name, nn.Identity())
        if module is not decoder and module._parameters.get("bias") is decoder.bias:
            module.bias = None  # type: ignore[assignment]
