"""Execute many runs by joblib, on this machine's processes, on a Dask cluster or on Ray.

On every engine each run is a process of its own (``fecbench run ...``): its memory is freed at its end, a crash ends
no other run, and its output goes to a log. Progress is read from the run directories, which must be on a file system
that all workers share.
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
PATIENCE = 60.0  # seconds to wait for a Dask scheduler


@dataclass(frozen=True)
class Workers:
    """The workers that execute runs.

    Attributes:
        engine: ``loky`` (processes of this machine), ``dask`` or ``ray``.
        number: the number of concurrent runs; None for as many as the cluster has workers.
        address: the cluster's address; None starts a cluster on this machine.
        devices: the devices to place runs on, such as ``cuda:0``; empty leaves the choice to each run.
        per_device: the number of concurrent runs on each device.
        threads: the number of torch threads of each run; None leaves it to torch.
    """

    engine: Engine = "loky"
    number: int | None = 1
    address: str | None = None
    devices: tuple[str, ...] = ()
    per_device: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        """Check the names of the devices.

        Raises:
            UsageError: a device is neither ``cpu`` nor a numbered GPU.
        """
        for device in self.devices:
            if device != "cpu" and not (device.startswith("cuda:") and device[5:].isdecimal()):
                raise UsageError(
                    f"--devices must be cpu or numbered GPUs, found {device!r}; write for example cuda:0,cuda:1"
                )


def execute(jobs: Sequence[Job], workers: Workers) -> None:
    """Execute all jobs. A failing job doesn't stop the others; its record and log hold the reason.

    Processes that execute the same jobs share them. A job that another process holds is left to it and waited for at
    the end; it is started here only if the other process gives it up.

    Raises:
        FecbenchError: the engine isn't installed, can't be reached, or loses a worker.
    """
    from joblib import parallel_config

    with children_without_working_directory(), _backend(workers) as backend, parallel_config(**backend):
        left = _hand_out(jobs, workers)
        while left:
            time.sleep(0.5)  # no event tells that another process has ended; run directories are all there is (ADR 13)
            held = [job for job in left if job.is_taken]
            given_up = [job for job in left if job not in held and job.is_unfinished]
            left = held + _hand_out(given_up, workers)


def _hand_out(jobs: Sequence[Job], workers: Workers) -> list[Job]:
    """Execute jobs on the workers; return those that other processes hold."""
    from joblib import Parallel, delayed

    if not jobs:
        return []
    # batch_size=1: by default joblib puts short calls together, and a call for a run that another bench holds is short.
    # pre_dispatch limits the concurrent runs on every engine; a cluster may have more workers than that.
    try:
        done = Parallel(batch_size=1, pre_dispatch=workers.number or "all")(delayed(carry_out)(job) for job in jobs)
    except FecbenchError:
        raise
    except Exception as error:  # each engine has exceptions of its own for a lost worker
        raise FecbenchError(
            f"a worker of {workers.engine} was lost ({type(error).__name__}); repeat the command to continue"
        ) from error
    return [job for job, is_done in zip(jobs, done, strict=True) if not is_done]


@contextmanager
def _backend(workers: Workers) -> Iterator[dict[str, object]]:
    """Start or reach the engine; yield joblib's settings for it."""
    if workers.engine == "loky":
        yield {"backend": "loky", "n_jobs": workers.number or 1}
    elif workers.engine == "dask":
        with _dask(workers) as client:
            yield {"backend": "dask", "client": client}  # joblib takes the number of workers from the client
    else:
        with _ray(workers) as cores:
            yield {"backend": "ray", "n_jobs": workers.number or cores}


@contextmanager
def _dask(workers: Workers) -> Iterator[object]:
    """Connect to the Dask cluster at the address, or start one here with one thread per worker; yield its client."""
    try:
        from distributed import Client
    except ImportError as error:
        raise FecbenchError(
            f"--engine dask needs the package distributed ({error}); run pip install 'fecbench[dask]'"
        ) from None
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
    """Connect to Ray at the address, or start it here; yield the number of its CPUs."""
    try:
        import ray
        from ray.job_config import JobConfig
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise FecbenchError(f"--engine ray needs the package ray ({error}); run pip install 'fecbench[ray]'") from None
    register_ray()
    here = workers.address is None
    try:
        ray.init(
            workers.address,
            num_cpus=(workers.number or 1) if here else None,  # Ray refuses it for a cluster that runs already
            include_dashboard=False if here else None,
            log_to_driver=False,
            # otherwise Ray puts the working directory first on its workers' module path
            job_config=JobConfig(_client_job=True),
        )
    except Exception as error:  # Ray raises a bare Exception for some failures
        raise _out_of_reach(workers, error, "ray start --head") from None
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    finally:
        ray.shutdown()


def _out_of_reach(workers: Workers, error: Exception, command: str) -> FecbenchError:
    if workers.address:
        return FecbenchError(
            f"--engine {workers.engine} needs a cluster at {workers.address}, but: {error}; "
            f"start one with `{command}` or correct --address"
        )
    return FecbenchError(
        f"--engine {workers.engine} can't start workers on this machine: {error}; leave out --engine to use processes"
    )
