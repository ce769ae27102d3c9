"""Measure how time and peak memory of mining, discriminator and a whole AML iteration grow; see the README here."""

import json
import math
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import linear_regression

import click
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.benchmark import Timer

from fecbench import Batch, Task, Tokens
from fecbench.data.datasets.builtin.demo import demo
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.encoders.load import get_encoder
from fecbench.runs.build import build_pair
from fecbench.runs.plan import plan
from fecbench.training import devices
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench_aml import AML, AMLConfig, HardPairs, mine_hard_pairs

RANGES = {
    "batch": (16, 32, 64, 128, 256, 512),
    "k": (1, 2, 4, 8, 16, 32, 64),
    "labels": (8, 16, 32, 64, 128, 256),
    "length": (16, 32, 64, 128, 256),
}
PARTS = ("mining", "discriminator", "iteration")


@dataclass(frozen=True)
class Workload:
    """The sizes of a measured batch, and the variant of AML that is measured on it.

    Attributes:
        batch: texts in the batch.
        k: hard positives, and hard negatives, per anchor.
        labels: number of labels.
        length: tokens of each text.
        strategy: AML's mining strategy.
        family: AML's family of discriminators.
        encoder: the encoder of the whole iteration.
        width: width of the features for mining and discriminator.
    """

    batch: int = 64
    k: int = 20
    labels: int = 28
    length: int = 24
    strategy: str = "topk"
    family: str = "metric"
    encoder: str = "minilm"
    width: int = 128

    def calls(self, device: torch.device) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield mining, the discriminator's part of both updates, and a whole iteration, each with its name.

        They are built one at a time, so that the memory of one isn't counted for another.
        """
        torch.manual_seed(0)
        z = torch.randn(self.batch, self.width, device=device, requires_grad=True)
        labels = torch.randint(self.labels, (self.batch,), device=device)

        def mine() -> HardPairs:
            noise = torch.Generator(device).manual_seed(0)
            return mine_hard_pairs(z, labels, k_pos=self.k, k_neg=self.k, strategy=self.strategy, generator=noise)

        yield "mining", mine
        config = AMLConfig(k_pos=self.k, k_neg=self.k, family=self.family)
        objective, pairs = AML(config, Task("", (), (), self.width, self.width, 0)).to(device), mine()
        yield "discriminator", lambda: discriminate(objective, z, pairs)
        stepper, batch = self.stepper(device), self.texts(labels).to(device)
        yield "iteration", lambda: stepper.step(batch, 1.0)

    def stepper(self, device: torch.device) -> Stepper:
        """Return a stepper of AML on a new model."""
        flags = {"dataset": "demo", "encoder": self.encoder, "k_pos": self.k, "k_neg": self.k}
        chosen = plan(
            "aml", {**flags, "strategy": self.strategy, "family": self.family, "lr": 1e-5, "pooling": "first"}
        )
        source = get_encoder(self.encoder)(demo.load(DataLocations()).splits["train"]["text"][:])
        labels = [f"label {number}" for number in range(self.labels)]
        model, objective = (
            part.to(device).train() for part in build_pair(chosen, source, labels, labels, "random texts")
        )
        players = assign_parameters(objective, model, chosen.settings, chosen.who)
        return Stepper(objective, model, players, devices.precision("auto", device), chosen.who)

    def texts(self, labels: Tensor) -> Batch:
        """Return a batch of random texts of one length with these labels."""
        ids = torch.randint(5, 105, (self.batch, self.length)).tolist()
        return Batch(Tokens.pack(ids), labels.cpu(), torch.arange(self.batch))


def discriminate(objective: AML, z: Tensor, pairs: HardPairs) -> None:
    """Compute the discriminator's part of both updates.

    These are its own loss with the gradient of its parameters, and the pair loss with the gradient of the features.
    """
    objective.discriminator_update(z.detach(), pairs).loss.backward(inputs=list(objective.discriminator.parameters()))
    objective.pair_loss(objective.judge(z, pairs), pairs).backward(inputs=[z])


def seconds(call: Callable[[], object]) -> float:
    """Return the median seconds of a few calls; a call that takes more than a second is timed once."""
    timer = Timer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    first = timer.timeit(1).median
    return first if first > 1 else timer.blocked_autorange(min_run_time=0.3).median


def peak_bytes(call: Callable[[], object], device: torch.device) -> int:
    """Return the peak memory of a call above the memory before it, in bytes, as requested from torch's allocator."""
    call()  # makes what is kept for later calls, such as gradients and the optimiser's moments
    if device.type == "cuda":
        torch.cuda.synchronize()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        call()
        return torch.cuda.max_memory_allocated() - before
    # acc_events: without it, torch 2.11 warns that a second cycle, which there is not, would drop the first
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as profiled:
        call()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiled.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    changes = sorted(
        (event["ts"], number, event["args"]["Bytes"])
        for number, event in enumerate(events)
        if event["name"] == "[memory]"
    )
    held = peak = 0
    for _, _, change in changes:
        held += change
        peak = max(peak, held)
    return peak


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the b of the best fit ``a * size^b``.

    >>> round(exponent([16, 32, 64], [5.0, 20.0, 80.0]), 6)
    2.0
    """
    x, y = ([math.log(max(number, 1e-12)) for number in numbers] for numbers in (sizes, values))
    return linear_regression(x, y).slope


def measured(workload: Workload, device: torch.device) -> dict[str, tuple[float, float]]:
    """Return the seconds and the peak bytes of each part."""
    return {name: (seconds(call), peak_bytes(call, device)) for name, call in workload.calls(device)}


def table(name: str, sizes: list[int], found: list[dict[str, tuple[float, float]]]) -> None:
    """Print the table of a range: a row for each size, the exponents over the whole range and over its last step."""
    print(f"\n{name}" + "".join(f"{f'{part} ms':>20}{'MiB':>10}" for part in PARTS))
    for size, parts in zip(sizes, found, strict=True):
        print(
            f"{size:<{len(name)}}"
            + "".join(f"{1e3 * parts[part][0]:20.2f}{parts[part][1] / 2**20:10.2f}" for part in PARTS)
        )
    for title, first in (("exponent", 0), ("exponent of the last step", -2)):
        cells = []
        for part in PARTS:
            time, memory = zip(*(parts[part] for parts in found[first:]), strict=True)
            cells.append(f"{exponent(sizes[first:], time):20.2f}{exponent(sizes[first:], memory):10.2f}")
        print("".join(cells).rjust(len(name) + 90) + f"  {title}")


@click.command(help=__doc__)
@click.option(
    "--range", "names", multiple=True, type=click.Choice(list(RANGES)), default=tuple(RANGES), help="[default: all]"
)
@click.option("--sizes", help="other sizes for every range, such as 4,8")
@click.option("--strategy", default="topk", show_default=True)
@click.option("--family", default="metric", show_default=True)
@click.option("--encoder", default="minilm", show_default=True)
@click.option("--device", default="auto", show_default=True)
def main(names: tuple[str, ...], sizes: str | None, strategy: str, family: str, encoder: str, device: str) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    if where.index is not None:
        torch.cuda.set_device(where)  # torch's synchronisation and memory counters use the current GPU
    base = Workload(strategy=strategy, family=family, encoder=encoder)
    print(f"{date.today()}, {platform.machine()}, {where}, {torch.get_num_threads()} threads, {base}")
    for name in names:
        values = [int(size) for size in sizes.split(",")] if sizes else list(RANGES[name])
        table(name, values, [measured(replace(base, **{name: value}), where) for value in values])


if __name__ == "__main__":
    main()
