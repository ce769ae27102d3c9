"""Compare a step of `ce` with the machine's limit, and split its time by operation; see the README here."""

import os
import platform
import re
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
import torch
from material import SHAPE, encoder, excerpt
from operation_counter import OperationCounter
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer
from trainee import Trainee, finished

from fecbench import Batch
from fecbench.training import devices
from fecbench.training.devices import Precision

ADAMW_BYTES = 28  # read and written for each float32 parameter: weight, gradient, two moments; weight and moments again
MATRICES = (1024, 2048, 4096, 8192)
KINDS = {  # kinds of operations: the first pattern that matches an operation or, outermost first, one around it
    "optimiser": r"^Optimizer\.|adamw",
    "embedding": r"[Ee]mbedding",
    "attention": r"scaled_dot_product|_attention_|[Bb]mm|::_softmax|SoftmaxBackward|index_copy|IndexCopy|IndexBackward",
    "linear": r"aten::linear|aten::addmm|aten::mm\b|AddmmBackward|MmBackward|LinearBackward",
    "normalisation": r"layer_norm|LayerNorm",
    "activation": r"gelu|Gelu",
    "dropout": r"dropout|bernoulli|MulBackward|DropoutBackward",
    "gradient accumulation": r"AccumulateGrad|zero_grad",
}


def operations(lengths: list[int], layers: int, width: int) -> int:
    """Return F of one step: multiplications and additions of linear layers and attention, without padding.

    A forward pass takes ``24 L h^2`` for each token, and ``4 L h l^2`` for each text of l tokens. Backward takes twice
    that.
    """
    return 3 * (24 * layers * width**2 * sum(lengths) + 4 * layers * width * sum(length**2 for length in lengths))


def share_of_limit(operations: float, parameters: int, rate: float, bandwidth: float, seconds: float) -> float:
    """Return ``(F / rate + 28 P / bandwidth) / seconds``.

    It is 1 if a step takes only the time of its arithmetic and of AdamW's memory traffic.
    """
    return (operations / rate + ADAMW_BYTES * parameters / bandwidth) / seconds


def median_seconds(statement: str, **names: object) -> float:
    timer = Timer(statement, globals={"torch": torch, **names}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=0.5).median


def matrix_rate(device: torch.device, precision: Precision) -> float:
    """Return the operations per second of the fastest square matrix product in the precision used."""
    rates = []
    for size in MATRICES if device.type == "cuda" else MATRICES[:2]:
        a, b = (torch.randn(size, size, device=device) for _ in range(2))
        if precision.bf16:
            a, b = a.bfloat16(), b.bfloat16()
        rates.append(2 * size**3 / median_seconds("torch.mm(a, b, out=c)", a=a, b=b, c=torch.empty_like(a)))
    return max(rates)


def bandwidth(device: torch.device) -> float:
    """Return the bytes per second of ``c = a + b`` over 64 million numbers each: two are read and one is written."""
    a, b, c = (torch.ones(2**26, device=device) for _ in range(3))
    return 3 * 4 * 2**26 / median_seconds("torch.add(a, b, out=c)", a=a, b=b, c=c)


@dataclass(frozen=True)
class Measured:
    """Seconds of a step of ``ce``, and what it computes.

    Attributes:
        first: mean seconds in the first epoch, in which every width of a batch is new.
        seconds: mean seconds in the third epoch over the same batches.
        host: mean seconds until the host has launched all operations of a step; None on a CPU.
        operations: operations of a step, without views; None of a compiled encoder, whose kernels hold several.
        lengths: the number of tokens of each text of all batches.
    """

    first: float
    seconds: float
    host: float | None
    operations: int | None
    lengths: list[int]

    @property
    def launches(self) -> str:
        """Operations and host time in words, where they are known."""
        known = [f"{self.operations:,} operations a step"] if self.operations else []
        known += [] if self.host is None else [f"launched in {1000 * self.host:.1f} ms"]
        return "".join(f"; {part}" for part in known)

    @classmethod
    def of(cls, trainee: Trainee, batches: list[Batch]) -> "Measured":
        """Step over ``batches`` for three epochs, and then over some again to count."""
        first, _, seconds = (mean_seconds(trainee, batches) for _ in range(3))
        host = host_seconds(trainee, batches) if trainee.device.type == "cuda" else None
        count = None if trainee.plan.settings.compile else operations_of(trainee, batches[0])
        lengths = [int(length) for batch in batches for length in batch.tokens.lengths]
        return cls(first, seconds, host, count, lengths)


def mean_seconds(trainee: Trainee, batches: list[Batch]) -> float:
    """Return the mean seconds of a step over ``batches``."""
    started = finished(trainee.device)
    for batch in batches:
        trainee.stepper.step(batch.to(trainee.device), 1.0)
    return (finished(trainee.device) - started) / len(batches)


def operations_of(trainee: Trainee, batch: Batch) -> int:
    """Return the number of operations of a step on ``batch``."""
    with OperationCounter() as counter:
        trainee.stepper.step(batch.to(trainee.device), 1.0)
    return counter.count


