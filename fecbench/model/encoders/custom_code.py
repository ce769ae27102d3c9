"""Keep transformers from running code that comes with an encoder: custom classes and attention kernels from the hub.

``trust_remote_code=False`` isn't enough: a network of several parts builds each part separately and doesn't pass the
argument on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PretrainedConfig


CODE = ("auto_map", "custom_pipelines", "custom_generate")
KERNELS = ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation")

# Otherwise transformers downloads kernels from the hub and runs them if the package kernels is installed.
os.environ["USE_HUB_KERNELS"] = "NO"


def never_ask() -> None:
    """Make transformers raise ValueError instead of asking at the terminal whether to run custom code."""
    from transformers import dynamic_module_utils

    # Seconds that transformers waits for an answer; at 0 it raises instead of asking.
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0


def forget_code(config: PretrainedConfig) -> None:
    """Remove all references to custom code and kernels from ``config`` and its parts, at any depth.

    Raises:
        ValueError: the weights are quantised; only kernels could read them, and they can't be trained.
    """
    from transformers import PretrainedConfig

    pending: list[object] = [config]
    while pending:
        part = pending.pop()
        if isinstance(part, PretrainedConfig):
            part._attn_implementation = part._experts_implementation = None
        fields = vars(part) if isinstance(part, PretrainedConfig) else part
        if isinstance(fields, dict):
            _check_not_quantised(fields.get("quantization_config"))
            for key in (*CODE, *KERNELS):
                fields.pop(key, None)
            pending += fields.values()
        elif isinstance(fields, list | tuple):
            pending += fields


def _check_not_quantised(quantisation: object) -> None:
    if quantisation:
        method = quantisation.get("quant_method") if isinstance(quantisation, dict) else type(quantisation).__name__
        raise ValueError(
            f"its weights are quantised ({method}) and can't be trained; use the version that isn't quantised"
        )
