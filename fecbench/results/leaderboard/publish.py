"""The records behind a board, copied to where others can read them: without weights, encoders, texts and gold labels."""

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
from fecbench.runs.local_paths import without_places
from fecbench.runs.record import HISTORY, PREDICTIONS, RESULT, RUN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.results.leaderboard.board import Board
    from fecbench.runs.record import Record


PUBLISHED = (RUN, RESULT, HISTORY, PREDICTIONS)
CLAIM = "board.json"  # it is written first and tells that the other pages are fecbench's, to be written anew
PAGES = {CLAIM: json_text, "board.md": markdown, "board.html": page}


def publish(board: Board, folder: Path, trials: Iterable[Record] = ()) -> list[Path]:
    """Copy the records behind the measured tables of ``board`` to ``folder``, and write the board beside them.

    So are ``trials``, by which validation chose settings. Each record becomes ``folder/<run id>``, whole or not at all; a copy that is
    there already and equal is left as it is. Of a data set or encoder that was given as a path the copy holds the name alone. The board
    stands in ``board.md``, ``board.json`` and ``board.html``, which are written anew.

    Returns:
        The folders of the copies, those that were there among them.

    Raises:
        RunError: two runs have one id, what stands in a copy's place is something else, a page's leads out of the folder, or that can't be
            written. Nothing is changed
            then, except where the disk fails midway.
    """
    targets = _targets((*(run.record for run in board.runs()), *trials), folder)
    for target, record in targets.items():
        _check(record, target)
        _check_draft(_draft(target))
    for name in PAGES:
        if (folder / name).is_dir():
            raise RunError(
                f"{folder / name} must be a file, to be written anew, but is a folder; move it or publish to another folder"
            )
        contained(folder / name, folder)  # the page of somebody's folder could be a link to a file of yours
    _check_pages(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, record in targets.items():
            if not target.exists() or not any(target.iterdir()):
                _copy(record, target)
        for name, form in PAGES.items():
            text = form(board)
            with replacing(folder / name, "free space or publish to another folder") as draft:
                draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"{folder} can't be written: {error.strerror or error}; free space or choose another folder"
        ) from error
    return list(targets)


def _check_pages(folder: Path) -> None:
    """Pages that are there must be an earlier board's.

    Raises:
        RunError: they are somebody's own files.
    """
    there = [name for name in PAGES if (folder / name).is_file()]
    if there and not _is_board(folder / CLAIM):
        raise RunError(
            f"{folder} must have no {' or '.join(PAGES)} of its own, which would be written anew, but holds {', '.join(there)}, and "
            f"{CLAIM} isn't a board's; move them or publish to another folder"
        )


def _is_board(path: Path) -> bool:
    try:
        return {"title", "tables"} <= read_json(path).keys()
    except RunError:
        return False


def _targets(records: Iterable[Record], folder: Path) -> dict[Path, Record]:
    """Where each record goes; one that is met twice goes there once.

    Raises:
        RunError: two would go to one place.
    """
    found: dict[Path, Record] = {}
    for record in records:
        other = found.setdefault(folder / record.id, record)
        if other.folder.resolve() != record.folder.resolve():
            raise RunError(
                f"a published run needs an id of its own, but {other.folder} and {record.folder} "
                f"are both called {record.id}; rename one of the folders"
            )
    return found


def _check(record: Record, target: Path) -> None:
    """A copy that is there must be equal; an empty folder is none.

    Raises:
        RunError: it isn't.
    """
    if not target.exists() or target.samefile(record.folder):
        return
    found = _difference(record, target)
    if found:
        raise RunError(
            f"{target} must be empty or an equal copy of {record.folder}, but {found}; publish to another folder, or move the copy away"
        )


def _difference(record: Record, target: Path) -> str:
    """What makes ``target`` no copy, in words; nothing where it is an equal one, or empty."""
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
    """What is published of a record, by file."""
    found = {name: path.read_bytes() for name in PUBLISHED if (path := record.inside(name)).is_file()}
    about = record.about
    published = without_places(about, record.settings())
    if published != about:
        found[RUN] = (json.dumps(published, indent=1, ensure_ascii=False) + "\n").encode()
    return found


def _copy(record: Record, target: Path) -> None:
    draft = _draft(target)
    if draft.exists():
        shutil.rmtree(draft)  # of a process that was killed
    draft.mkdir()
    for name, content in _contents(record).items():
        (draft / name).write_bytes(content)
        to_disk(draft / name)
    to_disk(draft)
    draft.replace(target)
    to_disk(target.parent)


def _draft(target: Path) -> Path:
    return target.with_name(target.name + UNFINISHED)


def _check_draft(draft: Path) -> None:
    """Where a copy is drafted may stand what a killed process left there, and nothing else.

    Raises:
        RunError: something else does.
    """
    if not os.path.lexists(draft):
        return
    others = (
        sorted(path.name for path in draft.iterdir() if path.name not in PUBLISHED or path.is_dir())
        if draft.is_dir()
        else []
    )
    if others or not draft.is_dir():
        found = f"holds {', '.join(others[:3])}" if others else "is a file"
        raise RunError(f"{draft} must be free for a copy, but {found}; move it or publish to another folder")
