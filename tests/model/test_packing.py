"""Packing changes neither states nor gradients, in any number of grids, and a packed step launches few operations."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.data import layout
from fecbench.data.batch import Batch
from fecbench.data.layout import attention_layout
from fecbench.data.tokens import Tokens
from fecbench.model import text_encoder
from fecbench.model.encoders.network import encoder_network, take_pooler
from fecbench.model.heads import HeadTask
from fecbench.model.model import Model, build_model
from fecbench.model.text_encoder import TextEncoder

LENGTHS = np.array([7, 3, 20, 5, 3, 18, 1])
LABELS = HeadTask(["glad", "mad", "sad"], ["glad: a lovely day", "mad", "sad: rain"], projection_dim=8)
GRIDS = {"one grid": (1, 1e9, 1), "several grids": (6, 0, 1), "one wide grid": (1, 1e9, 16), "wide grids": (2, 0, 16)}


def tokens(segments: bool = False) -> Tokens:
    """Texts of different lengths, in no order."""
    generator = np.random.default_rng(0)
    ids = generator.integers(2, 60, LENGTHS.sum())
    return Tokens.from_flat(ids, LENGTHS, generator.integers(0, 2, len(ids)) if segments else None)


@pytest.fixture(params=GRIDS)
def grids(request, monkeypatch) -> int:
    """The number of grids under other costs, and under the widths of other devices than the CPU."""
    count, cost, multiple = GRIDS[request.param]
    monkeypatch.setitem(layout.GRID_COST, "cpu", cost)
    monkeypatch.setitem(layout.MULTIPLE, "cpu", multiple)
    return count


def test_a_row_of_a_grid_holds_one_text_and_hides_its_padding(grids):
    packed = tokens()
    found = attention_layout(packed, torch.float32)
    assert len({bias.shape[-1] for bias in found.biases}) == len(found.biases) == grids
    assert torch.equal(found.sources[found.places], torch.arange(len(packed.ids)))
    rest, texts = found.sources, []
    for bias in found.biases:
        places, rest = rest.split([bias.numel(), len(rest) - bias.numel()])
        for sources, scores in zip(places.view(-1, bias.shape[-1]), bias[:, 0, 0], strict=True):
            (text,) = packed.owners[sources].unique().tolist()
            texts.append(text)
            length = LENGTHS[text]
            assert packed.positions[sources[:length]].tolist() == list(range(length))
            assert scores.tolist() == [0.0] * length + [-torch.inf] * (len(scores) - length)
    assert sorted(texts) == list(range(len(LENGTHS)))


def gradients(model: Model, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The logits of a batch, and the gradient of each parameter that they depend on."""
    model.zero_grad()
    logits = model.classify(model.project(model.encode(batch)))
    (logits * torch.linspace(-1, 1, logits.numel(), dtype=logits.dtype).view_as(logits)).sum().backward()
    return logits.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("segments", [False, True], ids=["", "segments"])
@pytest.mark.parametrize(("head", "pooling"), [("linear", "first"), ("linear", "mean"), ("label", "mean")])
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_packed_is_padded_to_the_last_digits(source, grids, family, head, pooling, segments):
    if family == "roberta" and segments:
        pytest.skip("RoBERTa has one segment")
    packed = build_model(source(family), head, LABELS, pooling).double().train()
    padded = build_model(source(family), head, LABELS, pooling, packing=False).double().train()
    padded.load_state_dict(packed.state_dict())
    assert packed.encoder.packs
    assert not padded.encoder.packs
    labels = torch.zeros(len(LENGTHS), dtype=torch.int64)
    batch = Batch(tokens(segments), labels, labels)
    for module in (*packed.modules(), *padded.modules()):
        if isinstance(module, torch.nn.Dropout):  # of the linear head
            module.p = 0.0
    if head == "linear":
        assert len(packed.encoder.layout(batch.tokens).biases) == grids
    found, expected = gradients(packed, batch), gradients(padded, batch)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-12, atol=1e-12)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in found[1].items():
        torch.testing.assert_close(gradient, expected[1][name], rtol=1e-10, atol=1e-12, msg=name)


