"""The conformance kit for heads."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch
from accelerate.utils import set_seed

from fecbench.core import registry
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.model.encoders.scratch import scratch
from fecbench.model.heads import HeadTask, get_head
from fecbench.model.model import Model, build_model
from fecbench.testing.plugin_checks import NEAR, TEXTS, PluginConformance
from fecbench.training.checkpoints import state_of

if TYPE_CHECKING:
    from fecbench.model.encoders.source import EncoderSource

LABELS = ("glad", "mad", "sad")


class HeadConformance(PluginConformance):
    """Checks of the head registered as ``name``, on the scratch encoder."""

    registered_in = registry.heads

    def test_it_builds_and_classifies(self) -> None:
        """Features are ``[B, features]`` and logits ``[B, C]``, finite, for each pooling in ``poolings``."""
        for pooling in get_head(self.name).poolings:
            model = self.build(pooling).eval().precompute()
            with torch.no_grad():
                z = model.project(model.encode(self.batch))
                logits = model.classify(z)
            features, expected = [len(TEXTS), model.head.features], [len(TEXTS), len(LABELS)]
            self.require(list(z.shape) == features, f"features {features}", list(z.shape))
            self.require(list(logits.shape) == expected, f"logits {expected}", list(logits.shape))
            self.require(bool(logits.isfinite().all()), "finite logits", "infinite ones or NaN")

    def test_it_learns_as_a_whole(self) -> None:
        """The loss has a gradient for every trainable parameter of the head, and for the encoder."""
        model = self.build().train()
        h = model.encode(self.batch)
        h.retain_grad()  # h is no leaf, so torch would drop its gradient
        torch.nn.functional.cross_entropy(model.classify(model.project(h)).float(), self.batch.labels).backward()
        without = [
            name
            for name, parameter in model.head.named_parameters()
            if parameter.requires_grad and parameter.grad is None
        ]
        self.require(not without, "a gradient for every parameter of the head", f"none for {', '.join(without[:5])}")
        self.require(h.grad is not None, "a gradient for the encoder", "none: the head detaches its input")

    def test_a_text_is_classified_alike_in_any_company(self) -> None:
        """In eval mode a text's logits don't depend on the other texts of the batch."""
        model = self.build().eval().precompute()
        with torch.no_grad():
            h = model.encode(self.batch)
            together, alone = model.classify(model.project(h)), [model.classify(model.project(one[None])) for one in h]
        away = float((together - torch.cat(alone)).abs().max())
        self.require(away < NEAR, "the same logits of a text alone and in a batch", f"a difference of {away:.2g}")

    def test_it_survives_saving_and_loading(self) -> None:
        """A new head with the saved parameters and buffers returns the same logits."""
        old, new = self.build().eval().precompute(), self.build(seed=1).eval()
        saved = state_of({"model": old})
        for name, tensor in state_of({"model": new}).items():
            tensor.copy_(saved[name])
        with torch.no_grad():
            expected, found = (model.classify(model.project(model.encode(self.batch))) for model in (old, new))
        self.require(
            bool(expected.equal(found)),
            "the saved head's logits",
            "different logits after loading; keep state in parameters and buffers",
        )

    @cached_property
    def batch(self) -> Batch:
        """A batch of ``TEXTS``."""
        numbers = torch.arange(len(TEXTS))
        return Batch(Tokens.pack(self.source.tokenizer(TEXTS)["input_ids"]), numbers % len(LABELS), numbers)

    @cached_property
    def source(self) -> EncoderSource:
        """The scratch encoder with a vocabulary learned from ``TEXTS``."""
        return scratch(TEXTS)

    def build(self, pooling: str = "", seed: int = 0) -> Model:
        """Build a model with the head."""
        set_seed(seed)
        return build_model(self.source, self.name, HeadTask(LABELS, LABELS), pooling or get_head(self.name).poolings[0])
