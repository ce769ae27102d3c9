"""An encoder in roberta-base's shape without the hub: the work of a step is the same, and what it learns doesn't matter here."""

from pathlib import Path


def roberta_base(folder: Path) -> Path:
    """Write 12 layers, 768 wide, 12 heads, 50,265 words with random weights to ``folder``; MiniLM's tokenizer, whose ids all fit; once."""
    import torch
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    from fecbench.model.encoders.minilm import minilm

    if folder.exists():
        return folder
    tokenizer = AutoTokenizer.from_pretrained(minilm.folder())
    config = RobertaConfig(
        vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    torch.manual_seed(0)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
