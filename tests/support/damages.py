"""Damages that a file of a record can suffer."""

import os
from collections.abc import Callable
from pathlib import Path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def fold(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flip(path: Path) -> None:
    """One bit in the middle."""
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.write_bytes(found)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut in half": cut,
    "filled with zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a folder": fold,
    "a bit flipped": flip,
    "random": lambda path: path.write_bytes(bytes(range(256)) * 4),
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}
