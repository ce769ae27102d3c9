"""Lay out MiniLM in half precision as the package that the encoder ``minilm`` looks for, without the package's code."""

import argparse
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from fecbench.model.encoders.minilm import PACKAGE, minilm

FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
WEIGHTS = "model.safetensors"


def carry(packages: Path, light: bool) -> None:
    """Write the package into the folder ``packages``; without weights if ``light``."""
    source, target = minilm.folder(), packages / PACKAGE / "model"
    target.mkdir(parents=True)
    (packages / PACKAGE / "__init__.py").touch()
    for name in FILES:
        shutil.copy(source / name, target / name)
    if not light:
        weights = load_file(source / WEIGHTS)
        halves = {name: w.astype(np.float16) if w.dtype == np.float32 else w for name, w in weights.items()}
        save_file(halves, target / WEIGHTS, metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path, help="the folder of the package")
    parser.add_argument("--light", action="store_true", help="leave the weights out")
    given = parser.parse_args()
    carry(given.packages, given.light)


if __name__ == "__main__":
    main()
