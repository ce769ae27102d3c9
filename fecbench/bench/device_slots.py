"""Device slots: limit the runs per device across a user's processes on this machine, by lock files.

Benches and engines that know nothing of one another share the slots if they have the same TMPDIR. The system's locks
end with their process, so that a killed worker leaves none behind.
"""

from __future__ import annotations

import getpass
import os
import tempfile
import time
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from fecbench.core.errors import FecbenchError
from fecbench.core.files import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def slot(devices: Sequence[str], per_device: int) -> Iterator[dict[str, str]]:
    """Wait for a free slot of ``devices`` and hold it during the block; yield the environment that selects its device.

    Yields an empty environment if ``devices`` is empty.

    Raises:
        FecbenchError: a device doesn't exist.
        RunError: the lock files can't be written.
    """
    if not devices:
        yield {}
        return
    while (held := _free(devices, per_device)) is None:
        time.sleep(0.2)  # one lock can be waited for, but not any of several
    lock, device = held
    try:
        yield {"CUDA_VISIBLE_DEVICES": device}
    finally:
        lock.release()


def _free(devices: Sequence[str], per_device: int) -> tuple[FileLock, str] | None:
    """Lock a free slot and return its lock and its device's number; None if all slots are held."""
    folder = Path(tempfile.gettempdir()) / f"fecbench-devices-{_user()}"
    with writing(folder, "make it writable, or set TMPDIR to a writable folder"):
        folder.mkdir(exist_ok=True)
        # Slot number first, device second: every device gets its first run before any gets a second one.
        for number, device in product(range(per_device), map(_own_number, devices)):
            lock = FileLock(folder / f"{device or 'cpu'}-{number}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return lock, device
    return None


def _user() -> str:
    """Return the user id; in a container the user may have no name. Windows has names only."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


def _own_number(device: str) -> str:
    """Return the device's name for ``CUDA_VISIBLE_DEVICES``; empty for the CPU.

    ``cuda:0`` is the first device that this process sees, as in torch.

    Raises:
        FecbenchError: no such device is visible; the run would silently use the CPU.
    """
    if device == "cpu":
        return ""
    import torch

    index, count = int(device.removeprefix("cuda:")), torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if index >= count:
        limited = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
        raise FecbenchError(
            f"--devices must name visible GPUs, but {device} isn't among the {count} GPUs of this process{limited}; "
            "number devices from cuda:0, or use cpu"
        )
    # The lock file is named by the physical device, so that processes that see different devices share its slots.
    return str(index) if visible is None else [name.strip() for name in visible.split(",") if name.strip()][index]
