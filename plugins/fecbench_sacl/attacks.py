"""Adversarial perturbations for the second pass: of weights of the model, or of each text's word embeddings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from fecbench import FecbenchError
from fecbench_sacl.perturbations import fast_gradient, fast_gradient_of_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fecbench import Batch, Model, Tokens

Target = Literal["embeddings_matrix", "embeddings_and_first_layer", "input_embeddings"]
Outputs = tuple[Tensor, Tensor]  # encoder states [B, hidden] and logits [B, C]


class Attack(Protocol):
    """Two forward passes of one batch, clean and perturbed.

    Between them the loss of the clean pass is differentiated and its gradients are kept. Both passes return
    encoder states ``[B, hidden]`` and logits ``[B, C]``.
    """

    def clean(self, batch: Batch) -> Outputs:
        """Encode and classify the batch as it is."""

    def perturbed(self, batch: Batch, epsilon: float) -> Outputs:
        """Encode and classify the batch after a step of length ``epsilon`` along the gradient of the clean loss."""


def attack_on(model: Model, target: Target) -> Attack:
    """Return the attack on ``target`` of ``model``.

    Raises:
        FecbenchError: the encoder's architecture doesn't allow an attack on ``target``.
    """
    if target == "input_embeddings":
        return InputAttack(model)
    network = model.encoder.network
    attacked = list(network.get_input_embeddings().parameters())
    if target == "embeddings_and_first_layer":
        attacked += first_layer(network).parameters()
    return WeightAttack(model, attacked)


def first_layer(network: nn.Module) -> nn.Module:
    """Return the first layer of an encoder.

    Raises:
        FecbenchError: no module list of the network holds exactly the layers.
    """
    depth = getattr(network.config, "num_hidden_layers", None)
    layers = [part for part in network.modules() if isinstance(part, nn.ModuleList) and len(part) == depth]
    if not layers:
        raise FecbenchError(
            f"--attack embeddings_and_first_layer needs an encoder whose {depth} layers are in one module list, but "
            f"{type(network).__name__} has no such list; use --attack embeddings_matrix"
        )
    return layers[0][0]


class ForwardPass(nn.Module):
    """The model as one module with one forward pass, which ``functional_call`` requires."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> Outputs:
        """Return encoder states ``[B, hidden]`` and logits ``[B, C]``."""
        h = self.model.encode(batch)
        return h, self.model.classify(self.model.project(h))


class WeightAttack:
    """An attack on weights: each attacked tensor moves by a step of length epsilon.

    The weights themselves never change; the second pass uses moved copies. The copies are detached, so that
    the second pass adds nothing to the gradients of the attacked tensors, as in the released code.
    """

    def __init__(self, model: Model, attacked: list[nn.Parameter]):
        self.forward_pass = ForwardPass(model)
        chosen = set(attacked)
        self.attacked = {
            name: parameter for name, parameter in self.forward_pass.named_parameters() if parameter in chosen
        }

    def clean(self, batch: Batch) -> Outputs:
        """Encode and classify the batch with the weights as they are."""
        return cast("Outputs", self.forward_pass(batch))

    def perturbed(self, batch: Batch, epsilon: float) -> Outputs:
        """Encode and classify the batch with copies of the attacked weights, moved along their gradients."""
        # The trainer has averaged these gradients over the ranks, so that all ranks perturb alike.
        moved = {
            name: p.detach() + fast_gradient(p.grad, epsilon) for name, p in self.attacked.items() if p.grad is not None
        }
        return cast("Outputs", functional_call(self.forward_pass, moved, (batch,)))


class InputAttack:
    """An attack on inputs: the word embeddings of each text move together by a step of length epsilon."""

    def __init__(self, model: Model):
        self.forward_pass = ForwardPass(model)
        self.encoder = model.encoder
        self.tokens: Tokens
        self.gradient: Tensor

    def clean(self, batch: Batch) -> Outputs:
        """Encode and classify the batch as it is, and keep the gradient of its word embeddings when it is computed."""

        def keep(gradient: Tensor) -> None:
            self.gradient = gradient

        def keep_gradient(embeddings: Tensor) -> Tensor:
            if not embeddings.requires_grad:
                raise FecbenchError(
                    "--attack input_embeddings needs word embeddings that are trained; unfreeze them or attack weights"
                )
            embeddings.register_hook(keep)
            return embeddings

        return self._forward(batch, keep_gradient)

    def perturbed(self, batch: Batch, epsilon: float) -> Outputs:
        """Encode and classify the batch with word embeddings that are moved along their gradient."""
        rows, positions, _ = self.gradient.shape  # packed: one row that holds all texts; padded: one row per text
        if self.encoder.packs:  # the network reads packed tokens in the order of the layout, not of the batch
            owners = self.tokens.owners[self.encoder.layout(self.tokens).order]
        else:
            owners = torch.arange(rows, device=self.gradient.device).repeat_interleave(positions)
        step = fast_gradient_of_texts(self.gradient.flatten(0, 1), owners, len(self.tokens), epsilon).view_as(
            self.gradient
        )
        return self._forward(batch, lambda embeddings: embeddings + step)

    def _forward(self, batch: Batch, at_embeddings: Callable[[Tensor], Tensor]) -> Outputs:
        with self._hooked(at_embeddings):
            return cast("Outputs", self.forward_pass(batch))

    @contextmanager
    def _hooked(self, at_embeddings: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Apply ``at_embeddings`` to the output of the word embeddings, and remember the tokens that were encoded."""
        network = self.encoder.network
        if getattr(network, "_compiled_call_impl", None) is not None:
            raise FecbenchError(
                "--attack input_embeddings can't look into a compiled encoder; leave out --compile or attack weights"
            )

        def remember(_: nn.Module, arguments: tuple[Tokens]) -> None:
            (self.tokens,) = arguments

        hooks = [
            self.encoder.register_forward_pre_hook(remember),
            network.get_input_embeddings().register_forward_hook(lambda _, __, output: at_embeddings(output)),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
