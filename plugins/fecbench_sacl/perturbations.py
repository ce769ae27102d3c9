"""Fast gradient method: steps of a given length along the gradient of a loss (Miyato et al. 2017, section 3)."""

import torch
from torch import Tensor


def fast_gradient(gradient: Tensor, epsilon: float) -> Tensor:
    """Return ``epsilon G / ||G||`` with the norm of the whole tensor; 0 if the norm is 0 or not finite.

    Args:
        gradient: G, of any shape.
        epsilon: length of the step.

    >>> fast_gradient(torch.tensor([3.0, 4.0]), 0.5)
    tensor([0.3000, 0.4000])
    """
    gradient = gradient.detach()
    return _of_length(gradient, torch.linalg.vector_norm(gradient), epsilon)


def fast_gradient_of_texts(gradient: Tensor, owners: Tensor, texts: int, epsilon: float) -> Tensor:
    """Return ``epsilon G / ||G||`` with one norm per text, so that every text's step has length ``epsilon``.

    Args:
        gradient: G ``[T, width]``, of the tokens of all texts.
        owners: int64 ``[T]``, number of the text of each token.
        texts: number of texts.
        epsilon: length of each text's step.

    >>> fast_gradient_of_texts(torch.tensor([[3.0], [4.0], [0.1]]), torch.tensor([0, 0, 1]), 2, 0.5).flatten()
    tensor([0.3000, 0.4000, 0.5000])
    """
    gradient = gradient.detach()
    squares = gradient.new_zeros(texts).index_add(0, owners, gradient.square().sum(1))
    return _of_length(gradient, squares.sqrt()[owners, None], epsilon)


def _of_length(gradient: Tensor, norm: Tensor, epsilon: float) -> Tensor:
    scale = epsilon / norm  # infinite for a norm of 0, and 0 for an infinite one
    return torch.where(scale.isfinite() & (scale > 0), gradient * scale, 0.0)
