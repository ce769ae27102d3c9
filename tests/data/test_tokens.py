"""Packed and padded are the same computation, for every family that can be packed; the others are found out."""

import pytest
import torch

from fecbench.core.errors import EncoderError
from fecbench.data.layout import attention_layout
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.network import encoder_network
from fecbench.model.encoders.source import EncoderSource
from fecbench.model.heads import HeadTask
from fecbench.model.model import build_model
from fecbench.model.packed_attention import packed_attention
from fecbench.model.text_encoder import TextEncoder

TEXTS = [[2, 9, 8, 7, 6, 5, 3], [2, 4, 3], [2, 11, 12, 13, 3]]
PACKABLE = ["bert", "roberta", "electra"]


def encoders(source: EncoderSource, pooling: str = "first") -> tuple[TextEncoder, TextEncoder]:
    """A packed and a padded encoder of the same weights."""
    packed = TextEncoder(encoder_network(source), 0, pooling)
    padded = TextEncoder(encoder_network(source), 0, pooling, packing=False)
    padded.load_state_dict(packed.state_dict())
    assert packed.packs
    assert not padded.packs
    return packed, padded


@pytest.mark.parametrize("pooling", ["first", "mean"])
@pytest.mark.parametrize("family", PACKABLE)
def test_packed_and_padded_give_the_same_states_and_gradients(source, family, pooling):
    packed, padded = encoders(source(family), pooling)
    states, gradients = [], []
    for encoder in (packed, padded):
        h = encoder(Tokens.pack(TEXTS))
        h.pow(3).sum().backward()
        states.append(h)
        gradients.append({name: p.grad for name, p in encoder.named_parameters() if p.grad is not None})
    torch.testing.assert_close(*states, rtol=1e-5, atol=1e-6)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("family", PACKABLE)
def test_no_text_sees_another(source, family):
    packed, _ = encoders(source(family))
    together = packed(Tokens.pack(TEXTS))
    alone = torch.cat([packed(Tokens.pack([text])) for text in TEXTS])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-6)
    changed = packed(Tokens.pack([TEXTS[0], [2, 10, 3], TEXTS[2]]))
    torch.testing.assert_close(changed[[0, 2]], together[[0, 2]])
    assert not torch.allclose(changed[1], together[1])


def test_padded_is_what_transformers_computes(source, tokenizer):
    network = encoder_network(source("bert")).eval()
    batch = tokenizer(["what a lovely day", "rain"], padding=True, return_tensors="pt")
    expected = network(**batch).last_hidden_state
    tokens = Tokens.pack(
        [ids[mask.bool()].tolist() for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]
    )
    encoder = TextEncoder(network, tokenizer.pad_token_id)
    torch.testing.assert_close(encoder(tokens), expected[:, 0], rtol=1e-5, atol=1e-6)


def test_positions_start_where_the_family_starts_them(source):
    firsts = [TextEncoder(encoder_network(source(family)), 0).first_position for family in PACKABLE]
    assert firsts == [0, 1, 0]  # the tiny RoBERTa's padding index is 0


