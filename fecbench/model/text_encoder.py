"""Encode packed texts to pooled states with a transformers network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from fecbench.core.errors import EncoderError
from fecbench.core.plugin_errors import error_summary, out_of_memory
from fecbench.data.tokens import GRID_COST, GRID_COST_ELSEWHERE, Layout, Tokens
from fecbench.model.encoders.lengths import first_position, positions
from fecbench.model.encoders.network import quiet, running

if TYPE_CHECKING:
    from transformers import PreTrainedModel


PROBE = 160  # tokens of the long text that an encoder is tried on
AGREE = 1e-4  # how far states may differ, relative to their size: rounding makes 1e-6, a neighbour that is read 1e-3


class TextEncoder(nn.Module):
    """A transformers encoder with pooling, run on packed tokens where it can be.

    A short text is tried alone, padded beside a long one, and packed beside it. Where padding changes its states the encoder is refused,
    since its answers would depend on the batch. Where only packing does, batches are padded: the family's attention isn't the replaceable
    kind, so that texts attend across each other. A family with windows, where a token doesn't attend to all of its text, is never packed.

    Raises:
        EncoderError: padding changes what the encoder makes of a text, its states aren't ``hidden_size`` wide, or it fails on texts.
    """

    def __init__(
        self, network: PreTrainedModel, pad_id: int, pooling: str = "first", packing: bool = True, name: str = ""
    ):
        super().__init__()
        self.network = network
        self.name = name or network.config.model_type
        self.attention = network.config._attn_implementation
        self.pad_id = pad_id
        self.pooling = pooling
        self.first_position = first_position(network)
        self.compiled = False
        self.packs = self._probe(packing)

    def forward(self, tokens: Tokens) -> Tensor:
        """Pooled states ``h [B, hidden]``."""
        return self.pool(self.states(tokens), tokens)

    def states(self, tokens: Tokens) -> Tensor:
        """The states ``[T, hidden]`` of all tokens. Raises EncoderError where the network fails on them."""
        with running(self.name, int(tokens.sizes.max())):
            return self._packed(tokens) if self.packs else self._padded(tokens)

    @torch.no_grad()
    def looks_ahead(self) -> bool:
        """Return whether a text's first state depends on later tokens; those of causal networks such as GPT-2 don't."""
        training = self.network.training
        self.network.eval()
        last = len(cast("Tensor", self.network.get_input_embeddings().weight)) - 1
        tokens = Tokens.pack([[last] * 4, [last, 0, 0, 0]])
        one, other = tokens.first(self.states(tokens))
        self.network.train(training)
        return not torch.equal(one, other)

    def pool(self, states: Tensor, tokens: Tokens) -> Tensor:
        """Pooled states ``h [B, hidden]`` of token states ``[T, hidden]``."""
        return tokens.first(states) if self.pooling == "first" else tokens.mean(states)

    def compile_network(self) -> None:
        """Compile the network for any number of tokens, and for one grid in attention: each number of grids would be compiled anew."""
        self.network.compile(dynamic=True)
        self.compiled = True

    def layout(self, tokens: Tokens) -> Layout:
        """In which order the network reads packed tokens, and in which grids they attend."""
        return tokens.layout(math.inf if self.compiled else GRID_COST.get(tokens.ids.device.type, GRID_COST_ELSEWHERE))

    def _packed(self, tokens: Tokens) -> Tensor:
        order, grids = self.layout(tokens)
        ids, positions = tokens.ids[order], tokens.positions[order] + self.first_position
        segments = {} if tokens.segments is None else {"token_type_ids": tokens.segments[order][None]}
        states = self.network(
            input_ids=ids[None], position_ids=positions[None], grids=grids, **segments
        ).last_hidden_state[0]
        return torch.empty_like(states).index_copy(0, order, states)

    def _padded(self, tokens: Tokens) -> Tensor:
        grid = tokens.grid()

        def padded(packed: Tensor, empty: int) -> Tensor:
            return (
                torch.full_like(grid.mask, empty, dtype=torch.int64)
                .flatten()
                .scatter(0, grid.slots, packed)
                .view_as(grid.mask)
            )

        segments = {} if tokens.segments is None else {"token_type_ids": padded(tokens.segments, 0)}
        states = self.network(
            input_ids=padded(tokens.ids, self.pad_id), attention_mask=grid.mask.long(), **segments
        ).last_hidden_state
        return cast("Tensor", states.flatten(0, 1)[grid.slots])

    @torch.no_grad()
    def _probe(self, packing: bool) -> bool:
        """Whether texts can be packed, once padding is known to change nothing."""
        training = self.network.training
        self.network.eval()
        try:
            long, short = self._probe_texts()
            beside = self._tried([long, short])
            self._check_width(beside.shape[-1])
            if difference(beside[len(long) :], self._tried([short])) > AGREE:
                raise EncoderError(
                    f"the encoder {self.name} must read a text the same with and without padding after it, but takes padding for words: "
                    "its answers would depend on the other texts of a batch; choose a family that masks padding, such as BERT or RoBERTa"
                )
            return packing and self._can_pack([long, short], beside)
        finally:
            self.network.train(training)

    def _check_width(self, found: int) -> None:
        """Check that states are as wide as the configuration says: heads are built by that."""
        width = self.network.config.hidden_size
        if found != width:
            raise EncoderError(
                f"the encoder {self.name} must give states as wide as its hidden_size, {width}, but gives {found}; choose another"
            )

    def _probe_texts(self) -> tuple[list[int], list[int]]:
        """The ids of a text as long as the encoder takes, 160 tokens at most, and of a short one."""
        size = len(cast("Tensor", self.network.get_input_embeddings().weight))
        ids = [number for number in range(max(size - 8, 0), size) if number != self.pad_id] or [0]
        longest = min(PROBE, positions(self.network) or PROBE)
        return [ids[place % len(ids)] for place in range(longest)], [
            ids[place % len(ids)] for place in range(min(3, longest))
        ]

    def _tried(self, texts: list[list[int]]) -> Tensor:
        """The padded states of ``texts``, whatever can go wrong in a network told as its own fault."""
        try:
            with quiet():
                return self._padded(Tokens.pack(texts))
        except Exception as error:  # a network can raise anything
            if out_of_memory(error):
                raise
            lengths = " and ".join(str(len(text)) for text in texts)
            raise EncoderError(
                f"the encoder {self.name} must read texts of {lengths} tokens, but fails: {error_summary(error)}; choose another"
            ) from error

    def _can_pack(self, texts: list[list[int]], padded: Tensor) -> bool:
        """Whether ``texts`` have their ``padded`` states when packed; if not, the network's own attention is put back."""
        from fecbench.model.packed_attention import IMPLEMENTATION

        if any(kind != "full_attention" for kind in getattr(self.network.config, "layer_types", None) or ()):
            return False
        own = self.network.config._attn_implementation
        try:
            with quiet():
                self.network.set_attn_implementation(IMPLEMENTATION)
            packed, sizes = self._packed(Tokens.pack(texts)), [len(text) for text in texts]
            if all(difference(*parts) <= AGREE for parts in zip(packed.split(sizes), padded.split(sizes), strict=True)):
                return True
        except (TypeError, ValueError, RuntimeError, LookupError, AttributeError):
            pass  # the family's forward doesn't hand the grid on to its attention
        if self.network.config._attn_implementation == IMPLEMENTATION:
            self.network.set_attn_implementation(own)
        return False


def difference(found: Tensor, expected: Tensor) -> float:
    """How far states are from those expected, relative to the size of these; NaN where any isn't finite.

    >>> difference(torch.tensor([3.0, 5.0]), torch.tensor([3.0, 4.0]))
    0.2...
    """
    return float((found - expected).norm() / expected.norm())
