"""A published form: how to write it, how to load it, and an independent reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Rows = list[tuple[str, str]]
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Shape:
    """A published form and what fecbench makes of it.

    Attributes:
        write: writes the files into a folder.
        read: reads the texts and labels of each published split without fecbench.
        recipe: recipe or registered name that loads it.
        toml: a ``dataset.toml`` of at most ten lines that loads it.
        flags: settings of a run that load it; ``dataset`` is relative to the folder.
        refused: the message, if it can't be loaded.
        unlabelled: True if the test split has no labels.
    """

    write: Callable[[Path], None]
    read: Callable[[Path], Mapping[str, Rows]]
    recipe: str = ""
    toml: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    unlabelled: bool = False


def made_up(labels: Sequence[str], split: str = "train", times: int = 4) -> Rows:
    """Rows of each label in turn, with commas in the texts."""
    return [(f"{split} text {n}, of {label}", label) for n in range(times) for label in labels]


def lay(folder: Path, name: str, content: str, encoding: str = "utf-8") -> None:
    """Write a file with exactly this content into a folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))


def quoted(text: str, mark: str = ",") -> str:
    """A cell as the csv module writes it."""
    return '"' + text.replace('"', '""') + '"' if {mark, '"', "\n"} & set(text) else text
