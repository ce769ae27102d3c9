"""Options that the parts share, and their results: printed, and kept as lines of JSON in the folder ``$OUT``.

On the CPU each result says "rehearsal": it shows that a script works, and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 64
FILE = "results.jsonl"


def options(doc: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """Return a parser of the common options: where, on which encoder and data set, how many batches."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a rehearsal")
    parser.add_argument("--encoder", default="minilm", help="a name or a folder")
    parser.add_argument("--dataset", default="ge-prepared")
    parser.add_argument("--steps", type=int, default=50, help=f"batches of {BATCH} texts")
    parser.set_defaults(**defaults)
    return parser


def settings(given: argparse.Namespace, **more: Any) -> dict[str, Any]:
    """Return the settings of a run with the common options."""
    common = {"dataset": given.dataset, "encoder": given.encoder, "device": given.device, "batch_size": BATCH}
    return {**common, "lr": 1e-5, **more}


@dataclass(frozen=True)
class Results:
    """The results of a part on a device."""

    part: str
    device: str

    def say(self, case: str, **figures: Any) -> None:
        """Print a result and keep it."""
        rounded = {
            name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in figures.items()
        }
        rehearsal = {"rehearsal": True} if self.device == "cpu" else {}
        if "OUT" in os.environ:
            with (Path(os.environ["OUT"]) / FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"part": self.part, "case": case, **rounded, **rehearsal}) + "\n")
        told = "  ".join(f"{name} {value}" for name, value in rounded.items())
        print(f"{'REHEARSAL ' if rehearsal else ''}{self.part}: {case}: {told}", flush=True)

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """Let an error end this case alone: it is printed and kept as the case's result."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.say(name, failed=f"{type(error).__name__}: {str(error)[:300]}")


def peak_mib(device: torch.device) -> float:
    """Return the most memory that torch had allocated on a GPU since the last call; 0 on the CPU."""
    if device.type != "cuda":
        return 0.0
    peak = torch.cuda.max_memory_allocated() / 2**20
    torch.cuda.reset_peak_memory_stats()
    return peak