def host_seconds(trainee: Trainee, batches: list[Batch]) -> float:
    """Return the mean seconds until a step returns, started on an idle GPU: the host doesn't wait for its end.

    If the GPU falls a thousand operations behind, the host waits for it, and the time is too great.
    """
    total = 0.0
    for batch in batches:
        started = finished(trainee.device)
        trainee.stepper.step(batch.to(trainee.device), 1.0)
        total += time.perf_counter() - started
    return total / len(batches)


def kind(event: FunctionEvent) -> str:
    """Return the kind of an operation, by its name and the names of the operations around it."""
    around = [event]
    while around[0].cpu_parent is not None:
        around.insert(0, around[0].cpu_parent)
    kinds = (name for each in around for name, pattern in KINDS.items() if re.search(pattern, each.name))
    return next(kinds, "other")


def profiled(trainee: Trainee, batches: list[Batch]) -> dict[str, float]:
    """Return the seconds of a step by kind of operation; on a GPU those of its kernels, without waits for the host."""
    cuda = trainee.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities, acc_events=True) as profiler:  # torch 2.11 warns without it
        mean_seconds(trainee, batches)
    totals: Counter[str] = Counter()
    for event in profiler.events():
        if event.device_type == DeviceType.CPU:
            totals[kind(event)] += event.self_device_time_total if cuda else event.self_cpu_time_total
    return {name: total / 1e6 / len(batches) for name, total in totals.most_common()}


def report(name: str, trainee: Trainee, rate: float, bytes_a_second: float) -> None:
    """Print how near an encoder's step comes to the limit, and the step's profile."""
    config, batches = trainee.stepper.model.encoder.network.config, list(trainee.first_batches())
    measured = Measured.of(trainee, batches)
    count, seconds = len(batches), measured.seconds
    work = operations(measured.lengths, config.num_hidden_layers, config.hidden_size) / count
    print(
        f"\n{name}, {'packed' if trainee.stepper.model.encoder.packs else 'padded'}: {seconds:.4f} s a step of "
        f"{sum(measured.lengths) / count:.0f} tokens, {trainee.parameters / 1e6:.1f} M parameters"
    )
    print(f"in the first epoch, of new widths: {measured.first:.4f} s a step{measured.launches}")
    floor = work / rate, ADAMW_BYTES * trainee.parameters / bytes_a_second
    share = share_of_limit(work, trainee.parameters, rate, bytes_a_second, seconds)
    print(f"F {work / 1e9:.1f} G: {floor[0]:.4f} s; 28 P: {floor[1]:.4f} s; {share:.0%} of the limit")
    parts = profiled(trainee, batches)
    whole = max(seconds, sum(parts.values()))  # profiling slows the host, so that the parts can sum to more
    parts["waiting for the host, between operations"] = whole - sum(parts.values())
    print("; ".join(f"{part} {time / whole:.1%}" for part, time in parts.items()))


@click.command(help=__doc__)
@click.option("--data-dir", type=click.Path(path_type=Path), help="folder of the data sets, one subfolder each")
@click.option("--dataset", default="ge-prepared", show_default=True)
@click.option("--encoder", "encoders", multiple=True, default=("minilm", SHAPE), show_default=True)
@click.option("--batch-size", default=64, show_default=True)
@click.option("--steps", type=int, help="batches  [default: 50 on a GPU, 3 on a CPU]")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", default="auto", show_default=True, help="auto (bf16 on a GPU that has it), float32, bf16")
@click.option("--compile", is_flag=True, help="torch.compile")
@click.option("--no-packing", is_flag=True, help="pad batches instead of packing them")
def main(
    data_dir: Path | None,
    dataset: str,
    encoders: tuple[str, ...],
    batch_size: int,
    steps: int | None,
    device: str,
    precision: str,
    compile: bool,  # noqa: A002
    no_packing: bool,
) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    if where.index is not None:
        torch.cuda.set_device(where)  # torch's synchronisation and memory counters use the current GPU
    used = devices.precision(precision, where)
    rate, bytes_a_second = matrix_rate(where, used), bandwidth(where)
    print(f"{date.today()}, {platform.machine()}, {where}, {torch.get_num_threads()} threads, batch {batch_size}")
    print(
        f"{'bf16' if used.bf16 else 'float32'} matrix products {rate / 1e9:.0f} G/s, memory "
        f"{bytes_a_second / 1e9:.1f} GB/s"
    )
    count = steps or (50 if where.type == "cuda" else 3)
    with tempfile.TemporaryDirectory() as temporary:
        rows = excerpt(dataset, data_dir, count * batch_size, Path(temporary) / dataset)
        settings = {
            "dataset": str(rows),
            "limit": count * batch_size,
            "batch_size": batch_size,
            "precision": precision,
            "compile": compile,
            "packing": not no_packing,
            "device": str(where),
            "lr": 1e-5,
        }
        for name in encoders:
            network = encoder(name, Path(temporary) / "shape")
            report(name, Trainee.of("ce", {**settings, "encoder": network}), rate, bytes_a_second)


if __name__ == "__main__":
    main()
