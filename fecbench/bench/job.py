"""Execute one run in a process of its own, on exactly one worker.

The worker holds a lock beside the run's log, from before the process starts until after its end. The lock that a run
holds itself isn't enough: a process takes seconds to start.
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


REMEDY = "free space or choose another --root, then repeat the command to continue"


@dataclass(frozen=True)
class Job:
    """A run to start.

    Attributes:
        arguments: the arguments of the ``fecbench`` command.
        folder: the run directory.
        log: the file that receives the output.
        devices: the devices it may run on; empty leaves the choice to the run.
        per_device: the number of concurrent runs on each device.
        threads: the number of torch threads; None leaves it to torch.
    """

    arguments: tuple[str, ...]
    folder: str
    log: str
    devices: tuple[str, ...] = ()
    per_device: int = 1
    threads: int | None = None

    @property
    def status(self) -> str:
        """The current status of its record."""
        return Record(Path(self.folder)).status

    @property
    def is_taken(self) -> bool:
        """True if another process holds or runs this job.

        That can be a worker of any bench, a process that a killed bench left behind, or a run that a user started.
        """
        with claimed(self) as mine:
            return not mine or self.status == "running"

    @property
    def is_unfinished(self) -> bool:
        """True if the run neither completed nor failed."""
        return self.status not in ("complete", "failed")


@contextmanager
def claimed(job: Job) -> Iterator[bool]:
    """Try to lock a job during the block; yield False if another worker holds it.

    Raises:
        RunError: the lock file beside the log can't be written.
    """
    lock = FileLock(Path(job.log).with_suffix(".lock"))
    with writing(Path(lock.lock_file), REMEDY), suppress(Timeout):
        lock.acquire(blocking=False)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def carry_out(job: Job) -> bool:
    """Run a job on this worker unless it is complete or another process runs it; return True if it has ended.

    The record tells how it ended.
    """
    with claimed(job) as mine:
        # The status counts only under the lock: another worker may have ended the run just before.
        if mine and job.status not in ("complete", "running"):
            _run(job)
        return mine and job.status != "running"


def _run(job: Job) -> None:
    path = Path(job.log)
    with writing(path, REMEDY):
        # A root that somebody sent could hold a link in the log's place, or a pipe that nobody reads. Appended to, so
        # that a continued run keeps the output of earlier attempts.
        log = regular(contained(path, path.parent)).open("ab")
    with slot(job.devices, job.per_device) as device, log:
        environment = {
            **os.environ,
            **device,
            SAFE_PATH: "1",  # `python -m` would import modules and plugins from the working directory (docs/safety.md)
            **({"OMP_NUM_THREADS": str(job.threads)} if job.threads else {}),  # torch reads it when it is imported
        }
        command = [sys.executable, "-m", "fecbench", *job.arguments, "--stop-with-stdin"]
        # Nothing is written to the pipe. It closes on an interruption or when this worker ends, even by SIGKILL, and
        # then the run stops cleanly.
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment
        ) as process:
            process.wait()
