"""Many runs by an existing engine: joblib hands jobs to this machine's processes, to a Dask cluster or to Ray.

Each run is a process of its own (``fecbench run ...``), the same on every engine: memory is returned, one run's end is no other's, and what
it prints goes to a log. How far runs are is read from their directories. Run directories must be on a file system that all workers share.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fecbench.bench.job import carry_out
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.module_path import children_without_working_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.bench.job import Job


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


def execute(jobs: Sequence[Job], workers: Workers) -> None:
    """Carry out all jobs; one that fails stops no other, and its directory and log tell why.

    Several processes that are given the same jobs share them: what another is at is left to it, waited for at the end, and taken over only
    if that one gives it up.

    Raises:
        FecbenchError: the engine isn't installed or can't be reached.
    """
    from joblib import parallel_config

    with children_without_working_directory(), _backend(workers) as backend, parallel_config(**backend):
        left = _hand_out(jobs, workers)
        while left:
            time.sleep(0.5)
            taken = [job for job in left if job.is_taken]
            given_up = [job for job in left if job not in taken and job.is_unfinished]
            left = taken + _hand_out(given_up, workers)


def _hand_out(jobs: Sequence[Job], workers: Workers) -> list[Job]:
    """Have jobs carried out; the ones that other processes were at are given back."""
    from joblib import Parallel, delayed

    if not jobs:
        return []
    try:  # as many are handed out as may run at once: that holds on every engine, whatever it takes for a worker
        done = Parallel(batch_size=1, pre_dispatch=workers.number or "all")(delayed(carry_out)(job) for job in jobs)
    except FecbenchError:
        raise
    except Exception as error:  # each engine has exceptions of its own for a worker that is gone
        raise FecbenchError(
            f"a worker of {workers.engine} was lost ({type(error).__name__}); the same command goes on"
        ) from error
    return [job for job, is_done in zip(jobs, done, strict=True) if not is_done]


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
        raise _out_of_reach(workers, error, "dask scheduler") from None
    with client:
        yield client


@contextmanager
def _ray(workers: Workers) -> Iterator[int]:
    """Ray at the address, or started on this machine; yields how many runs it can carry at once."""
    try:
        import ray
        from ray.job_config import JobConfig
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
            job_config=JobConfig(
                _client_job=True
            ),  # else Ray puts the working directory first on its workers' module path
        )
    except Exception as error:  # Ray's start can end in a bare one
        raise _out_of_reach(workers, error, "ray start --head") from None
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


def _out_of_reach(workers: Workers, error: Exception, command: str) -> FecbenchError:
    if workers.address:
        return FecbenchError(
            f"--engine {workers.engine} needs a cluster at {workers.address}: {error}; start one with `{command}`"
        )
    return FecbenchError(
        f"--engine {workers.engine} can't start workers here: {error}; without --engine this machine's processes do it"
    )
