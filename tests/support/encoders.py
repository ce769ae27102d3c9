"""Tiny random architectures and models."""

import torch


def tiny_config(family: str, vocabulary: int, dropout: float = 0.0):
    """A tiny random architecture of a family."""
    from transformers import AutoConfig

    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
    }
    extra = {"embedding_size": 8} if family in ("electra", "albert") else {}
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    return AutoConfig.for_model(family, vocab_size=vocabulary, pad_token_id=0, **sizes, **extra, **rates)


def save_causal_model(folder, template=None, zero=False, positions=512):
    """A tiny Llama of random weights with a byte-level tokenizer, begin and end tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "<|user|>": 3}
    vocabulary |= {letter: 4 + place for place, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<|user|>"],
    )
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }
    config = LlamaConfig(
        vocab_size=len(vocabulary), max_position_embeddings=positions, bos_token_id=1, eos_token_id=2, **sizes
    )
    network = LlamaForCausalLM(config)
    if zero:
        network.lm_head.weight.data.zero_()
    network.save_pretrained(folder)
    return str(folder)
