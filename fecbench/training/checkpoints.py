"""Save and load a run's checkpoints.

A run has two: the best epoch's weights, and until it is complete also the last epoch's weights with optimiser states.
accelerate's ``save_state`` isn't used, since it pickles.
"""

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
RUN, LAYOUT = "run", "layout"  # metadata keys: digest of the run, digest of the tensors' names, types and shapes


class Checkpoints:
    """The checkpoint files of one run directory.

    ``run`` is a digest that identifies the run; it is stored in the files, so that another run's are refused.
    """

    def __init__(self, folder: Path, run: str = ""):
        self.folder = folder
        self.run = run

    def save_best(self, modules: Mapping[str, nn.Module], about: Mapping[str, Any]) -> None:
        """Save the weights of ``modules`` as the best so far, with the metadata ``about``."""
        self._write(self.folder / BEST, state_of(modules), about)

    def load_best(self, modules: Mapping[str, nn.Module], epoch: int | None = None) -> dict[str, Any]:
        """Load the best weights into ``modules`` and return their metadata.

        Args:
            modules: the modules, by the prefix of their tensors' names.
            epoch: the epoch that the weights must be of; None for any.

        Raises:
            RunError: the file is broken, or belongs to another model, run or epoch.
        """
        path = self.folder / BEST
        _, about = self._restore(modules, path)
        if epoch not in (None, about.get("epoch")):
            raise RunError(
                f"{path} must be of epoch {epoch}, the best, but is of {about.get('epoch')}; "
                "restore it or start the run afresh"
            )
        return about

    def save_last(
        self, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Tensor], about: Mapping[str, Any]
    ) -> None:
        """Save weights and optimiser states, with metadata ``about``: all that the next epoch depends on (ADR 4)."""
        self._write(self.folder / LAST, {**state_of(modules), **optimizers}, about)

    def load_last(self, modules: Mapping[str, nn.Module]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Load the last epoch's weights into ``modules``; return all tensors and the metadata, or None without a file.

        Raises:
            RunError: the file is broken, or belongs to another model or run.
        """
        path = self.folder / LAST
        if not path.exists():
            return None
        return self._restore(modules, path)

    def _write(self, path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        write_tensors(path, tensors, {**about, RUN: self.run, LAYOUT: _layout(tensors)})

    def _restore(self, modules: Mapping[str, nn.Module], path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Load a file's weights into ``modules`` and return all its tensors and its metadata.

        Raises:
            RunError: the file is broken, or belongs to another model or run.
        """
        tensors, about = read_tensors(path)
        # Files of older versions lack this digest and that of the layout.
        if about.pop(RUN, self.run) != self.run:
            raise RunError(
                f"{path} must be this run's, but is another one's; restore the right one or start the run afresh"
            )
        restore(modules, tensors, path)
        broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
        if broken or about.pop(LAYOUT, _layout(tensors)) != _layout(tensors):
            what = f"{broken[0]} isn't finite" if broken else "tensors are missing or differ"
            raise RunError(f"{path} must hold what the run wrote, but {what}; restore it or start the run afresh")
        return tensors, about

    def drop_last(self) -> None:
        """Delete the last epoch's checkpoint, once the run is complete."""
        (self.folder / LAST).unlink(missing_ok=True)


def _layout(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of all names, types and shapes.

    It detects a missing optimiser state, which the optimiser would silently initialise anew.
    """
    lines = sorted(f"{name} {tensor.dtype} {list(tensor.shape)}" for name, tensor in tensors.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def state_of(modules: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Return all parameters and saved buffers by name; tensors that share memory appear once.

    Raises:
        ProtocolError: a module saves state that isn't a tensor.
    """
    state: dict[str, Tensor] = {}
    seen = set()
    for prefix, module in modules.items():
        for name, tensor in module.state_dict(prefix=f"{prefix}.").items():
            if not isinstance(tensor, Tensor):
                raise ProtocolError(
                    f"{name}: a module's saved state must be tensors, found {type(tensor).__name__}; "
                    "keep it in a buffer"
                )
            # Tied weights are saved once: safetensors refuses tensors that share memory.
            memory = (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape)
            if memory not in seen or not tensor.numel():  # empty tensors all have the address 0
                state[name] = tensor
            seen.add(memory)
    return state


def owned(modules: Mapping[str, nn.Module]) -> dict[str, int]:
    """Return the id of each parameter by name, and 0 for each saved buffer: buffers may be replaced."""
    parameters = {
        f"{prefix}.{name}": id(p) for prefix, module in modules.items() for name, p in module.named_parameters()
    }
    return dict.fromkeys(state_of(modules), 0) | parameters


@torch.no_grad()
def restore(modules: Mapping[str, nn.Module], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy ``tensors`` into the parameters and buffers of ``modules``.

    Args:
        modules: the modules, by the prefix of their tensors' names.
        tensors: the tensors, by name.
        path: the file that they come from, for messages.

    Raises:
        RunError: a tensor is missing, superfluous, or of another shape or type.
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