class Operations(TorchDispatchMode):
    """Counts operations by name."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.name().removeprefix("aten::").split(".")[0]] += 1
        return func(*args, **(kwargs or {}))


def packed_encoder(source, pooling: str = "first") -> TextEncoder:
    """A packed BERT without its pooler, as in a model."""
    network = encoder_network(source("bert"))
    take_pooler(network)
    return TextEncoder(network, 0, pooling)


def operations(encoder: TextEncoder, bf16: bool = False) -> Counter[str]:
    """The operations of a forward and a backward pass."""
    packed = tokens()
    with Operations() as mode:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            states = encoder(packed)
        states.float().sum().backward()
    return mode.counts


UNWANTED = {"sort", "argsort", "index", "index_put", "index_put_", "_index_put_impl_", "slice", "select"}
UNWANTED |= {"slice_backward", "select_backward", "cat", "_cat", "index_copy", "scatter", "logical_not"}


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_a_packed_step_with_one_grid_sorts_slices_and_joins_nothing(source, pooling):
    encoder = packed_encoder(source, pooling)
    counts = operations(encoder)
    assert not UNWANTED & counts.keys()
    # of each layer: three copies to the grid and one back, forward and backward, besides one of pooling
    assert counts["index_select"] <= 2 * 2 * 4 + 1
    assert counts["masked_fill_"] == 1


def test_linear_weights_are_cast_together(source, monkeypatch):
    encoder = packed_encoder(source)
    together, batch = operations(encoder, bf16=True), tokens()
    states, grads = bf16_pass(encoder, batch)
    monkeypatch.setattr(text_encoder, "weight_copies", lambda *_: {})
    one_by_one = operations(encoder, bf16=True)
    plain_states, plain_grads = bf16_pass(encoder, batch)
    weights = 2 * 2 * 6  # weights and biases of six linear layers in each of two layers
    assert one_by_one["_to_copy"] - together["_to_copy"] == 2 * weights
    assert together["_foreach_copy_"] == 2
    assert torch.equal(states, plain_states)
    assert grads.keys() == plain_grads.keys()
    for name, gradient in grads.items():
        assert gradient.dtype == torch.float32
        assert torch.equal(gradient, plain_grads[name]), name


def bf16_pass(encoder: TextEncoder, batch: Tokens) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    encoder.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        states = encoder(batch)
    states.float().pow(2).sum().backward()
    return states.detach(), {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}


def test_copies_of_weights_follow_an_update(source):
    encoder = packed_encoder(source).requires_grad_(False)
    dense = encoder.network.encoder.layer[0].output.dense.requires_grad_(True)
    before, grads = bf16_pass(encoder, tokens())
    assert grads.keys() == {"network.encoder.layer.0.output.dense.weight", "network.encoder.layer.0.output.dense.bias"}
    with torch.no_grad():
        dense.weight.mul_(2)
    after, _ = bf16_pass(encoder, tokens())
    assert not torch.allclose(before, after, atol=1e-2)
    with torch.no_grad():
        dense.weight.div_(2)
    assert torch.equal(before, bf16_pass(encoder, tokens())[0])
    assert isinstance(dense.weight, torch.nn.Parameter)  # the network has its own weights again


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
@pytest.mark.parametrize("lengths", [[5, 3], [4, 4]], ids=["padding", "no padding"])
def test_a_padded_batch_asks_the_device_nothing(source, family, lengths):
    network = encoder_network(source(family)).eval()
    encoder = TextEncoder(network, 0, packing=False)
    assert not encoder.packs
    packed = Tokens.pack([list(range(5, 5 + length)) for length in lengths])
    with torch.no_grad(), Operations() as mode:
        states = encoder.states(packed)
    assert not {"_local_scalar_dense", "nonzero", "is_nonzero", "equal"} & mode.counts.keys()
    network.set_attn_implementation("sdpa")
    with torch.no_grad(), Operations() as mode:
        torch.testing.assert_close(states, encoder.states(packed))
    assert mode.counts["_local_scalar_dense"]  # transformers' own mask asks
