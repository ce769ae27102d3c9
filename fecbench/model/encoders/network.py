"""Builds transformers networks: pretrained or random, float32, every weight of the encoder accounted for."""

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


# Else transformers has a service of the hub convert a pickle, and loads what it proposes: nobody asked for either.
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"


def encoder_network(source: EncoderSource) -> PreTrainedModel:
    """The encoder alone.

    Raises:
        EncoderError: transformers has no encoder for it, or the checkpoint lacks weights.
    """
    from transformers import AutoModel, AutoModelForTextEncoding

    auto = AutoModelForTextEncoding if without_decoder(source.config) else AutoModel
    return _network(auto, source, copy.deepcopy(source.config))[0]


def classifier_network(source: EncoderSource, labels: Sequence[str]) -> PreTrainedModel:
    """The encoder with its family's own classification head for ``labels``, fresh also where the checkpoint has one, of another task.

    Raises:
        EncoderError: the family has none, or the checkpoint lacks weights.
    """
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(source.config)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    network, fresh = _network(AutoModelForSequenceClassification, source, config)
    encoder = {id(parameter) for parameter in network.base_model.parameters()}
    taken = [
        name for name, parameter in network.named_parameters() if id(parameter) not in encoder and name not in fresh
    ]
    if taken:
        other = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32, trust_remote_code=False)
        with torch.no_grad():
            for name in taken:
                network.get_parameter(name).copy_(other.get_parameter(name))
    return network


def language_network(source: EncoderSource) -> tuple[PreTrainedModel, bool]:
    """The encoder with its family's head for masked tokens, and whether the checkpoint has that head's weights.

    Raises:
        EncoderError: the family has none, or the checkpoint lacks weights.
    """
    from transformers import AutoModelForMaskedLM

    network, fresh = _network(AutoModelForMaskedLM, source, copy.deepcopy(source.config))
    return network, not fresh


def without_decoder(config: PretrainedConfig) -> bool:
    """Return whether this is the encoder of an encoder-decoder family, saved by itself, such as a T5EncoderModel."""
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING

    alone = MODEL_FOR_TEXT_ENCODING_MAPPING.get(type(config), None)
    return (
        alone is not None
        and alone is not MODEL_MAPPING.get(type(config), None)
        and str(getattr(alone, "__name__", "")) in (config.architectures or ())
    )


def _network(auto: Any, source: EncoderSource, config: Any) -> tuple[PreTrainedModel, set[str]]:
    """The network, and the names of its weights that don't come from the checkpoint."""
    never_ask()
    if without_decoder(source.config) and auto.__name__ != "AutoModelForTextEncoding":
        raise EncoderError(
            f"the encoder {source.name} can't be built as {auto.__name__}: that needs its family's decoder, and this is the encoder alone; "
            "use --head linear, --head mlp or --head label"
        )
    try:
        with quiet():
            if source.weights is None:
                made = cast("PreTrainedModel", auto.from_config(config, dtype=torch.float32, trust_remote_code=False))
                _check_reads(made, source)
                return made, {name for name, _ in made.named_parameters()}
            network, report = auto.from_pretrained(
                source.weights,
                config=config,
                revision=getattr(config, "_commit_hash", None)
                or "main",  # weights of the commit that the architecture is of
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except FecbenchError:
        raise
    except Exception as error:  # transformers builds whatever a configuration says, and checks little of it
        if out_of_memory(error):
            raise
        raise EncoderError(
            f"the encoder {source.name} can't be built as {auto.__name__}: {_explain(error, source)}"
        ) from error
    lost = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    _check_weights(network, lost, source.name)
    _check_reads(network, source)
    return cast("PreTrainedModel", network), lost


def _explain(error: Exception, source: EncoderSource) -> str:
    """What went wrong and what to do."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, OSError) and "model.safetensors" in reason:
        return (
            "its weights must be safetensors (model.safetensors), and there are none; a pickle (pytorch_model.bin) isn't read, since it "
            "can run code. Where you trust it, convert it once in Python and give the new folder to --encoder: "
            "for Auto in (AutoModel, AutoTokenizer): "
            f"Auto.from_pretrained({source.weights!r}).save_pretrained(FOLDER)"
        )
    return f"{reason}; try --head linear or another encoder"


def _check_weights(network: PreTrainedModel, lost: set[str], name: str) -> None:
    """A head may start afresh, an encoder may not: transformers would fill missing weights at random and say so in a log line only."""
    prefix = f"{network.base_model_prefix}."
    whole = network.base_model is not network
    encoder = {key for key in lost if (key.startswith(prefix) or not whole) and ".pooler." not in f".{key}"}
    if encoder:
        raise EncoderError(
            f"the checkpoint of encoder {name} must hold every encoder weight, but lacks {len(encoder)}, {sorted(encoder)[0]} among them; "
            "download it again or choose another"
        )


def _check_reads(network: PreTrainedModel, source: EncoderSource) -> None:
    """Check that the network reads token ids, and has an embedding for each token of the tokenizer."""
    encoder = cast("PreTrainedModel", network.base_model)
    try:
        embeddings = getattr(encoder.get_input_embeddings(), "weight", None)
    except NotImplementedError:
        embeddings = None
    if embeddings is None or not isinstance(getattr(encoder.config, "hidden_size", None), int):
        raise EncoderError(
            f"the encoder {source.name} must be a network that reads text, but is a {type(encoder).__name__}; choose another"
        )
    tokens, rows = max(source.tokenizer.get_vocab().values(), default=-1) + 1, len(embeddings)
    if tokens > rows:
        raise EncoderError(
            f"the network of encoder {source.name} must have an embedding for each token, but the tokenizer has {tokens:,} tokens and the "
            f"network {rows:,} embeddings; call resize_token_embeddings({tokens}) on the network and save it, or choose another encoder"
        )


class GivenOn(nn.Module):
    """Stands where an encoder had its pooler, which some families call unasked: gives on what it gets."""

    def forward(self, states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """Return ``states`` as they are."""
        return states


def take_pooler(encoder: nn.Module) -> nn.Module | None:
    """Return the pooler of an encoder's network, which has it no longer; None where it has none."""
    pooler = getattr(encoder, "pooler", None)
    if pooler is None:
        return None
    encoder.pooler = GivenOn()
    return cast("nn.Module", pooler)


@contextmanager
def running(name: str, longest: int) -> Iterator[None]:
    """Name the encoder where its network fails on texts of up to ``longest`` tokens: no objective or head is blamed for it.

    Raises:
        EncoderError: the network failed. A lack of memory passes as it is.
    """
    try:
        yield
    except FecbenchError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        raise EncoderError(
            f"the network of encoder {name} fails on texts of up to {longest:,} tokens: {error_summary(error)}; choose another encoder"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' loading bars and its reports on fresh heads, which are meant to be fresh here."""
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
