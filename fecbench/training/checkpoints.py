"""Save and load a run's checkpoints.

A run has two: the best epoch's weights, and until it is complete also the last epoch's weights with optimiser states.
On an accelerator a thread writes them while training goes on (ADR 19). accelerate's ``save_state`` isn't used, since
it pickles.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fecbench.core.errors import ProtocolError, RunError
from fecbench.core.files import read_tensors, write_tensors
from fecbench.training.divergence import not_finite

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


BEST = "best.safetensors"
LAST = "last.safetensors"
RUN, LAYOUT = "run", "layout"  # metadata keys: digest of the run, digest of the tensors' names, types and shapes


class Checkpoints:
    """The checkpoint files of one run directory.

    ``run`` is a digest that identifies the run; it is stored in the files, so that another run's are refused.

    With ``background`` :meth:`save_epoch` copies the tensors to the host and returns; one thread writes them. There is
    at most one set of copies: every method first waits until the one before is on the disk, and raises what went wrong.
    """

    def __init__(self, folder: Path, run: str = "", background: bool = False):
        self.folder = folder
        self.run = run
        self._thread = ThreadPoolExecutor(1, "checkpoints") if background else None
        self._pending: Future[None] | None = None

    def wait(self) -> None:
        """Wait until the thread has written the last epoch that was saved.

        Raises:
            RunError: it couldn't be written.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            wait([pending])
        finally:  # also on Ctrl-C: the run's lock must not be released while the thread writes
            pending.result()

    def save_best(self, modules: Mapping[str, nn.Module], about: Mapping[str, Any]) -> None:
        """Save the weights of ``modules`` as the best, with the metadata ``about``; they are then on the disk.

        Raises:
            RunError: they can't be written.
        """
        self.wait()
        weights = state_of(modules)
        self._write(BEST, host_copies(weights) if self._thread else weights, about)

    def save_epoch(
        self,
        modules: Mapping[str, nn.Module],
        optimizers: Mapping[str, Tensor],
        about: Mapping[str, Any],
        is_best: bool,
    ) -> None:
        """Save an epoch: all that the next epoch depends on (ADR 4), then its weights if they are the best so far.

        The best comes last: if the process dies in between, :meth:`complete_best` takes it from the epoch's own file.
        In the other order the epoch would be repeated, on a GPU perhaps with a lower score, and the best weights of
        the epochs before would be lost.

        Args:
            modules: the modules, by the prefix of their tensors' names.
            optimizers: the optimisers' states by name.
            about: the progress, as metadata.
            is_best: the epoch is the best so far.

        Raises:
            RunError: this epoch can't be written, or the one before couldn't.
        """
        self.wait()
        weights = state_of(modules)
        tensors = {**weights, **optimizers}
        if self._thread is None:
            self._write_epoch(tensors, weights.keys(), about, is_best)
        else:
            self._pending = self._thread.submit(self._write_epoch, host_copies(tensors), [*weights], about, is_best)

    def _write_epoch(
        self, tensors: Mapping[str, Tensor], weights: Collection[str], about: Mapping[str, Any], is_best: bool
    ) -> None:
        self._write(LAST, tensors, about)
        if is_best:
            self._write(BEST, {name: tensors[name] for name in weights}, {"epoch": about["epoch"]})

    def complete_best(self, modules: Mapping[str, nn.Module], epoch: int) -> None:
        """Save the weights of ``modules``, those of ``epoch``, as the best unless the best are of that epoch already.

        Raises:
            RunError: the file of the best is broken, or can't be written.
        """
        path = self.folder / BEST
        if not path.exists() or read_tensors(path)[1].get("epoch") != epoch:
            self.save_best(modules, {"epoch": epoch})

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

    def load_last(self, modules: Mapping[str, nn.Module]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Load the last epoch's weights into ``modules``; return all tensors and the metadata, or None without a file.

        Raises:
            RunError: the file is broken, or belongs to another model or run.
        """
        self.wait()
        path = self.folder / LAST
        if not path.exists():
            return None
        return self._restore(modules, path)

    def drop_last(self) -> None:
        """Delete the last epoch's checkpoint, once the run is complete."""
        self.wait()
        (self.folder / LAST).unlink(missing_ok=True)

    def _write(self, name: str, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        write_tensors(self.folder / name, tensors, {**about, RUN: self.run, LAYOUT: _layout(tensors)})

    def _restore(self, modules: Mapping[str, nn.Module], path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Load a file's weights into ``modules`` and return all its tensors and its metadata.

        Raises:
            RunError: the file is broken, or belongs to another model or run.
        """
        self.wait()
        tensors, about = read_tensors(path)
        # Files of older versions lack this digest and that of the layout.
        if about.pop(RUN, self.run) != self.run:
            raise RunError(
                f"{path} must be this run's, but is another one's; restore the right one or start the run afresh"
            )
        restore(modules, tensors, path)
        broken = not_finite(tensors)
        if broken or about.pop(LAYOUT, _layout(tensors)) != _layout(tensors):
            what = f"{broken[0]} isn't finite" if broken else "tensors are missing or differ"
            raise RunError(f"{path} must hold what the run wrote, but {what}; restore it or start the run afresh")
        return tensors, about


def host_copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return copies of ``tensors`` in the host's memory, which later steps don't change.

    The copies don't wait for one another, only their end is waited for. torch pins the memory of copies from CUDA and
    uses it again for the next ones.
    """
    copies = {name: tensor.detach().to("cpu", non_blocking=True, copy=True) for name, tensor in tensors.items()}
    for device in {tensor.device for tensor in tensors.values() if tensor.device.type != "cpu"}:
        torch.accelerator.synchronize(device)
    return copies


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
