"""Likelihoods of given continuations of prompts under a causal language model; each prompt is read once."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch

from fecbench_llm.padding import Ids, Padded, padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Continued:
    """A prompt and its continuations.

    Prompt and continuation are tokenised together, since the tokens at their border may differ from those of the
    parts.

    Attributes:
        prompt: token ids of the prompt.
        whole: token ids of the prompt with each continuation.
    """

    prompt: Ids
    whole: tuple[Ids, ...]

    @property
    def shared(self) -> int:
        """Return the number of first ids that the prompt and all continuations share."""
        rows = [self.prompt, *self.whole]
        differing = (place for place, ids in enumerate(zip(*rows, strict=False)) if len(set(ids)) > 1)
        return next(differing, min(map(len, rows)))


@torch.no_grad()
def mean_log_probabilities(
    network: Any, prompts: Sequence[Continued], rows: int, pad: int, device: str = "cpu"
) -> Tensor:
    """Return the mean log-probability of each continuation's own tokens, float64 ``[P, C]`` on the CPU.

    One forward pass reads all prompts and keeps their keys and values. Further passes read ``rows`` continuations each,
    after a copy of their prompts' keys and values: these copies bound the memory. A network that keeps a state instead
    of keys and values reads one prompt at a time, again with each continuation.

    Args:
        network: a causal language model of the transformers library, in eval mode.
        prompts: P prompts with C continuations each.
        rows: most continuations of one forward pass.
        pad: id of padding.
        device: device of the network.
    """
    if getattr(network, "_is_stateful", False) and len(prompts) > 1:  # padding before a prompt would change its state
        return torch.cat([mean_log_probabilities(network, [prompt], rows, pad, device) for prompt in prompts])
    # The last shared token is read with the continuations: it predicts their first tokens.
    starts = [prompt.shared - 1 for prompt in prompts]
    heads = padded([p.whole[0][:start] for p, start in zip(prompts, starts, strict=True)], pad, device)
    rests = [ids[start:] for p, start in zip(prompts, starts, strict=True) for ids in p.whole]
    tails = padded(rests, pad, device, "right")  # in a causal model padding changes nothing before it
    cache = _keys_and_values(network, heads)
    prompt_of = torch.arange(len(prompts), device=device).repeat_interleave(len(rests) // len(prompts))
    logs = []
    for start in range(0, len(rests), rows):
        part = slice(start, start + rows)
        of = prompt_of[part]
        logs.append(_log_probabilities(network, heads.at(of), tails.at(part), _rows_of(cache, of)))
    counts = torch.tensor([len(ids) - 1 for ids in rests])
    return (torch.cat(logs).cpu().double().sum(1) / counts).view(len(prompts), -1)


def _keys_and_values(network: Any, heads: Padded) -> Any:
    """Return the network's cache after the heads; None if there is none, or if it can't be continued row by row."""
    if getattr(network, "_is_stateful", False) or not heads.ids.shape[1]:
        return None
    return getattr(_forward(network, heads, 1, use_cache=True), "past_key_values", None)


def _rows_of(cache: Any, rows: Tensor) -> Any:
    """Return a copy of the cache with the given rows, which the network may write into; None if there is no cache."""
    chosen = deepcopy(cache)
    if chosen is not None:
        chosen.reorder_cache(rows)
    return chosen


def _log_probabilities(network: Any, heads: Padded, tails: Padded, past: Any) -> Tensor:
    """Return the log-probability of each tail's tokens but the first, float32 ``[R, T - 1]``, 0 at padding.

    Args:
        network: the network.
        heads: the tokens before each tail.
        tails: the tails ``[R, T]``.
        past: keys and values of ``heads``; None to read them again.
    """
    whole = Padded(*(torch.cat([head, tail[:, :-1]], 1) for head, tail in zip(heads, tails, strict=True)))
    predicted = tails.ids.shape[1] - 1
    logits = _forward(network, whole, predicted, past_key_values=past, use_cache=past is not None).logits
    logs: Tensor = logits[:, -predicted:].float().log_softmax(2).gather(2, tails.ids[:, 1:, None]).squeeze(2)
    return logs.masked_fill(tails.mask[:, 1:] == 0, 0.0)


def _forward(network: Any, tokens: Padded, kept: int, past_key_values: Any = None, use_cache: bool = False) -> Any:
    """Return the network's output for ``tokens``; for those after ``past_key_values`` alone, if that is given.

    Positions are counted without the padding before them, as in transformers' ``generate``. Logits before the last
    ``kept`` positions may be left out.
    """
    known = 0 if past_key_values is None else past_key_values.get_seq_length()
    positions = (tokens.mask.cumsum(1) - 1).clamp(min=0)
    optional = {"position_ids": positions[:, known:], "logits_to_keep": kept, "past_key_values": past_key_values}
    accepted = signature(network.forward).parameters
    return network(
        input_ids=tokens.ids[:, known:],
        attention_mask=tokens.mask,
        use_cache=use_cache,
        **{name: value for name, value in optional.items() if name in accepted},
    )
