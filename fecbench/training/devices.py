"""Choose the device, the processes and the precision of a run."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration

from fecbench.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


# variables by which launchers tell the number of processes; on the CPU accelerate obeys those of MPI too
SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS repeats its numbers with :4096:8 or :16:8


def accelerator(device: str, trackers: Sequence[str] = ()) -> Accelerator:
    """Return accelerate's view of this process: its device, its rank and its trackers.

    accelerate keeps this state for the whole process, so a process can do only one run. It prepares neither model nor
    optimisers: with its DDP wrapper, several passes per batch would give wrong gradients silently (ADR 5).

    Raises:
        UsageError: the device isn't available, a tracker isn't installed, or the launched processes can't communicate.
    """
    check(device, trackers)
    on_cpu = device == "cpu" or (device == "auto" and not torch.accelerator.is_available())
    launched, names = _launched(SIZES if on_cpu else SIZES[:1]), _launchers()
    if device not in ("auto", "cpu") and "LOCAL_RANK" not in os.environ:  # accelerate gives each rank its own device
        os.environ["ACCELERATE_TORCH_DEVICE"] = device  # Accelerator has no argument for a device
        _make_current(torch.device(device))
    unset = ProjectConfiguration(logging_dir=".")  # trackers need a folder now; the run sets the real one later
    try:
        found = Accelerator(cpu=on_cpu, log_with=list(trackers) or None, project_config=unset)
    except ValueError as error:
        raise UsageError(
            f"launched processes ({names}) must find one another, but {error}; start them with "
            "torchrun or accelerate launch, or unset these variables"
        ) from error
    if found.device.type == "cuda":
        # On recent GPUs torch prefers cuDNN's attention, which plans each new shape for 25 ms and more, forward and
        # backward. Random batches have new shapes again and again.
        torch.backends.cuda.enable_cudnn_sdp(False)
    _compute_float32_in_full()
    if found.num_processes != launched:
        raise UsageError(
            f"{launched} processes were launched (WORLD_SIZE), but on {found.device} they can't work together; "
            "use --device cpu, or launch one"
        )
    return found


def _make_current(device: torch.device) -> None:
    """Make a device with an index, such as ``cuda:1``, the current one; pinning memory opens a context on that."""
    if device.type != "cpu" and device.index is not None:
        torch.accelerator.set_device_index(device.index)


def _compute_float32_in_full() -> None:
    """Switch off TF32, which has 10 bits of float32's 23, whatever the environment or accelerate chose."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Let torch use deterministic algorithms alone in the block, if ``wanted``, and restore its state afterwards.

    The block must begin before CUDA does: cuBLAS reads its setting only once. torch raises RuntimeError for an
    operation without such an algorithm; :func:`fecbench.core.plugin_errors.plugin_errors` explains it.
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, workspace = torch.backends.cudnn.benchmark, os.environ.get(WORKSPACE)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False  # it chooses algorithms by their speed at the moment
    os.environ[WORKSPACE] = ":4096:8"
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = benchmark
        if workspace is None:
            os.environ.pop(WORKSPACE, None)
        else:
            os.environ[WORKSPACE] = workspace


def check(device: str, trackers: Sequence[str] = ()) -> None:
    """Check that ``device`` is available and that ``trackers`` are installed.

    Raises:
        UsageError: the device isn't available, or a tracker isn't installed.
    """
    missing = [name for name in trackers if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"--tracker {missing[0]} needs the package {missing[0]}, which isn't installed; pip install {missing[0]}"
        )
    if device not in ("auto", "cpu"):
        _check_available(device)


def check_not_launched(command: str) -> None:
    """Check that no launcher started ``command``, which starts a process for each run.

    Raises:
        UsageError: one did. The runs of its processes would join one group.
    """
    launched = _launched(SIZES)
    if launched > 1:
        raise UsageError(
            f"{command} starts a process for each run, so it must have no launcher, but {launched} processes were "
            f"launched; start it alone, or unset {_launchers()}"
        )


def _launchers() -> str:
    """Return the names of the launchers' variables in the environment; accelerate sets further ones."""
    return ", ".join(name for name in SIZES if name in os.environ)


def _launched(names: Sequence[str]) -> int:
    """Return the number of processes that a launcher started, by the first of ``names`` in the environment.

    Raises:
        UsageError: one of them isn't a positive number.
    """
    sizes = {name: os.environ[name] for name in names if name in os.environ}
    for name, size in sizes.items():
        if not size.isascii() or not size.isdecimal() or int(size) < 1:
            raise UsageError(
                f"{name} must be the number of launched processes, found {size!r}; unset it, or start with torchrun"
            )
    return next(map(int, sizes.values()), 1)


def _check_available(name: str) -> None:
    try:
        torch.empty(1, device=torch.device(name)).cpu()  # the copy waits for the device: some fail only then
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]  # torch goes on with hints for its own developers
        raise UsageError(
            f"--device {name} isn't available here ({reason}); choose {' or '.join(_available())}"
        ) from error


def _available() -> list[str]:
    """Return the values of ``--device`` that this machine has."""
    kind = torch.accelerator.current_accelerator(check_available=True)
    return ["auto", "cpu", *([f"{kind.type}:{n}" for n in range(torch.accelerator.device_count())] if kind else [])]


def compiler() -> str | None:
    """Return the path of the C++ compiler that torch.compile would use; None if there is none."""
    return shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++")


def check_compiler() -> None:
    """Check that ``--compile`` can work.

    Raises:
        UsageError: no C++ compiler is found.
    """
    if compiler() is None:
        raise UsageError(
            "--compile needs a C++ compiler (g++ or clang++, or one that CXX names), found none; install one or leave "
            "it out"
        )


def precision(choice: str, device: torch.device) -> Precision:
    """Return the precision for ``choice`` (auto, float32 or bf16) on ``device``.

    Raises:
        UsageError: bf16 was chosen, but the device has no bf16 autocast.
    """
    if choice == "auto":  # no emulated bf16, which is slower than float32
        return Precision(device, bf16=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))
    chosen = Precision(device, bf16=choice == "bf16")
    try:
        with chosen.autocast():
            torch.ones(2, 2, device=device) @ torch.ones(2, 2, device=device)
    except RuntimeError as error:
        raise UsageError(f"--precision bf16 isn't available on {device}: {error}; use --precision float32") from error
    return chosen


@dataclass(frozen=True)
class Precision:
    """Float32, or bf16 autocast over float32 weights; float16 isn't supported, since it needs a gradient scaler."""

    device: torch.device
    bf16: bool = False

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context manager for forward computations."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bf16 else nullcontext()
