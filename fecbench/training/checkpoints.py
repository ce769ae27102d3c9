"""What is kept of a run's weights: the best epoch's, and until the run is complete the last epoch's with all optimiser states."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fecbench.core.errors import ProtocolError, RunError
from fecbench.core.files import read_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


BEST = "best.safetensors"
LAST = "last.safetensors"
RUN, LAYOUT = "run", "layout"


class Checkpoints:
    """The checkpoint files of one run directory; ``run`` is a digest of which run that is, which they hold."""

    def __init__(self, folder: Path, run: str = ""):
        self.folder = folder
        self.run = run

    def save_best(self, modules: Mapping[str, nn.Module], about: Mapping[str, Any]) -> None:
        """Keep the weights of ``modules`` as the best so far."""
        self._write(self.folder / BEST, state_of(modules), about)

    def load_best(self, modules: Mapping[str, nn.Module], epoch: int | None = None) -> dict[str, Any]:
        """Restore the best weights into ``modules``, of ``epoch`` where that is given; returns what was said about them.

        Raises:
            RunError: the file is broken, of another model, of another run, or of another epoch.
        """
        path = self.folder / BEST
        _, about = self._restore(modules, path)
        if epoch not in (None, about.get("epoch")):
            raise RunError(
                f"{path} must be of epoch {epoch}, the best, but is of {about.get('epoch')}; restore it or start the run afresh"
            )
        return about

    def save_last(
        self, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Tensor], about: Mapping[str, Any]
    ) -> None:
        """Keep everything that the next epoch needs."""
        self._write(self.folder / LAST, {**state_of(modules), **optimizers}, about)

    def load_last(self, modules: Mapping[str, nn.Module]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Restore the last epoch's weights into ``modules``; returns the optimisers' tensors and what was said, or None without a file."""
        path = self.folder / LAST
        if not path.exists():
            return None
        return self._restore(modules, path)

    def _write(self, path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        write_tensors(path, tensors, {**about, RUN: self.run, LAYOUT: _layout(tensors)})

    def _restore(self, modules: Mapping[str, nn.Module], path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Copy a file's weights into ``modules``; returns all its tensors and what was said.

        Raises:
            RunError: it is broken, of another model, or of another run.
        """
        tensors, about = read_tensors(path)
        if about.pop(RUN, self.run) != self.run:
            raise RunError(
                f"{path} must be this run's, but is another one's; restore the right one or start the run afresh"
            )
        restore(modules, tensors, path)
        broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
        if broken or about.pop(LAYOUT, _layout(tensors)) != _layout(tensors):
            what = f"{broken[0]} isn't finite" if broken else "tensors are missing, or are others"
            raise RunError(f"{path} must hold what the run wrote, but {what}; restore it or start the run afresh")
        return tensors, about

    def drop_last(self) -> None:
        """Forget the last epoch's state; the run is complete."""
        (self.folder / LAST).unlink(missing_ok=True)


def _layout(tensors: Mapping[str, Tensor]) -> str:
    """Digest of names, types and shapes, optimisers' states among them: one that is missing would start afresh in silence."""
    lines = sorted(f"{name} {tensor.dtype} {list(tensor.shape)}" for name, tensor in tensors.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def state_of(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """All parameters and buffers by name, each memory once.

    Raises:
        ProtocolError: a module keeps state that is no tensor.
    """
    state: dict[str, Tensor] = {}
    seen = set()
    for prefix, module in modules.items():
        for name, tensor in module.state_dict(prefix=f"{prefix}.").items():
            if not isinstance(tensor, Tensor):
                raise ProtocolError(
                    f"{name}: a module's saved state must be tensors, found {type(tensor).__name__}; keep it in a buffer"
                )
            memory = (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape)
            if memory not in seen or not tensor.numel():
                state[name] = tensor
            seen.add(memory)
    return state


def owned(modules: Mapping[str, nn.Module]) -> dict[str, int]:
    """Every parameter and saved buffer by name, and which parameter object it is (buffers may be replaced: 0)."""
    parameters = {
        f"{prefix}.{name}": id(p) for prefix, module in modules.items() for name, p in module.named_parameters()
    }
    return dict.fromkeys(state_of(modules), 0) | parameters


@torch.no_grad()
def restore(modules: Mapping[str, nn.Module], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy ``tensors`` into the parameters and buffers of ``modules``.

    Raises:
        RunError: one is missing, of another shape, or one too many.
    """
    state = state_of(modules)
    extra = [
        name for name in tensors if name.startswith(tuple(f"{prefix}." for prefix in modules)) and name not in state
    ]
    if extra:
        raise RunError(
            f"{path} holds {extra[0]}, which the model lacks; it belongs to another model, restore the right one"
        )
    for name, tensor in state.items():
        found = tensors.get(name)
        if found is None or found.shape != tensor.shape or found.dtype != tensor.dtype:
            shape = "nothing" if found is None else f"shape {list(found.shape)} of {found.dtype}"
            raise RunError(
                f"{path} must hold {name} of shape {list(tensor.shape)}, {tensor.dtype}, found {shape}; "
                "it belongs to another model, restore the right one"
            )
        tensor.copy_(found)
