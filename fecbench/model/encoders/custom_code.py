"""Keeps transformers from running code that comes with an encoder: classes of its own, attention kernels of the hub.

``trust_remote_code=False`` isn't enough: a network of several parts builds each of them anew, and doesn't hand that answer on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PretrainedConfig


CODE = ("auto_map", "custom_pipelines", "custom_generate")
KERNELS = ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation")

# Else transformers, where the package kernels is installed, runs kernels that it fetches from the hub.
os.environ["USE_HUB_KERNELS"] = "NO"


def never_ask() -> None:
    """Let transformers raise ValueError wherever it would ask at the terminal whether to run custom code."""
    from transformers import dynamic_module_utils

    dynamic_module_utils.TIME_OUT_REMOTE_CODE = (
        0  # the seconds it waits for an answer: at 0 it raises in place of asking
    )


def forget_code(config: PretrainedConfig) -> None:
    """Remove from ``config`` and all its parts, at any depth, whatever names custom code or a kernel.

    Raises:
        ValueError: the weights are quantised: only kernels could read them, and they can't be trained.
    """
    from transformers import PretrainedConfig

    pending: list[object] = [config]
    while pending:
        part = pending.pop()
        if isinstance(part, PretrainedConfig):
            part._attn_implementation = part._experts_implementation = None
        fields = vars(part) if isinstance(part, PretrainedConfig) else part
        if isinstance(fields, dict):
            _check_whole(fields.get("quantization_config"))
            for key in (*CODE, *KERNELS):
                fields.pop(key, None)
            pending += fields.values()
        elif isinstance(fields, list | tuple):
            pending += fields


def _check_whole(quantisation: object) -> None:
    if quantisation:
        method = quantisation.get("quant_method") if isinstance(quantisation, dict) else type(quantisation).__name__
        raise ValueError(
            f"it has quantised weights ({method}), which can't be trained; take the version that isn't quantised"
        )