def test_linear_layers_see_real_tokens_only(source):
    packed, _ = encoders(source("bert"))
    seen = []
    layer = packed.network.encoder.layer[0].intermediate.dense
    layer.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    packed(Tokens.pack(TEXTS))
    assert seen == [(1, sum(map(len, TEXTS)), 16)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_whose_states_are_not_finite_is_named(source, value):
    network = encoder_network(source("bert"))
    with torch.no_grad():
        network.encoder.layer[1].output.LayerNorm.bias[0] = value
    with pytest.raises(
        EncoderError, match="bert must return finite states, but returns NaN or infinity for texts of 64 and 3 tokens"
    ):
        TextEncoder(network, 0)


@pytest.mark.parametrize("family", ["deberta-v2", "mpnet"])
def test_a_family_that_cannot_be_packed_is_padded(source, family):
    model = build_model(source(family), "native", HeadTask(["a", "b"], ["a", "b"]))
    assert not model.encoder.packs
    assert model.encoder(Tokens.pack(TEXTS)).shape == (3, 16)


def test_a_family_without_a_greatest_length_is_tried_on_real_texts(tokenizer):
    """XLNet's configuration says -1 positions; packed, its texts would attend across each other."""
    from transformers import XLNetConfig

    config = XLNetConfig(vocab_size=len(tokenizer), d_model=16, n_layer=2, n_head=2, d_inner=32, pad_token_id=0)
    torch.manual_seed(0)
    encoder = TextEncoder(encoder_network(EncoderSource("tiny xlnet", tokenizer, config, None)).eval(), 0)
    assert not encoder.packs
    alone = torch.cat([encoder(Tokens.pack([text])) for text in TEXTS])
    torch.testing.assert_close(encoder(Tokens.pack(TEXTS)), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("family", ["fnet", "convbert"])
def test_a_family_that_takes_padding_for_words_is_refused(source, family, packing):
    with pytest.raises(
        EncoderError, match=f"the encoder tiny {family} must encode a text the same with and without padding after it"
    ):
        build_model(source(family), "linear", HeadTask(["a", "b"], ["a", "b"]), packing=packing)


def test_a_network_that_fails_on_texts_is_named(source, monkeypatch):
    from transformers import BertModel

    def forward(*_, **__):
        raise ZeroDivisionError("no such length")

    monkeypatch.setattr(BertModel, "forward", forward)
    with pytest.raises(
        EncoderError, match="tiny bert must encode texts of 64 and 3 tokens, but fails: ZeroDivisionError: no such"
    ):
        build_model(source("bert"), "linear", HeadTask(["a", "b"], ["a", "b"]))


@pytest.mark.parametrize("family", ["deberta-v2", "mpnet"])
def test_an_encoder_whose_attention_cannot_be_replaced_keeps_its_own(source, family):
    network = encoder_network(source(family))
    own = network.config._attn_implementation
    assert not TextEncoder(network, 0).packs
    assert network.config._attn_implementation == own


def test_trying_draws_no_random_number_and_leaves_the_mode(source):
    network = encoder_network(source("bert", dropout=0.5)).train()
    before = torch.get_rng_state()
    TextEncoder(network, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert network.training


def test_dropout_is_applied_to_attention(source):
    loaded = source("bert")
    loaded.config.attention_probs_dropout_prob = 0.5  # and no other dropout
    encoder, _ = encoders(loaded)
    encoder.train()
    one, other = encoder(Tokens.pack(TEXTS)), encoder(Tokens.pack(TEXTS))
    assert not torch.allclose(one, other)


def test_attention_drops_each_weight_alone_and_scales_what_stays():
    """With uniform attention to ones, an output counts its kept weights: binomial, independent by head and query."""
    lengths, heads, p = [5] * 800 + [40] * 100, 2, 0.3
    tokens = Tokens.pack([[1] * length for length in lengths])
    layout = attention_layout(tokens, torch.float32, 1000)
    assert len(layout.biases) == 2
    zeros = torch.zeros(1, heads, len(tokens.ids), 4)
    torch.manual_seed(0)
    attended, _ = packed_attention(None, zeros, zeros, torch.ones_like(zeros), None, dropout=p, layout=layout)
    for length in set(lengths):
        of_length = tokens.lengths[tokens.owners] == length
        kept = attended[0, of_length, :, 0].T * length * (1 - p)  # [heads, t]
        expected = torch.distributions.Binomial(length, torch.tensor(1 - p))
        assert abs(kept.mean() - expected.mean) < 4 * (expected.variance / kept.numel()) ** 0.5
        assert kept.var() == pytest.approx(expected.variance.item(), rel=0.1)
        assert abs(torch.corrcoef(kept)[0, 1]) < 4 / kept.shape[1] ** 0.5
        by_text = kept[0].view(-1, length)
        assert by_text.mean(1).var() == pytest.approx(expected.variance.item() / length, rel=0.4)


def test_a_family_with_windows_is_padded(tokenizer):
    """ModernBERT's tokens attend to 128 neighbours: a long text packed under a plain mask would see more."""
    from transformers import ModernBertConfig

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2}
    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        **sizes,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        cls_token_id=1,
        sep_token_id=2,
    )
    encoder = TextEncoder(encoder_network(EncoderSource("tiny modernbert", tokenizer, config, None)).eval(), 0)
    assert not encoder.packs
    text = [5 + place % 7 for place in range(150)]
    expected = encoder.network(input_ids=torch.tensor([text])).last_hidden_state[:, 0]
    torch.testing.assert_close(encoder(Tokens.pack([text, [6, 7]]))[:1], expected, rtol=1e-4, atol=1e-5)


def test_mean_is_over_a_texts_own_tokens():
    tokens = Tokens.pack([[1, 2], [3]])
    torch.testing.assert_close(tokens.mean(torch.tensor([[1.0], [3.0], [5.0]])), torch.tensor([[2.0], [5.0]]))
    torch.testing.assert_close(tokens.first(torch.tensor([[1.0], [3.0], [5.0]])), torch.tensor([[1.0], [5.0]]))
