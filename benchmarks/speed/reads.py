"""Note which views and streams of a batch a training step reads: only these need a place in static memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fecbench import Batch, Tokens


@dataclass(frozen=True)
class Reads:
    """The views that were read, and the rates at which streams were: their batches for each batch of the run."""

    views: set[str] = field(default_factory=set)
    rates: dict[str, float] = field(default_factory=dict)

    def of(self, batch: Batch) -> Batch:
        """Return ``batch`` with views and streams that note here when they are read."""
        streams = {name: partial(self._stream, name, make) for name, make in batch.streams.items()}
        return replace(batch, views=_Noting(batch.views, self.views), streams=streams)

    def _stream(self, name: str, make: Callable[[float], Iterable[Batch]], rate: float) -> Any:
        self.rates[name] = rate
        return make(rate)


class _Noting(Mapping[str, Tokens]):
    def __init__(self, views: Mapping[str, Tokens], read: set[str]):
        self._views = views
        self._read = read

    def __getitem__(self, name: str) -> Tokens:
        self._read.add(name)
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)
