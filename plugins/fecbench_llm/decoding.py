"""How a model writes its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """Decoding settings.

    Attributes:
        temperature: 0 takes the likeliest token each time.
        top_p: draw among the likeliest tokens that have this share of the probability together.
        top_k: draw among this many likeliest tokens; 0 for all.
        repetition_penalty: above 1 makes what stands in the prompt, label names included, less likely.
        max_new_tokens: tokens of an answer at most.
        half: weights in float16.
        seed: of the draw, where there is one.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 16
    half: bool = False
    seed: int | None = None


GREEDY = Decoding()
REFERENCE = Decoding(temperature=0.9, top_p=0.6, top_k=30, repetition_penalty=1.2, max_new_tokens=256, half=True)
"""The settings of EmoLLaMA's released code."""
