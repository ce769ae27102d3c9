"""Likelihoods of continuations, for several families of causal models, against one token at a time."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from fecbench_llm.likelihood import Continued, mean_log_probabilities
from fecbench_llm.padding import padded

SIZES = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
WIDE = {**SIZES, "intermediate_size": 32, "num_key_value_heads": 2, "max_position_embeddings": 64}
FAMILIES = {
    "llama": WIDE,
    "mistral": {**WIDE, "sliding_window": 4, "head_dim": 8},  # keys and values of the last tokens alone
    "gpt2": {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},  # learned positions
    "bloom": {"vocab_size": 40, "hidden_size": 16, "n_layer": 2, "n_head": 2},  # no positions, but distances (ALiBi)
    "opt": {**WIDE, "ffn_dim": 32, "word_embed_proj_dim": 16},
}
PROMPTS = [
    Continued([3, 4, 5, 6, 7, 8, 9], ([3, 4, 5, 6, 7, 8, 9, 10], [3, 4, 5, 6, 7, 8, 9, 11, 12, 13])),
    Continued([3, 20], ([3, 20, 21, 22], [3, 20, 23])),
    # Prompt and continuation share no last token: the prompt's 33 is part of another token there.
    Continued([3, 30, 31, 32, 33], ([3, 30, 31, 32, 34, 35], [3, 30, 31, 32, 36])),
]


def network(family):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **FAMILIES[family])).eval()


@torch.no_grad()
def slow(model, prompt):
    """The mean log-probability of each continuation's own tokens, each after a pass over all before it."""
    scores = []
    for row in prompt.whole:
        logs = [
            model(input_ids=torch.tensor([row[:place]])).logits[0, -1].log_softmax(0)[row[place]].item()
            for place in range(prompt.shared, len(row))
        ]
        scores.append(sum(logs) / len(logs))
    return scores


@pytest.mark.parametrize("stateful", [False, True], ids=["keys and values", "state"])
@pytest.mark.parametrize("family", FAMILIES)
def test_likelihoods_are_those_of_one_token_at_a_time(family, stateful):
    model = network(family)
    model._is_stateful = stateful
    found = mean_log_probabilities(model, PROMPTS, 4, pad=0)
    assert found.dtype == torch.float64
    expected = torch.tensor([slow(model, prompt) for prompt in PROMPTS], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_state_is_never_read_after_padding():
    model, seen = network("llama"), []
    model._is_stateful = True
    model.register_forward_pre_hook(
        lambda _, __, given: seen.append((given["attention_mask"][:, 0], given["past_key_values"])), with_kwargs=True
    )
    mean_log_probabilities(model, PROMPTS, 4, pad=0)
    assert len(seen) == len(PROMPTS)
    assert all(first.all() and past is None for first, past in seen)


def test_a_prompt_of_one_token_is_read_with_its_continuations():
    model, prompt = network("llama"), Continued([3], ([3, 4, 5], [3, 6]))
    found = mean_log_probabilities(model, [prompt], 2, pad=0)
    torch.testing.assert_close(found[0], torch.tensor(slow(model, prompt), dtype=torch.float64), rtol=0, atol=1e-5)


def test_shared_tokens_are_those_of_all_rows():
    assert [prompt.shared for prompt in PROMPTS] == [7, 2, 4]
    assert Continued([3, 4], ([3, 4, 5],)).shared == 2


def test_rows_are_padded_on_the_side_that_is_asked_for():
    left, right = padded([[5, 6, 7], [8], []], 9, "cpu"), padded([[5, 6, 7], [8], []], 9, "cpu", "right")
    assert left.ids.tolist() == [[5, 6, 7], [9, 9, 8], [9, 9, 9]]
    assert right.ids.tolist() == [[5, 6, 7], [8, 9, 9], [9, 9, 9]]
    assert left.mask.tolist() == [[1, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert right.at(slice(0, 2)).mask.tolist() == [[1, 1, 1], [1, 0, 0]]
