"""The model that objectives train: ``encode`` to pooled states, ``project`` to features, ``classify`` to logits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Self, cast

import torch
from torch import Tensor, nn

from fecbench import heads
from fecbench.distributed import whole_batch
from fecbench.encoders.lengths import first_position, positions
from fecbench.encoders.network import quiet, running, take_pooler
from fecbench.errors import EncoderError, PluginError, UsageError
from fecbench.guard import guard, out_of_memory, words
from fecbench.packing import GRID_COST, GRID_COST_ELSEWHERE, Layout, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from fecbench.batching import Batch
    from fecbench.encoders import EncoderSource
    from fecbench.heads import Head, HeadTask


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

    def __init__(self, network: PreTrainedModel, pad_id: int, pooling: str = "first", packing: bool = True, name: str = ""):
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
        states = self.network(input_ids=ids[None], position_ids=positions[None], grids=grids, **segments).last_hidden_state[0]
        return torch.empty_like(states).index_copy(0, order, states)

    def _padded(self, tokens: Tokens) -> Tensor:
        grid = tokens.grid()

        def padded(packed: Tensor, empty: int) -> Tensor:
            return torch.full_like(grid.mask, empty, dtype=torch.int64).flatten().scatter(0, grid.slots, packed).view_as(grid.mask)

        segments = {} if tokens.segments is None else {"token_type_ids": padded(tokens.segments, 0)}
        states = self.network(input_ids=padded(tokens.ids, self.pad_id), attention_mask=grid.mask.long(), **segments).last_hidden_state
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
        return [ids[place % len(ids)] for place in range(longest)], [ids[place % len(ids)] for place in range(min(3, longest))]

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
                f"the encoder {self.name} must read texts of {lengths} tokens, but fails: {words(error)}; choose another"
            ) from error

    def _can_pack(self, texts: list[list[int]], padded: Tensor) -> bool:
        """Whether ``texts`` have their ``padded`` states when packed; if not, the network's own attention is put back."""
        from fecbench.attention import IMPLEMENTATION

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
        raise UsageError(f"{who} needs a head that encodes the labels' texts, found {type(model.head).__name__}; use --head label")
    return states


def build_model(source: EncoderSource, head: str, task: HeadTask, pooling: str = "first", packing: bool = True) -> Model:
    """A model of an encoder and the head registered as ``head``; fresh weights come from torch's global generator.

    Raises:
        UsageError: the head can't take that pooling.
        EncoderError: the encoder can't be built, or has no such head.
    """
    kind = heads.named(head)
    heads.check_pooling(kind, head, pooling)
    with guard(f"the head {head!r}", kind):
        network, built = kind.build(source, task)
        if not isinstance(built, kind) or not isinstance(getattr(built, "features", None), int):
            raise PluginError(
                f"the head {head!r} must build itself, with its number of features, but built {built!r}; mend or uninstall it"
            )
    take_pooler(network)  # what it gives isn't read
    return Model(TextEncoder(network, source.tokenizer.pad_token_id or 0, pooling, packing, source.name), built)
