"""A payload that runs once it is unpickled, and encoders that bring code of their own."""

import json
from pathlib import Path

SMALL = ("--encoder", "tiny-bert", "--epochs", 1, "--batch-size", 16, "--device", "cpu")
CODE = (
    "from pathlib import Path\nPath({marker!r}).touch()\n"
    "from transformers import BertConfig, BertModel, BertTokenizer\n"
)
CUSTOM = (
    "class Config(BertConfig):\n    model_type = 'custom'\n\n\nclass Model(BertModel):\n    config_class = Config\n"
)
AUTO = {
    "AutoConfig": "custom.Config",
    "AutoModel": "custom.Model",
    "AutoModelForSequenceClassification": "custom.Model",
}


class Payload:
    """Makes a file once it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def edit(path: Path, **changed) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def composite(kind: str, folder: Path) -> dict:
    """The configuration of an architecture of several networks, one of which AutoModel lacks and brings code for."""
    from transformers import CONFIG_MAPPING

    custom = {
        "auto_map": dict.fromkeys(("AutoModel", "AutoModelForCausalLM"), "custom.Model"),
        "_name_or_path": str(folder),
    }
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "tie_word_embeddings": False,
    }
    text = {"model_type": "siglip_text_model", **small, **custom, "attn_implementation": "somebody/kernel"}
    vision = {"model_type": "clip_vision_model", **small, **custom}
    return {
        **CONFIG_MAPPING[kind](text_config=text, vision_config=vision).to_dict(),
        "text_config": text,
        "auto_map": AUTO,
    }
