"""Copy the records behind a board to a folder for others, without weights, encoders, texts and gold labels."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.core.files import UNFINISHED, contained, read_json, replacing, to_disk
from fecbench.results.leaderboard.formats.json import json_text
from fecbench.results.leaderboard.formats.markdown import markdown
from fecbench.results.leaderboard.formats.page.render import page
from fecbench.runs.local_paths import without_local_paths
from fecbench.runs.record import HISTORY, PREDICTIONS, RESULT, RUN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.results.leaderboard.board import Board
    from fecbench.runs.record import Record


PUBLISHED = (RUN, RESULT, HISTORY, PREDICTIONS, VALIDATION)
CLAIM = "board.json"  # written first; it marks the other files of the board as fecbench's, which may be overwritten
PAGES = {CLAIM: json_text, "board.md": markdown, "board.html": page}


def publish(board: Board, folder: Path, trials: Iterable[Record] = ()) -> list[Path]:
    """Copy the records behind the measured tables of ``board`` to ``folder``, and write the board beside them.

    Each record is copied atomically to ``folder/<run id>``. An equal copy that exists already is kept. Local paths of
    data sets and encoders are reduced to their last part. The board is written to ``board.md``, ``board.json`` and
    ``board.html``, which are overwritten.

    Args:
        board: the board.
        folder: the folder to publish to.
        trials: records to copy too: the trials that validation chose from.

    Returns:
        The folders of all copies, new and existing.

    Raises:
        RunError: two runs have the same id, a file or folder is in the way, a link of the folder leads
            out of it, or the folder can't be written. Nothing is changed then, unless the disk fails
            while it is written.
    """
    # All checks come before the first write, so that a refusal leaves the folder as it was.
    targets = _targets((*(run.record for run in board.runs()), *trials), folder)
    for target, record in targets.items():
        _check(record, target)
        _check_draft(_draft(target))
    _check_pages(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, record in targets.items():
            if not target.exists() or not any(target.iterdir()):
                _copy(record, target)
        _write_pages(board, folder)
    except OSError as error:
        raise RunError(
            f"{folder} can't be written: {error.strerror or error}; free space or choose another folder"
        ) from error
    return list(targets)


def _write_pages(board: Board, folder: Path) -> None:
    """Write the files of the board. The claim is the first of them."""
    for name, form in PAGES.items():
        text = form(board)
        with replacing(folder / name, "free space or publish to another folder") as draft:
            draft.write_text(text, encoding="utf-8")


def _check_pages(folder: Path) -> None:
    """Raise RunError if the names of the board's pages belong to folders, links or files that aren't of a board."""
    for name in PAGES:
        if (folder / name).is_dir():
            raise RunError(
                f"{folder / name} must be a file to overwrite, but is a folder; move it or publish to another folder"
            )
        contained(folder / name, folder)  # in a folder from others it could be a link to a file elsewhere
    there = [name for name in PAGES if (folder / name).is_file()]
    if there and not _is_board(folder / CLAIM):
        raise RunError(
            f"{folder} must hold no own {' or '.join(PAGES)}, since publishing overwrites them, "
            f"but holds {', '.join(there)}, and {CLAIM} isn't of a board; move them or publish to another folder"
        )


def _is_board(path: Path) -> bool:
    try:
        return {"title", "tables"} <= read_json(path).keys()
    except RunError:
        return False


def _targets(records: Iterable[Record], folder: Path) -> dict[Path, Record]:
    """Return the records by the folders to copy them to; equal records once.

    Raises:
        RunError: two different records have the same folder name.
    """
    found: dict[Path, Record] = {}
    for record in records:
        other = found.setdefault(folder / record.id, record)
        if other.folder.resolve() != record.folder.resolve():
            raise RunError(
                f"published runs must have different ids, but {other.folder} and {record.folder} "
                f"are both named {record.id}; rename one of the folders"
            )
    return found


def _check(record: Record, target: Path) -> None:
    """Raise RunError if ``target`` exists and is neither empty nor an equal copy of ``record``."""
    if not target.exists() or target.samefile(record.folder):
        return
    difference = _difference(record, target)
    if difference:
        raise RunError(
            f"{target} must be empty or an equal copy of {record.folder}, but {difference}; "
            "publish to another folder or move the copy away"
        )


def _difference(record: Record, target: Path) -> str:
    """Return how ``target`` differs from a copy of ``record``; empty if it is an equal copy or an empty folder."""
    if not target.is_dir():
        return "is a file"
    wanted, there = _contents(record), {path.name for path in target.iterdir()}
    others = sorted(
        {*(there - wanted.keys()), *(name for name, content in wanted.items() if not _holds(target / name, content))}
    )
    return f"differs in {', '.join(others)}" if there and others else ""


def _holds(file: Path, content: bytes) -> bool:
    return file.is_file() and file.read_bytes() == content


def _contents(record: Record) -> dict[str, bytes]:
    """Return the published content of a record by file name."""
    found = {name: path.read_bytes() for name in PUBLISHED if (path := record.inside(name)).is_file()}
    about = record.about
    published = without_local_paths(about, record.settings())
    if published != about:
        found[RUN] = (json.dumps(published, indent=1, ensure_ascii=False) + "\n").encode()
    return found


def _copy(record: Record, target: Path) -> None:
    draft = _draft(target)
    if draft.exists():
        shutil.rmtree(draft)  # a killed process left it
    draft.mkdir()
    for name, content in _contents(record).items():
        (draft / name).write_bytes(content)
        to_disk(draft / name)
    # Content, then names, then the rename: after a power cut at any point, no incomplete copy has the run's name.
    to_disk(draft)
    draft.replace(target)
    to_disk(target.parent)


def _draft(target: Path) -> Path:
    return target.with_name(target.name + UNFINISHED)


def _check_draft(draft: Path) -> None:
    """Raise RunError if the folder for a draft holds other files than those that a killed process left there."""
    if not os.path.lexists(draft):
        return
    others = (
        sorted(path.name for path in draft.iterdir() if path.name not in PUBLISHED or path.is_dir())
        if draft.is_dir()
        else []
    )
    if others or not draft.is_dir():
        content = f"holds {', '.join(others[:3])}" if others else "is a file"
        raise RunError(f"{draft} must be free for a copy, but {content}; move it or publish to another folder")
