"""Write an encoder in roberta-base's shape with random weights, and MiniLM's weights where they weren't carried."""

import argparse
import shutil
from pathlib import Path

import torch
from shapes import roberta_base
from transformers import AutoConfig, AutoModel

from fecbench.model.encoders.minilm import minilm

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def random_minilm(site: Path) -> None:
    """Copy MiniLM's package without weights to ``site`` and give it random ones: speeds hold, scores mean nothing."""
    source = minilm.folder()
    package = shutil.copytree(source.parent, site / source.parent.name)
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(source)).save_pretrained(package / "model")
    print("MiniLM's weights weren't carried: RANDOM ones in its shape take their place, so that scores mean nothing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the encoder")
    parser.add_argument("--site", type=Path, help="the folder of packages for MiniLM with random weights")
    parser.add_argument("--tiny", action="store_true", help="two layers, 32 wide, for rehearsals")
    given = parser.parse_args()
    if given.site and not (minilm.folder() / "model.safetensors").exists():
        random_minilm(given.site)
    print(roberta_base(given.folder, **(TINY if given.tiny else {})), "is ready")


if __name__ == "__main__":
    main()
