"""An encoder in roberta-base's shape that needs no download: with random weights a step takes the same time."""

from pathlib import Path
from typing import Any


def roberta_base(folder: Path, **sizes: Any) -> Path:
    """Write an encoder of roberta-base's shape with random weights and MiniLM's tokenizer to ``folder``.

    ``sizes`` replace fields of its configuration. Nothing is written if the folder exists.
    """
    import torch
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    from fecbench.model.encoders.minilm import minilm

    if folder.exists():
        return folder
    tokenizer = AutoTokenizer.from_pretrained(minilm.folder())
    config = RobertaConfig(
        vocab_size=50_265,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        **sizes,
    )
    torch.manual_seed(0)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
