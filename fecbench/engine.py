"""Many runs by an existing engine: joblib hands jobs to this machine's processes, to a Dask cluster or to Ray.

Each run is a process of its own (``fecbench run ...``), the same on every engine: memory is returned, one run's end is no other's, and what
it prints goes to a log. How far runs are is read from their directories. Run directories must be on a file system that all workers share.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock, Timeout

from fecbench.atomic import writing
from fecbench.errors import FecbenchError, UsageError
from fecbench.runs import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Engine = Literal["loky", "dask", "ray"]
PATIENCE = 60.0


@dataclass(frozen=True)
class Workers:
    """Who carries out runs.

    Attributes:
        engine: ``loky`` is this machine's processes.
        number: runs at once; None for as many as the cluster has workers.
        address: the cluster's address; None starts one on this machine.
        devices: GPUs to place runs on, such as ``cuda:0``; empty leaves the choice to each run.
        per_device: runs at once on each device.
        threads: torch's threads in each run; None leaves them to torch.
    """

    engine: Engine = "loky"
    number: int | None = 1
    address: str | None = None
    devices: tuple[str, ...] = ()
    per_device: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse what isn't a device.

        Raises:
            UsageError: a device is neither ``cpu`` nor a numbered GPU.
        """
        for device in self.devices:
            if device != "cpu" and not (device.startswith("cuda:") and device[5:].isdecimal()):
                raise UsageError(f"--devices must be cpu, or GPUs by number (cuda:0,cuda:1), found {device!r}")


@dataclass(frozen=True)
class Job:
    """A run to start: ``arguments`` of fecbench, its directory and the file that takes what it prints."""

    arguments: tuple[str, ...]
    folder: str
    log: str
    devices: tuple[str, ...] = ()
    per_device: int = 1
    threads: int | None = None


def execute(jobs: Sequence[Job], workers: Workers) -> None:
    """Carry out all jobs; one that fails stops no other, and its directory and log tell why.

    What another process works on is left to it and looked at again later, so that several that are given the same jobs share them.

    Raises:
        FecbenchError: the engine isn't installed or can't be reached.
    """
    from joblib import parallel_config

    with _backend(workers) as backend, parallel_config(**backend):
        while jobs:
            settled = _hand_out(jobs, workers)
            jobs = [job for job, is_settled in zip(jobs, settled, strict=True) if not is_settled]
            time.sleep(0.5 if jobs else 0)


def _hand_out(jobs: Sequence[Job], workers: Workers) -> list[bool]:
    from joblib import Parallel, delayed

    try:  # as many are handed out as may run at once: that holds on every engine, whatever it takes for a worker
        return list(Parallel(batch_size=1, pre_dispatch=workers.number or "all")(delayed(carry_out)(job) for job in jobs))
    except FecbenchError:
        raise
    except Exception as error:  # each engine has exceptions of its own for a worker that is gone
        raise FecbenchError(f"a worker of {workers.engine} was lost ({type(error).__name__}); the same command goes on") from error


@contextmanager
def _backend(workers: Workers) -> Iterator[dict[str, object]]:
    """What joblib must be told of an engine."""
    if workers.engine == "loky":
        yield {"backend": "loky", "n_jobs": workers.number or 1}
    elif workers.engine == "dask":
        with _dask(workers) as client:
            yield {"backend": "dask", "client": client}
    else:
        with _ray(workers) as cores:
            yield {"backend": "ray", "n_jobs": workers.number or cores}


@contextmanager
def _dask(workers: Workers) -> Iterator[object]:
    """A client of the cluster at the address, or of one of this machine with one thread a worker, since each run is a process."""
    try:
        from distributed import Client
    except ImportError as error:
        raise FecbenchError(f"--engine dask needs Dask's distributed ({error}); pip install 'fecbench[dask]'") from None
    try:
        client = (
            Client(workers.address, timeout=PATIENCE)
            if workers.address
            else Client(n_workers=workers.number or 1, threads_per_worker=1, dashboard_address=None)
        )
    except (OSError, ValueError) as error:
        raise FecbenchError(f"--engine dask needs a scheduler at {workers.address}: {error}; start one with `dask scheduler`") from None
    with client:
        yield client


@contextmanager
def _ray(workers: Workers) -> Iterator[int]:
    """Ray at the address, or started on this machine; yields how many runs it can carry at once."""
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise FecbenchError(f"--engine ray needs Ray ({error}); pip install 'fecbench[ray]'") from None
    register_ray()
    here = workers.address is None
    try:
        ray.init(
            workers.address,
            num_cpus=(workers.number or 1) if here else None,
            include_dashboard=False if here else None,
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise FecbenchError(f"--engine ray needs a cluster at {workers.address}: {error}; start one with `ray start --head`") from None
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


def carry_out(job: Job) -> bool:
    """Run a job on this worker to its end, unless another process is at it; whether it is settled: what it comes to is in its directory."""
    record = Record(Path(job.folder))
    if record.status not in ("complete", "running"):
        _start(job)
    return record.status != "running"  # by another bench, which may have been faster, or by what a killed one left behind


def _start(job: Job) -> None:
    with writing(Path(job.log), "free space or choose another --root; the same command goes on"):
        log = Path(job.log).open("ab")  # noqa: SIM115  closed below
    with _device(job) as device, log:
        environment = {**os.environ, **device, **({"OMP_NUM_THREADS": str(job.threads)} if job.threads else {})}
        command = [sys.executable, "-m", "fecbench", *job.arguments, "--stop-with-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, env=environment) as process:
            process.wait()  # an interruption, or this worker's end, closes the pipe, and with it the run stops cleanly


@contextmanager
def _device(job: Job) -> Iterator[dict[str, str]]:
    """The first free slot of the job's devices, as environment; locks are this machine's, so that all engines and benches share them."""
    if not job.devices:
        yield {}
        return
    while (taken := _free_slot(job)) is None:
        time.sleep(0.2)
    lock, device = taken
    try:
        yield {"CUDA_VISIBLE_DEVICES": device}
    finally:
        lock.release()


def _free_slot(job: Job) -> tuple[FileLock, str] | None:
    """A slot that nobody holds, held from now on, and its device's own number; None where all are taken."""
    folder = Path(tempfile.gettempdir()) / f"fecbench-devices-{getpass.getuser()}"
    folder.mkdir(exist_ok=True)
    for number, device in product(range(job.per_device), map(_own_number, job.devices)):
        lock = FileLock(folder / f"{device or 'cpu'}-{number}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        return lock, device
    return None


def _own_number(device: str) -> str:
    """What CUDA calls a device: ``cuda:0`` is the first that this process may see, as torch counts them.

    Raises:
        FecbenchError: it may see fewer.
    """
    if device == "cpu":
        return ""
    place, visible = int(device.removeprefix("cuda:")), os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(place)
    names = [name.strip() for name in visible.split(",") if name.strip()]
    if place >= len(names):
        raise FecbenchError(f"--devices {device} isn't there: CUDA_VISIBLE_DEVICES is {visible!r}; name devices from cuda:0 on")
    return names[place]
