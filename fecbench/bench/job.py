"""One run as a process of its own, which one worker of however many carries out.

A lock beside the run's log says that a worker is at it: from before the process starts, which takes seconds, to after its end.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from fecbench.bench.device_slots import slot
from fecbench.core.files import contained, regular, writing
from fecbench.core.module_path import SAFE_PATH
from fecbench.runs.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator


REMEDY = "free space or choose another --root; the same command goes on"


@dataclass(frozen=True)
class Job:
    """A run to start: ``arguments`` of fecbench, its directory and the file that takes what it prints.

    Attributes:
        devices: where it may run; empty leaves that to the run.
        per_device: runs at once on each device.
        threads: torch's; None leaves them to torch.
    """

    arguments: tuple[str, ...]
    folder: str
    log: str
    devices: tuple[str, ...] = ()
    per_device: int = 1
    threads: int | None = None

    @property
    def status(self) -> str:
        """What its directory says of it now."""
        return Record(Path(self.folder)).status

    @property
    def is_taken(self) -> bool:
        """Whether a process is at it: a worker of any bench, what a killed bench left behind, or a run that was started by hand."""
        with claimed(self) as mine:
            return not mine or self.status == "running"

    @property
    def is_unfinished(self) -> bool:
        """Whether nobody saw it to its end, be that good or bad."""
        return self.status not in ("complete", "failed")


@contextmanager
def claimed(job: Job) -> Iterator[bool]:
    """Hold a job while the block lasts; whether that can be had, or another worker holds it.

    Raises:
        RunError: there can be no lock beside its log.
    """
    lock = FileLock(Path(job.log).with_suffix(".lock"))
    with writing(Path(lock.lock_file), REMEDY), suppress(Timeout):
        lock.acquire(blocking=False)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def carry_out(job: Job) -> bool:
    """Run a job on this worker, unless it is done or another process is at it; whether it came to an end, which its directory tells."""
    with claimed(job) as mine:
        if mine and job.status not in ("complete", "running"):
            _run(job)
        return mine and job.status != "running"


def _run(job: Job) -> None:
    path = Path(job.log)
    with writing(path, REMEDY):
        log = regular(contained(path, path.parent)).open("ab")
    with slot(job.devices, job.per_device) as device, log:
        environment = {
            **os.environ,
            **device,
            SAFE_PATH: "1",
            **({"OMP_NUM_THREADS": str(job.threads)} if job.threads else {}),
        }
        command = [sys.executable, "-m", "fecbench", *job.arguments, "--stop-with-stdin"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment
        ) as process:
            process.wait()  # an interruption, or this worker's end, closes the pipe, and with it the run stops cleanly
