"""Batches in the same memory on the device: a new batch of equal shape overwrites the one before.

Each batch, and each stream's batch of a step, has one block of memory, so that one copy from the host fills it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from fecbench import Batch
from fecbench.data.batch import stream_seed


def capturing() -> bool:
    """Return True while a CUDA graph is being captured."""
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


def with_tensors(part: Any, of: Callable[[Tensor], Tensor]) -> Any:
    """Return a dataclass or dict with each of its tensors replaced, also those deeper within, always in one order."""
    if isinstance(part, Tensor):
        return of(part)
    if isinstance(part, Mapping):
        return {key: with_tensors(value, of) for key, value in part.items()}
    if is_dataclass(part) and not isinstance(part, type):
        values = {each.name: getattr(part, each.name) for each in fields(part)}
        return replace(part, **{name: with_tensors(value, of) for name, value in values.items()})
    return part


def tensors_of(batch: Batch) -> list[Tensor]:
    """Return the tensors of a batch, in the order of :func:`with_tensors`."""
    tensors: list[Tensor] = []

    def collect(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        return tensor

    with_tensors(batch, collect)
    return tensors


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """Return the numbers of all ``tensors`` in one tensor."""
    return torch.cat([tensor.flatten() for tensor in tensors])


@dataclass(frozen=True)
class StaticBatch(Batch):
    """A batch in static memory, whose random generators stay the same objects from batch to batch.

    A graph draws from the generators that it was captured with; :meth:`seed` gives them the numbers of this batch.
    """

    generators: dict[tuple[str, str], torch.Generator] = field(default_factory=dict)

    def generator(self, stream: str, device: torch.device | str = "cpu") -> torch.Generator:
        """Return the generator of a purpose, seeded for this batch unless a graph is being captured."""
        if capturing():
            return self.generators[stream, str(device)]
        return self.generators.setdefault((stream, str(device)), torch.Generator(device)).manual_seed(
            stream_seed(*self.key, stream)
        )

    def seed(self) -> None:
        """Seed all generators that were asked for so far."""
        for stream, device in self.generators:
            self.generator(stream, device)


class Block:
    """The memory of a batch."""

    def __init__(self, example: Batch, device: torch.device):
        tensors = tensors_of(example)
        self.memory = torch.zeros_like(flat(tensors), device=device)
        # Unsafe: each part has a version counter of its own, so that an objective may write into the labels.
        parts = iter(torch.unsafe_split_with_sizes(self.memory, [tensor.numel() for tensor in tensors]))
        values = {each.name: getattr(example, each.name) for each in fields(Batch)}
        static = {
            name: with_tensors(value, lambda tensor: next(parts).view_as(tensor)) for name, value in values.items()
        }
        self.batch = StaticBatch(**static)

    def put(self, batch: Batch) -> StaticBatch:
        """Overwrite the batch in this memory; ``batch`` must have its shape."""
        numbers = flat(tensors_of(batch))
        if len(numbers) != len(self.memory):
            raise ValueError(f"a batch must have {len(self.memory)} numbers, as the first had, but has {len(numbers)}")
        pinned = numbers.pin_memory() if self.memory.is_cuda else numbers
        self.memory.copy_(pinned, non_blocking=True)
        self.batch = replace(self.batch, key=batch.key, texts=batch.texts)
        return self.batch


class StaticBuffer:
    """The memory of a batch and of its streams' batches.

    Args:
        example: a batch of the fixed shape, on the host.
        rates: the number of each stream's batches in a step.
        device: the device of the memory.
    """

    def __init__(self, example: Batch, rates: Mapping[str, float], device: torch.device):
        self.rates, self.device = rates, device
        self.main = Block(example, device)
        self.streams = {
            name: [Block(batch, device) for batch in example.streams[name](rate)] for name, rate in rates.items()
        }

    def put(self, batch: Batch) -> StaticBatch:
        """Overwrite the batch and its streams' batches.

        Raises:
            ValueError: the shape differs from the example's, or the number of a stream's batches does.
        """
        streams = {name: self._put_stream(name, batch) for name in self.streams}
        return replace(self.main.put(batch), streams=streams)

    def _put_stream(self, name: str, batch: Batch) -> Callable[[float], Any]:
        drawn = zip(self.streams[name], batch.streams[name](self.rates[name]), strict=True)
        batches = [block.put(one) for block, one in drawn]
        return lambda _: iter(batches)

    @property
    def batches(self) -> list[StaticBatch]:
        """The batch and its streams' batches."""
        return [self.main.batch, *(block.batch for blocks in self.streams.values() for block in blocks)]
