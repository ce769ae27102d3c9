"""Build transformers networks in float32, pretrained or random, and check that no encoder weight is missing."""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from fecbench.core.errors import EncoderError, FecbenchError
from fecbench.core.plugin_errors import error_summary, out_of_memory
from fecbench.model.encoders.custom_code import never_ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PretrainedConfig, PreTrainedModel

    from fecbench.model.encoders.source import EncoderSource


# Otherwise transformers asks a service of the hub to convert a pickle, and loads the file that it proposes.
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


def encoder_network(source: EncoderSource) -> PreTrainedModel:
    """Build the encoder network without a head.

    Raises:
        EncoderError: transformers has no encoder for the architecture, or the checkpoint lacks weights.
    """
    from transformers import AutoModel, AutoModelForTextEncoding

    auto = AutoModelForTextEncoding if without_decoder(source.config) else AutoModel
    # A copy of the configuration for each network: building one writes to it, and a source can build several.
    return _network(auto, source, copy.deepcopy(source.config))[0]


def classifier_network(source: EncoderSource, labels: Sequence[str]) -> PreTrainedModel:
    """Build the encoder with its family's own classification head for ``labels``.

    The head's weights are always random: a head in the checkpoint is one for another task.

    Raises:
        EncoderError: the family has no such head, or the checkpoint lacks encoder weights.
    """
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(source.config)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    network, fresh = _network(AutoModelForSequenceClassification, source, config)
    encoder = {id(parameter) for parameter in network.base_model.parameters()}
    loaded = [
        name for name, parameter in network.named_parameters() if id(parameter) not in encoder and name not in fresh
    ]
    if loaded:
        random = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32, trust_remote_code=False)
        with torch.no_grad():
            for name in loaded:
                network.get_parameter(name).copy_(random.get_parameter(name))
    return network


def language_network(source: EncoderSource) -> tuple[PreTrainedModel, bool]:
    """Build the encoder with its family's head for masked tokens; the bool is True if that head is pretrained.

    Raises:
        EncoderError: the family has no such head, or the checkpoint lacks encoder weights.
    """
    from transformers import AutoModelForMaskedLM

    network, fresh = _network(AutoModelForMaskedLM, source, copy.deepcopy(source.config))
    return network, not fresh


def without_decoder(config: PretrainedConfig) -> bool:
    """Return True for the encoder of an encoder-decoder family, saved without its decoder, such as T5EncoderModel."""
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    alone = MODEL_FOR_TEXT_ENCODING_MAPPING.get(type(config), None)
    return (
        alone is not None
        and alone is not MODEL_MAPPING.get(type(config), None)
        and str(getattr(alone, "__name__", "")) in (config.architectures or ())
    )


def _network(auto: Any, source: EncoderSource, config: Any) -> tuple[PreTrainedModel, set[str]]:
    """Build a network, and return it with the names of its weights that aren't in the checkpoint."""
    never_ask()
    if without_decoder(source.config) and auto.__name__ != "AutoModelForTextEncoding":
        raise EncoderError(
            f"the encoder {source.name} can't be built as {auto.__name__}: that needs its family's decoder, and this "
            "is the encoder alone; use --head linear, --head mlp or --head label"
        )
    try:
        with quiet():
            if source.weights is None:
                random = cast("PreTrainedModel", auto.from_config(config, dtype=torch.float32, trust_remote_code=False))
                _check_embeddings(random, source)
                return random, {name for name, _ in random.named_parameters()}
            network, report = auto.from_pretrained(
                source.weights,
                config=config,
                revision=getattr(config, "_commit_hash", None) or "main",  # the commit that the config came from
                dtype=torch.float32,  # from_pretrained would take the checkpoint's own type
                use_safetensors=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # a head for another number of labels; the encoder is checked below
                output_loading_info=True,
            )
    except FecbenchError:
        raise
    except Exception as error:  # transformers checks little of a configuration, so it can raise anything
        if out_of_memory(error):
            raise
        raise EncoderError(
            f"the encoder {source.name} can't be built as {auto.__name__}: {_explain(error, source)}"
        ) from error
    lost = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    _check_weights(network, lost, source.name)
    _check_embeddings(network, source)
    return cast("PreTrainedModel", network), lost


def _explain(error: Exception, source: EncoderSource) -> str:
    """Return the first line of ``error`` and a remedy."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, OSError) and "model.safetensors" in reason:
        return (
            "its weights must be safetensors (model.safetensors), but there are none; a pickle (pytorch_model.bin) "
            "isn't read, since it can run code. If you trust it, convert it once in Python and give the new folder "
            "to --encoder: "
            "for Auto in (AutoModel, AutoTokenizer): "
            f"Auto.from_pretrained({source.weights!r}).save_pretrained(FOLDER)"
        )
    return f"{reason}; try --head linear or another encoder"


def _check_weights(network: PreTrainedModel, lost: set[str], name: str) -> None:
    """Raise EncoderError if the checkpoint lacks encoder weights; a head's weights may be missing.

    transformers would initialise missing weights at random and report that in a log line only.
    """
    prefix = f"{network.base_model_prefix}."
    whole = network.base_model is not network
    # A pooler may be missing: of the heads only the native one uses it, and trains it.
    encoder = {key for key in lost if (key.startswith(prefix) or not whole) and ".pooler." not in f".{key}"}
    if encoder:
        raise EncoderError(
            f"the checkpoint of encoder {name} must hold every encoder weight, but lacks {len(encoder)}, "
            f"{sorted(encoder)[0]} among them; download it again or choose another"
        )


def _check_embeddings(network: PreTrainedModel, source: EncoderSource) -> None:
    """Check that the network takes token ids and has an embedding for each token of the tokenizer."""
    encoder = cast("PreTrainedModel", network.base_model)
    try:
        embeddings = getattr(encoder.get_input_embeddings(), "weight", None)
    except NotImplementedError:
        embeddings = None
    if embeddings is None or not isinstance(getattr(encoder.config, "hidden_size", None), int):
        raise EncoderError(
            f"the encoder {source.name} must be a network that reads text, but is a {type(encoder).__name__}; "
            "choose another"
        )
    tokens, rows = max(source.tokenizer.get_vocab().values(), default=-1) + 1, len(embeddings)
    if tokens > rows:
        raise EncoderError(
            f"the network of encoder {source.name} must have an embedding for each token, but the tokenizer has "
            f"{tokens:,} tokens and the network {rows:,} embeddings; call resize_token_embeddings({tokens}) on the "
            "network and save it, or choose another encoder"
        )


class IdentityPooler(nn.Module):
    """Replacement for a pooler that was removed: some families always call theirs. Returns its input."""

    def forward(self, states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """Return ``states`` unchanged."""
        return states


def take_pooler(encoder: nn.Module) -> nn.Module | None:
    """Remove the pooler from an encoder's network and return it; None if the network has none."""
    pooler = getattr(encoder, "pooler", None)
    if pooler is None:
        return None
    encoder.pooler = IdentityPooler()
    return cast("nn.Module", pooler)


@contextmanager
def running(name: str, longest: int) -> Iterator[None]:
    """Convert failures of an encoder's network into EncoderError, so that no objective or head is blamed for them.

    Args:
        name: the encoder's name.
        longest: tokens of the longest text in the call.

    Raises:
        EncoderError: the network failed. Out-of-memory errors pass unchanged.
    """
    try:
        yield
    except FecbenchError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        raise EncoderError(
            f"the network of encoder {name} fails on texts of up to {longest:,} tokens: {error_summary(error)}; "
            "choose another encoder"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Hide transformers' progress bars and its warnings about randomly initialised heads, which are intended here."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
