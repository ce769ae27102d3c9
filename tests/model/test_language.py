"""The language head gives what its family's whole network gives, with the encoder's own embeddings."""

import pytest
import torch

from fecbench.model.encoders.network import language_network
from fecbench.model.family_heads import LanguageHead


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "distilbert"])
def test_it_agrees_with_the_whole_network(source, family):
    made = source(family)
    torch.manual_seed(0)
    whole, pretrained = language_network(made)
    torch.manual_seed(0)
    head = LanguageHead.build(made)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        whole.eval()
        states, expected = whole.base_model(ids).last_hidden_state[0], whole(ids).logits[0]
        found = head.eval()(states, whole.get_input_embeddings().weight)
    assert torch.allclose(found, expected, atol=1e-6)
    assert not pretrained
    assert not head.pretrained


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
def test_every_parameter_is_reached(source, family):
    head = LanguageHead.build(source(family))
    head(
        torch.randn(3, 16), torch.randn(head.bias.shape[0], 8 if family == "electra" else 16)
    ).square().sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_a_checkpoint_with_the_head_is_told_from_one_without(source, tmp_path):
    made = source("bert")
    for name, kind in (("with", language_network(made)[0]), ("without", language_network(made)[0].base_model)):
        kind.save_pretrained(tmp_path / name)
        made.tokenizer.save_pretrained(tmp_path / name)
        stored = type(made)(name, made.tokenizer, made.config, str(tmp_path / name))
        assert LanguageHead.build(stored).pretrained == (name == "with")


def test_segments_reach_a_bert_packed_or_padded(source):
    import numpy as np

    from fecbench.data.tokens import Tokens
    from fecbench.model.encoders.network import encoder_network
    from fecbench.model.text_encoder import TextEncoder

    network = encoder_network(source("bert"))
    ids, lengths, segments = np.array([5, 6, 7, 8, 9]), np.array([3, 2]), np.array([0, 0, 1, 0, 1])
    tokens = Tokens.from_flat(ids, lengths, segments)
    encoder = TextEncoder(network, 0).eval()
    assert encoder.packs
    with torch.no_grad():
        packed, padded, plain = (
            encoder.states(tokens),
            encoder._padded(tokens),
            encoder.states(Tokens.from_flat(ids, lengths)),
        )
        expected = network(torch.tensor([[5, 6, 7]]), token_type_ids=torch.tensor([[0, 0, 1]])).last_hidden_state[0]
    assert torch.allclose(packed, padded, atol=1e-5)
    assert torch.allclose(packed[:3], expected, atol=1e-5)
    assert not torch.allclose(packed, plain, atol=1e-3)
    both = Tokens.from_flat(ids, lengths).followed_by(tokens)
    assert both.segments.tolist() == [0] * 5 + segments.tolist()
