"""Load an encoder by registered name, hub id or local folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import cast

from fecbench.core import registry
from fecbench.core.errors import EncoderError, PluginError
from fecbench.core.paths import expanded
from fecbench.core.plugin_errors import plugin_errors
from fecbench.model.encoders.source import EncoderFactory, EncoderSource


def get_encoder(name: str) -> EncoderFactory:
    """Return the factory registered as ``name``, or one for the hub id or local folder ``name``.

    Raises:
        PluginError: the plugin is broken or isn't an encoder factory.
    """
    if name not in registry.encoders:
        from fecbench.model.encoders.pretrained import Pretrained

        return Pretrained(expanded(name), name)
    factory = registry.encoders.get(name)
    if not callable(factory) or not hasattr(factory, "settings"):
        origin = registry.encoders.origin(name)
        raise PluginError(
            f"the encoder {name!r} ({origin}) must be callable and have settings, but is {type(factory).__name__}; "
            "fix or uninstall the plugin"
        )
    if not isinstance(factory.settings, Mapping):
        raise PluginError(
            f"the encoder {name!r} ({registry.encoders.origin(name)}) must have settings that are a dict; "
            "fix or uninstall the plugin"
        )
    return cast("EncoderFactory", factory)


def check_encoder_name(name: str) -> None:
    """Check that the encoder's folder exists if ``name`` is written as a path; hub ids aren't looked up.

    Raises:
        EncoderError: the path doesn't exist.
    """
    path = expanded(name)
    if name not in registry.encoders and path.startswith((os.curdir, os.sep)) and not os.path.lexists(path):
        raise EncoderError(
            f"the encoder {name} doesn't exist; give the folder of a downloaded encoder, a hub id, or a registered name"
        )


def load_encoder(name: str, texts: Sequence[str]) -> EncoderSource:
    """Return the encoder ``name`` for the training ``texts``.

    Raises:
        EncoderError: the encoder isn't available.
        PluginError: the plugin is broken, fails, or doesn't return an ``EncoderSource``.
    """
    check_encoder_name(name)
    factory = get_encoder(name)
    if name not in registry.encoders:
        return factory(texts)
    who = f"the encoder {name!r} ({registry.encoders.origin(name)})"
    with plugin_errors(who, factory):
        source = factory(texts)
    if (
        not isinstance(source, EncoderSource)
        or not callable(source.tokenizer)
        or not hasattr(source.config, "model_type")
    ):
        raise PluginError(
            f"{who} must return a fecbench.EncoderSource with tokenizer and architecture, but returned "
            f"{source!s:.100}; fix or uninstall the plugin"
        )
    return source
