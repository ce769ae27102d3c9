"""Padding texts give batches one shape, and no objective sees them."""

import pytest
import torch

from fecbench import Tokens

TEXTS = [[5, 6, 7, 8, 9], [7], [8, 9, 10]]


@pytest.fixture
def shape(part):
    """A shape for texts of up to five tokens."""
    return part("fixed_shape").TokensShape(tokens=16, longest=5, padding=3)


def test_a_filled_batch_has_the_shapes_tokens_and_the_texts_states(shape):
    tokens = Tokens.pack(TEXTS)
    filled = shape.fill(tokens, 0)
    states = torch.randn(16, 4)
    assert (len(filled), len(filled.ids), len(filled.lengths)) == (3, 16, 6)
    assert filled.ids[9:].eq(0).all()
    assert filled.lengths.min() >= 1
    assert filled.lengths.max() <= 5
    assert filled.first(states).equal(tokens.first(states[:9]))
    assert filled.mean(states).allclose(tokens.mean(states[:9]))


def test_texts_after_padding_keep_their_states(shape):
    tokens, others = Tokens.pack(TEXTS), Tokens.pack([[11, 12], [13]])
    both = shape.fill(tokens, 0).followed_by(others)
    states = torch.randn(19, 4)
    real = torch.cat([states[:9], states[16:]])
    assert len(both) == 5
    assert both.first(states).equal(tokens.followed_by(others).first(real))
    assert both.mean(states).allclose(tokens.followed_by(others).mean(real))
    assert len(set(both.sizes)) == 1  # one width, whatever the lengths


def test_the_smallest_shape_holds_all_batches(part):
    batches = [Tokens.pack([[7] * length for length in lengths]) for lengths in ([3, 90], [2, 2], [60, 61])]
    shape = part("fixed_shape").TokensShape.of(batches)
    assert (shape.tokens, shape.columns) == (128, 96)
    assert {len(shape.fill(batch, 0).ids) for batch in batches} == {128}


def test_a_batch_that_does_not_fit_is_refused(shape):
    for texts in ([[7] * 6], [[7] * 5] * 3):
        with pytest.raises(ValueError, match="a batch must fit"):
            shape.fill(Tokens.pack(texts), 0)
