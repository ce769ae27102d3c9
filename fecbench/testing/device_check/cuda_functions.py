"""Functions that do on fake CUDA tensors what they would do on real ones.

Without three of these replacements the counts would be wrong: transformers takes fake tensors for a sign of tracing and
asks no mask for its values; torch clips gradients tensor by tensor, because fake tensors aren't on its list for
``foreach`` functions; and ``scaled_dot_product_attention`` falls apart into matrix products, because no attention
kernel accepts fake tensors by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.functional import pad, scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils import _foreach_utils
from transformers.utils import import_utils

if TYPE_CHECKING:
    from fecbench.testing.device_check.made_up import Values

ALIGNED = 16  # the memory-efficient kernel reads the rows of its bias in multiples of this


class CudaFunctions(TorchFunctionMode):
    """Within its block, attention on fake tensors is one kernel, and their values go to NumPy made up."""

    def __init__(self, values: Values) -> None:
        super().__init__()
        self.values = values

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if args and isinstance(args[0], FakeTensor):
            if func is scaled_dot_product_attention and args[0].is_cuda:
                return efficient_attention(*args, **kwargs)
            if func in (Tensor.numpy, Tensor.__array__):
                return func(self._fetched(args[0]), *args[1:], **kwargs)
        return func(*args, **kwargs)

    def _fetched(self, tensor: Tensor) -> Tensor:
        if tensor.is_cuda:
            raise TypeError("a tensor on a CUDA device can't become a NumPy array; copy it with Tensor.cpu() first")
        return self.values.of(tensor)


def efficient_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,  # noqa: ARG001  no family of encoders uses it
) -> Tensor:
    """Return attention by torch's memory-efficient CUDA kernel, after torch's preparation of the mask."""
    bias = attn_mask
    if bias is not None:
        if bias.dtype is torch.bool:
            bias = torch.where(bias, query.new_zeros(()), query.new_full((), -math.inf))
        length = key.shape[-2]
        if length % ALIGNED:
            bias = pad(bias, (0, -length % ALIGNED))[..., :length]
        bias = bias.expand(*query.shape[:-1], length)
    gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (query, key, value))
    attended: Tensor = torch.ops.aten._scaled_dot_product_efficient_attention(
        query, key, value, bias, gradient, dropout_p, is_causal, scale=scale
    )[0]
    return attended


@contextmanager
def as_on_cuda(values: Values) -> Iterator[None]:
    """Within the block, torch and transformers treat fake CUDA tensors as real ones."""

    def tolist(tensor: Tensor) -> Any:
        tensor.cpu()  # recorded: all values come in one copy, where FakeTensor.tolist would ask for each
        return values.of(tensor).tolist()

    replacements: tuple[tuple[Any, str, Any], ...] = (
        (import_utils, "is_fake_tensor", lambda _: False),
        (_foreach_utils, "_foreach_supported_types", [*_foreach_utils._foreach_supported_types, FakeTensor]),
        (torch.cuda.amp.common, "amp_definitely_not_available", lambda: False),
        (torch.cuda, "is_bf16_supported", lambda **_: True),
        # By their addresses, which fake tensors lack, tensors that share memory are found.
        (torch.UntypedStorage, "data_ptr", lambda storage: storage._cdata),
        (FakeTensor, "tolist", tolist),
    )
    with ExitStack() as stack:
        for owner, name, replacement in replacements:
            stack.enter_context(patch.object(owner, name, replacement))
        stack.enter_context(CudaFunctions(values))
        yield
