"""How a record speaks of its encoder where others read it: a local folder by its last name, since its path is the machine's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fecbench.runs import Record

UNNAMED = "a local folder"  # such as `.`


def encoder_name(record: Record) -> str:
    """The encoder: its hub id or registered name, or a folder's last name."""
    encoder = record.about["encoder"]
    return str(encoder["name"]) if encoder["revision"] else _last(encoder["name"])


def _last(name: str) -> str:
    """The last part of a path.

    >>> _last("/home/me/models/tiny"), _last("minilm"), _last("."), _last("../..")
    ('tiny', 'minilm', 'a local folder', 'a local folder')
    """
    last = Path(name).name
    return last if last.strip(".") else UNNAMED


def notes(record: Record) -> list[str]:
    """What the record itself tells its readers, such as that the run was LIMITED."""
    about = record.about
    return [note.replace(f"encoder {about['encoder']['name']} ", f"encoder {encoder_name(record)} ") for note in about["notes"]]
