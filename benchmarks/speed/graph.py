"""Compare training steps over a static packed buffer, as CUDA graphs need them, with usual steps; see the README here.

Without a GPU it compares losses and gradients alone: capture and replay are then unproved.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import torch
from fixed_shape import BatchShape
from material import SHAPE, encoder
from reads import Reads
from recorded_steps import Recorder, Steps, comparable, restore, state
from replay import Replay, capturable
from static_buffer import StaticBuffer
from trainee import Trainee, finished

from fecbench.core.registry import objectives
from fecbench.objective.check import get_objective
from fecbench.training.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fecbench import Batch

# Adam divides by the size of gradients, so that rounding decides where they are near 0: not with a large epsilon.
SMOOTH = {"adam_eps": 1.0, "lr": 1e-3}
COMPARED = 3  # steps whose losses and gradients are compared
ROUNDS = 3  # of timed epochs, of which the first warms up
# Greatest relative differences that rounding explains. Static steps differ from usual ones in the width to which texts
# are padded, so that attention adds in another order; they are compared in float32. Replays differ in nothing.
STATIC_AGREE, REPLAYS_AGREE = 1e-4, 1e-2


@dataclass(frozen=True)
class Method:
    """A method whose steps are compared, on the same rows and from the same weights whenever it is built.

    Attributes:
        name: the objective.
        settings: the settings of a run, without the number of rows.
        data_dir: folder of the data sets.
        steps: number of batches.
    """

    name: str
    settings: Mapping[str, Any]
    data_dir: Path | None
    steps: int

    def trainee(self, kind: type[Stepper] = Stepper, **more: Any) -> Trainee:
        """Build the method, with ``more`` settings."""
        return Trainee.of(self.name, {**self.settings, **SMOOTH, **more}, self.data_dir, self.steps, kind)

    def say(self, text: str) -> None:
        print(f"graph: {self.name}: {text}", flush=True)


@dataclass(frozen=True)
class Comparison:
    """A method's batches, as they are and in the fixed shape, and the usual steps on the first of them.

    Attributes:
        method: the method.
        batches: the batches of an epoch, on the host.
        shape: the shape that holds them all.
        filled: the same batches in that shape.
        buffer: the memory of a batch.
        usual: the usual steps on the first batches, in float32 and without dropout.
    """

    method: Method
    batches: list[Batch]
    shape: BatchShape
    filled: list[Batch]
    buffer: StaticBuffer
    usual: Steps

    @classmethod
    def of(cls, method: Method) -> Comparison:
        """Make the usual steps, and static memory for what they read."""
        trainee, reads = comparable(method.trainee(Recorder, precision="float32")), Reads()
        batches, device = list(trainee.first_batches()), trainee.device
        usual = Steps.of(trainee, (reads.of(batch).to(device) for batch in batches[:COMPARED]))
        shape, pad_id = BatchShape.of(batches, reads), trainee.built.source.tokenizer.pad_token_id or 0
        filled = [shape.fill(batch, pad_id) for batch in batches]
        return cls(method, batches, shape, filled, StaticBuffer(filled[0], reads.rates, device), usual)

    def static_steps_agree(self) -> bool:
        """Print by how much static and usual steps differ; return True if rounding explains it."""
        static = comparable(capturable(self.method.trainee(Recorder, precision="float32")))
        found = Steps.of(static, map(self.buffer.put, self.filled[:COMPARED]))
        losses, gradients = found.apart(self.usual)
        agree = max(losses, gradients) <= STATIC_AGREE
        size = f"{len(self.batches[0])} texts, {self.shape.tokens.tokens} tokens, {self.shape.tokens.columns} columns"
        apart = f"losses differ by {losses:.1e} at most, gradients by {gradients:.1e}"
        self.method.say(f"{size}; {len(found.losses)} updates: {apart}{'' if agree else ': TOO MUCH'}")
        return agree

    def replays_agree(self) -> bool:
        """Capture a step without dropout, and print by how much its replays differ from static steps."""
        compared = self.filled[:COMPARED]
        static = comparable(capturable(self.method.trainee()))
        start = state(static)
        expected = Steps.of(static, map(self.buffer.put, compared), noise=nullcontext)
        replay = Replay(static, self.buffer, compared)
        restore(static, start)  # the weights have moved before the capture
        apart, _ = Steps.of(static, compared, replay.step, nullcontext).apart(expected)
        agree = apart <= REPLAYS_AGREE
        self.method.say(f"replays: losses differ by {apart:.1e} from static steps{'' if agree else ': TOO MUCH'}")
        return agree

    def time(self) -> None:
        """Print the milliseconds a step of usual, static and replayed steps, with dropout."""
        usual, static = self.method.trainee(), capturable(self.method.trainee())
        replay = Replay(static, self.buffer, self.filled[:COMPARED])
        kinds: dict[str, Callable[[int], object]] = {
            "usual": lambda number: usual.stepper.step(self.batches[number].to(usual.device), 1.0),
            "static": lambda number: static.stepper.step(self.buffer.put(self.filled[number]), 1.0),
            "replayed": lambda number: replay.step(self.filled[number]),
        }
        rounds = [{name: self._ms(step, usual.device) for name, step in kinds.items()} for _ in range(ROUNDS)]
        times = {name: min(each[name] for each in rounds[1:]) for name in kinds}
        self.method.say(", ".join(f"{name} {time:.3f} ms a step" for name, time in times.items()))

    def _ms(self, step: Callable[[int], object], device: torch.device) -> float:
        started = finished(device)
        for number in range(len(self.batches)):
            step(number)
        return 1000 * (finished(device) - started) / len(self.batches)


def agrees(method: Method) -> bool:
    """Report on a method; return False if its steps differ or fail."""
    if waits := get_objective(method.name).host_waits:
        method.say(f"can't be captured: in each step the host waits for the device ({'; '.join(waits)})")
        return True
    try:
        comparison = Comparison.of(method)
        agree = comparison.static_steps_agree()
        if comparison.buffer.device.type == "cuda":
            agree &= comparison.replays_agree()
            comparison.time()
    except Exception as error:  # the next method is measured all the same
        method.say(f"failed: {type(error).__name__}: {str(error)[:300]}")
        return False
    return agree


@click.command(help=__doc__)
@click.argument("methods", nargs=-1)
@click.option("--data-dir", type=click.Path(path_type=Path), help="folder of the data sets, one subfolder each")
@click.option("--dataset", default="ge-prepared", show_default=True)
@click.option("--encoder", "network", default=SHAPE, show_default=True)
@click.option("--batch-size", type=int, help="texts in a batch  [default: the method's own]")
@click.option("--steps", type=int, help="batches  [default: 50 on a GPU, 3 on a CPU]")
@click.option("--device", default="auto", show_default=True)
@click.option("--precision", default="auto", show_default=True, help="auto (bf16 on a GPU that has it), float32, bf16")
def main(
    methods: tuple[str, ...],
    data_dir: Path | None,
    dataset: str,
    network: str,
    batch_size: int | None,
    steps: int | None,
    device: str,
    precision: str,
) -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    cuda = torch.cuda.is_available() if device == "auto" else device.startswith("cuda")
    count, all_agree = steps or (50 if cuda else COMPARED), True
    print(f"{date.today()}, {platform.machine()}, {'CUDA' if cuda else 'CPU'}, {torch.get_num_threads()} threads")
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"dataset": dataset, "encoder": encoder(network, Path(folder) / "shape")}
        settings |= {"device": device, "precision": precision} | ({"batch_size": batch_size} if batch_size else {})
        for name in methods or [name for name in objectives if get_objective(name).trains]:
            all_agree &= agrees(Method(name, settings, data_dir, count))
    if not cuda:
        print("graph: there is no GPU here: capture, replay and their times are unproved")
    sys.exit(0 if all_agree else 1)


if __name__ == "__main__":
    main()
