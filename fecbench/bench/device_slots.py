"""Places for runs on a machine's devices, leased by lock files, so that benches and engines that know nothing of each other share them."""

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
    """The first free slot of ``devices``, held while the block lasts, as environment for a process; nothing where no device is named.

    Raises:
        FecbenchError: a device isn't there.
        RunError: the lock files can't be written.
    """
    if not devices:
        yield {}
        return
    while (taken := _free(devices, per_device)) is None:
        time.sleep(0.2)
    lock, device = taken
    try:
        yield {"CUDA_VISIBLE_DEVICES": device}
    finally:
        lock.release()


def _free(devices: Sequence[str], per_device: int) -> tuple[FileLock, str] | None:
    """A slot that nobody holds, held from now on, and its device's own number; None where all are taken."""
    folder = Path(tempfile.gettempdir()) / f"fecbench-devices-{_user()}"
    with writing(folder, "make it writable, or say by TMPDIR where temporary files can be"):
        folder.mkdir(exist_ok=True)
        for number, device in product(range(per_device), map(_own_number, devices)):
            lock = FileLock(folder / f"{device or 'cpu'}-{number}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return lock, device
    return None


def _user() -> str:
    """Who this is, by number: in a container nobody need know the name."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


def _own_number(device: str) -> str:
    """What CUDA calls a device: ``cuda:0`` is the first that this process may see, as torch counts them.

    Raises:
        FecbenchError: it sees fewer; a run would go to the CPU without a word.
    """
    if device == "cpu":
        return ""
    import torch

    place, visible, count = (
        int(device.removeprefix("cuda:")),
        os.environ.get("CUDA_VISIBLE_DEVICES"),
        torch.cuda.device_count(),
    )
    if place >= count:
        seen = "" if visible is None else f", CUDA_VISIBLE_DEVICES is {visible!r}"
        raise FecbenchError(
            f"--devices {device} isn't there: {count} GPUs can be seen{seen}; name devices from cuda:0 on, or cpu"
        )
    return str(place) if visible is None else [name.strip() for name in visible.split(",") if name.strip()][place]
