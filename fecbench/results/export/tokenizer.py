"""Write the run's tokenizer, with its truncation and padding, beside the exported weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fecbench.runs.predictor import Predictor


TOKENIZER = "tokenizer.json"


def write_tokenizer(predictor: Predictor, inputs: Sequence[str], folder: Path) -> None:
    """Write the run's tokenizer; ``inputs`` are the names of the tensors that the exported model takes.

    Truncation and padding are stored in ``tokenizer.json``, because the tokenizers library reads nothing else.
    (transformers sets both on each call.)
    """
    tokenizer = predictor.tokenizer
    rules = tokenizer.backend_tokenizer
    pad_id = tokenizer.pad_token_id or 0  # without a padding token, the model pads with 0
    rules.enable_truncation(predictor.max_length, direction=tokenizer.truncation_side)
    rules.enable_padding(pad_id=pad_id, pad_token=rules.id_to_token(pad_id))
    # On the right, because a model can pool the first position.
    settings = {"padding_side": "right", "model_input_names": list(inputs), "model_max_length": predictor.max_length}
    for name, value in settings.items():
        setattr(tokenizer, name, value)
    tokenizer.init_kwargs |= settings  # save_pretrained writes these only
    tokenizer.save_pretrained(folder)
