"""Decoding settings of language models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoding:
    """Decoding settings.

    Attributes:
        temperature: sampling temperature; 0 is greedy decoding.
        top_p: sample from the most likely tokens whose probabilities sum to this share.
        top_k: sample from this many most likely tokens; 0 for all.
        repetition_penalty: above 1, tokens of the prompt become less likely, label names included.
        max_new_tokens: most tokens of an answer.
        half: use float16 weights.
        seed: seed of the sampling; None without sampling.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 16
    half: bool = False
    seed: int | None = None


GREEDY = Decoding()
GREEDY_LIST = Decoding(max_new_tokens=48)  # room for a list of labels
REFERENCE = Decoding(temperature=0.9, top_p=0.6, top_k=30, repetition_penalty=1.2, max_new_tokens=256, half=True)
"""The settings of EmoLLaMA's released code (lzw108/EmoLLMs)."""
