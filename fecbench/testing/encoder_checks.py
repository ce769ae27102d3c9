"""The conformance kit for encoders."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from accelerate.utils import set_seed

from fecbench.core import registry
from fecbench.core.errors import EncoderError
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.load import get_encoder, load_encoder
from fecbench.model.encoders.network import encoder_network
from fecbench.model.text_encoder import TextEncoder
from fecbench.testing.findings import NotHere
from fecbench.testing.plugin_checks import NEAR, TEXTS, PluginConformance, offline

if TYPE_CHECKING:
    from torch import Tensor

    from fecbench.model.encoders.source import EncoderSource


class EncoderConformance(PluginConformance):
    """Checks of the encoder registered as ``name``."""

    registered_in = registry.encoders

    def test_its_settings_fit_runs(self) -> None:
        """``settings`` are settings of ``fecbench run`` with valid values."""
        self.require_settings(get_encoder(self.name).settings)

    def test_it_encodes_texts(self) -> None:
        """Its network can be built and maps each text to a finite state of width ``hidden_size``."""
        states, width = self.states(TEXTS), self.network.network.config.hidden_size
        self.require(tuple(states.shape) == (len(TEXTS), width), f"states {[len(TEXTS), width]}", list(states.shape))
        self.require(bool(states.isfinite().all()), "finite states", "infinite ones or NaN")

    def test_a_text_is_encoded_alike_in_any_company(self) -> None:
        """A text's state doesn't depend on the other texts of the batch, shorter and longer ones."""
        together = self.states(TEXTS)
        for number, text in enumerate(TEXTS):
            alone = self.states([text])[0]
            away = float((alone - together[number]).abs().max())
            self.require(
                away < NEAR,
                "the same state of a text alone and in a batch",
                f"a difference of {away:.2g} for {text!r}",
            )

    @cached_property
    def source(self) -> EncoderSource:
        """The encoder, loaded for ``TEXTS``."""
        try:
            with offline():
                return load_encoder(self.name, TEXTS)
        except EncoderError as error:
            raise NotHere(str(error)) from error

    @cached_property
    def network(self) -> TextEncoder:
        """The encoder's network with pooling, in eval mode."""
        source, pooling = self.source, str(get_encoder(self.name).settings.get("pooling", "first"))
        set_seed(0)  # a registered encoder may have random weights
        with offline():
            return TextEncoder(encoder_network(source), source.tokenizer.pad_token_id or 0, pooling).eval()

    @torch.no_grad()
    def states(self, texts: list[str]) -> Tensor:
        """Return the pooled states ``[B, hidden]`` of ``texts``."""
        states: Tensor = self.network(Tokens.pack(self.source.tokenizer(texts)["input_ids"]))
        return states
