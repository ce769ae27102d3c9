"""Encode texts to pooled states with a transformers network, packed if the network supports it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import error_summary, out_of_memory
from fecbench.data.gather import take
from fecbench.data.layout import Layout, attention_layout, padding_grid
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.lengths import first_position, positions
from fecbench.model.encoders.network import quiet, running
from fecbench.model.weight_copies import weight_copies

if TYPE_CHECKING:
    from collections.abc import Callable

    from transformers import PreTrainedModel


PROBE_TOKENS = 160  # tokens of the long text that an encoder is tested on
# Largest relative difference of states that count as equal. Rounding makes 1e-6; attention to padding or to another
# text makes 1e-3 and more.
TOLERANCE = 1e-4


class TextEncoder(nn.Module):
    """A transformers encoder with pooling, run on packed tokens if the network supports it.

    At construction a short text is encoded alone, padded beside a long one, and packed beside it. If padding changes
    its states, the encoder is refused, since predictions would depend on the batch. If only packing does, batches are
    padded: the family's attention can't be replaced, and packed texts would attend to each other. A family with
    attention windows, where a token doesn't attend to all of its text, is never packed.

    Attributes:
        packs: True if texts are packed, False if they are padded.
        pooling: ``"first"`` or ``"mean"``.

    Raises:
        EncoderError: padding changes the states of a text, states aren't finite or ``hidden_size`` wide, or the network
            fails.
    """

    def __init__(
        self, network: PreTrainedModel, pad_id: int, pooling: str = "first", packing: bool = True, name: str = ""
    ):
        super().__init__()
        self.network = network
        self.name = name or network.config.model_type
        self.attention = network.config._attn_implementation  # exports give it back to the network
        self.pad_id = pad_id
        self.pooling = pooling
        self.first_position = first_position(network)
        self.compiled = False
        # Tested rather than listed: sdpa ignores packing arguments silently, and families differ in where positions
        # start, so that texts would attend across each other and nothing would fail (ADR 1).
        self.packs = self._probe(packing)

    def forward(self, tokens: Tokens) -> Tensor:
        """Return the pooled states ``h [B, hidden]`` of packed texts."""
        return self.pool(self.states(tokens), tokens)

    def states(self, tokens: Tokens) -> Tensor:
        """Return the states ``[T, hidden]`` of all tokens; raise EncoderError if the network fails."""
        with running(self.name, int(tokens.sizes.max())):
            return self._packed(tokens) if self.packs else self._padded(tokens)

    @torch.no_grad()
    def looks_ahead(self) -> bool:
        """Return True if a text's first state depends on later tokens; in causal networks such as GPT-2 it doesn't."""
        training = self.network.training
        self.network.eval()
        last = len(cast("Tensor", self.network.get_input_embeddings().weight)) - 1
        # A common first token and equal lengths: in a causal network both first states come from the same numbers.
        tokens = Tokens.pack([[last] * 4, [last, 0, 0, 0]])
        one, other = tokens.first(self.states(tokens))
        self.network.train(training)
        return not torch.equal(one, other)

    def pool(self, states: Tensor, tokens: Tokens) -> Tensor:
        """Pool token states ``[T, hidden]`` to ``h [B, hidden]``."""
        return tokens.first(states) if self.pooling == "first" else tokens.mean(states)

    def compile_network(self) -> None:
        """Compile the network with torch.compile, for any number of tokens.

        Attention then uses a single grid, since every other number of grids would cause a recompilation.
        """
        self.network.compile(dynamic=True)
        self.compiled = True

    def layout(self, tokens: Tokens) -> Layout:
        """Return the padded grids in which packed tokens attend."""
        device = tokens.ids.device.type
        autocast = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if autocast else self.network.dtype
        # At infinite cost there is a single grid.
        return attention_layout(tokens, dtype, math.inf if self.compiled else None)

    def _packed(self, tokens: Tokens) -> Tensor:
        # RoBERTa's positions start after its padding entry; wrong positions would raise no error.
        position_ids = tokens.positions + self.first_position if self.first_position else tokens.positions
        inputs = {"input_ids": tokens.ids, "position_ids": position_ids}
        if tokens.segments is not None:
            inputs["token_type_ids"] = tokens.segments
        batch_of_one: dict[str, Any] = {name: values.unsqueeze(0) for name, values in inputs.items()}
        # A compiled network is compiled for its own weights.
        copies = {} if self.compiled else weight_copies(self.network, tokens.ids.device)
        outputs = functional_call(
            self.network, copies, kwargs={**batch_of_one, "layout": self.layout(tokens)}, tie_weights=False
        )
        return cast("Tensor", outputs.last_hidden_state.squeeze(0))

    def _padded(self, tokens: Tokens) -> Tensor:
        places, mask = padding_grid(tokens)

        def padded(packed: Tensor, empty: int) -> Tensor:
            return packed.new_full(mask.shape, empty).flatten().index_copy_(0, places, packed).view_as(mask)

        segments = {} if tokens.segments is None else {"token_type_ids": padded(tokens.segments, 0)}
        states = self.network(
            input_ids=padded(tokens.ids, self.pad_id), attention_mask=mask.long(), **segments
        ).last_hidden_state
        return take(states.flatten(0, 1), places)

    @torch.no_grad()
    def _probe(self, packing: bool) -> bool:
        """Check that padding changes no state, and return True if texts can be packed."""
        training = self.network.training
        self.network.eval()
        try:
            long, short = self._probe_texts()
            # FNet, ConvBERT, Nyströmformer and YOSO fail this test.
            beside = self._test_states([long, short])
            self._check_width(beside.shape[-1])
            if difference(beside[len(long) :], self._test_states([short])) > TOLERANCE:
                raise EncoderError(
                    f"the encoder {self.name} must encode a text the same with and without padding after it, but takes "
                    "padding for words: predictions would depend on the other texts of a batch; choose a family that "
                    "masks padding, such as BERT or RoBERTa"
                )
            packs = packing and self.sees_whole_texts() and self._attends_alike(self._packed, [long, short], beside)
            if not packs and self.attention == "sdpa":
                # The same attention, but its mask is made without waiting for the device.
                self._attends_alike(self._padded, [long, short], beside)
            return packs
        finally:
            self.network.train(training)

    def _check_width(self, width: int) -> None:
        """Check that states have the configuration's width, by which heads are built."""
        hidden = self.network.config.hidden_size
        if width != hidden:
            raise EncoderError(
                f"the encoder {self.name} must return states as wide as its hidden_size, {hidden}, "
                f"but returns {width}; choose another encoder"
            )

    def _probe_texts(self) -> tuple[list[int], list[int]]:
        """Return the token ids of a long text (the encoder's maximum length, at most 160) and of a short one."""
        size = len(cast("Tensor", self.network.get_input_embeddings().weight))
        ids = [number for number in range(max(size - 8, 0), size) if number != self.pad_id] or [0]
        longest = min(PROBE_TOKENS, positions(self.network) or PROBE_TOKENS)
        long = [ids[position % len(ids)] for position in range(longest)]
        return long, long[:3]

    def _test_states(self, texts: list[list[int]]) -> Tensor:
        """Return the padded states of ``texts``; raise EncoderError if the network fails or they aren't finite."""
        lengths = " and ".join(str(len(text)) for text in texts)
        try:
            with quiet():
                states = self._padded(Tokens.pack(texts))
        except Exception as error:  # a network can raise anything
            if out_of_memory(error):
                raise
            raise EncoderError(
                f"the encoder {self.name} must encode texts of {lengths} tokens, but fails: {error_summary(error)}; "
                "choose another encoder"
            ) from error
        if not states.isfinite().all():
            raise EncoderError(
                f"the encoder {self.name} must return finite states, but returns NaN or infinity for texts of "
                f"{lengths} tokens; check its weights"
            )
        return states

    def sees_whole_texts(self) -> bool:
        """Return True if a token attends to its whole text, as in packed grids; ModernBERT's window has 128 tokens."""
        return all(kind == "full_attention" for kind in getattr(self.network.config, "layer_types", None) or ())

    def _attends_alike(self, states: Callable[[Tokens], Tensor], texts: list[list[int]], expected: Tensor) -> bool:
        """Give the network fecbench's attention; restore its own if ``texts`` then have other ``states`` than expected.

        Returns:
            True if the network keeps fecbench's attention.
        """
        from fecbench.model.packed_attention import IMPLEMENTATION

        try:
            with quiet():
                self.network.set_attn_implementation(IMPLEMENTATION)
            sizes = [len(text) for text in texts]
            pairs = zip(states(Tokens.pack(texts)).split(sizes), expected.split(sizes), strict=True)
            if all(difference(one, other) <= TOLERANCE for one, other in pairs):
                return True
        except (TypeError, ValueError, RuntimeError, LookupError, AttributeError):
            pass  # the family's forward doesn't pass the layout on to its attention
        if self.network.config._attn_implementation == IMPLEMENTATION:
            self.network.set_attn_implementation(self.attention)
        return False


def difference(found: Tensor, expected: Tensor) -> float:
    """Return ``|found - expected| / |expected|`` (Frobenius norms); NaN if any state isn't finite.

    >>> difference(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0]))
    0.2...
    """
    return float((found - expected).norm() / expected.norm())
