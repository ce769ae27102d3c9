"""The records behind a board, copied to where others can read them: without weights, encoders, texts and gold labels."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.atomic import UNFINISHED, replacing
from fecbench.errors import RunError
from fecbench.leaderboard.document import json_text
from fecbench.leaderboard.markdown import markdown
from fecbench.leaderboard.page.rendering import page
from fecbench.runs import HISTORY, PREDICTIONS, RESULT, RUN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.leaderboard.board import Board
    from fecbench.runs import Record

NEEDED = (RUN, RESULT)
PUBLISHED = (*NEEDED, HISTORY, PREDICTIONS)
PAGES = {"board.md": markdown, "board.json": json_text, "board.html": page}


def publish(board: Board, folder: Path, trials: Sequence[Record] = ()) -> list[Path]:
    """Copy the records behind the measured tables of ``board`` to ``folder``, and write the board beside them.

    Of ``trials``, by which validation chose settings, settings and scores are copied, without history and predictions. Each record becomes
    ``folder/<run id>``, whole or not at all; a copy that is there already and equal is left as it is. The board stands in ``board.md``,
    ``board.json`` and ``board.html``, which are written anew.

    Returns:
        The folders of the copies, those that were there among them.

    Raises:
        RunError: two runs have one id, a copy of a run's id holds something else, or the folder can't be written. Nothing is changed then,
            except where the disk fails midway.
    """
    targets = _targets(board, folder)
    shown = {record.folder.resolve() for record in targets.values()}
    behind = {folder / record.id: record for record in trials if record.folder.resolve() not in shown}
    for target, record in (behind | targets).items():
        _check(record, target, _names(record, target in targets))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, record in (behind | targets).items():
            if not target.exists():
                _copy(record, target, _names(record, target in targets))
    except OSError as error:
        raise RunError(f"{folder} can't be written: {error.strerror or error}; free space or choose another folder") from error
    for name, form in PAGES.items():
        with replacing(folder / name) as draft:
            draft.write_text(form(board), encoding="utf-8")
    return list(behind | targets)


def _targets(board: Board, folder: Path) -> dict[Path, Record]:
    """Where each record goes.

    Raises:
        RunError: two would go to one place.
    """
    found: dict[Path, Record] = {}
    for run in board.runs():
        target = folder / run.record.id
        if target in found:
            raise RunError(
                f"a published run needs an id of its own, but {found[target].folder} and {run.record.folder} "
                f"are both called {run.record.id}; rename one of the folders"
            )
        found[target] = run.record
    return found


def _check(record: Record, target: Path, names: Sequence[str]) -> None:
    """A copy that is there must be equal.

    Raises:
        RunError: it isn't.
    """
    if not target.exists() or target.samefile(record.folder):
        return
    _, different, unreadable = filecmp.cmpfiles(record.folder, target, names, shallow=False)
    others = sorted({*different, *unreadable, *(path.name for path in target.iterdir() if path.name not in names)})
    if others:
        raise RunError(
            f"{target} must be empty or an equal copy of {record.folder}, but differs in {', '.join(others)}; "
            "publish to another folder, or move the copy away"
        )


def _names(record: Record, whole: bool) -> list[str]:
    return [name for name in (PUBLISHED if whole else NEEDED) if name in NEEDED or (record.folder / name).is_file()]


def _copy(record: Record, target: Path, names: Sequence[str]) -> None:
    draft = target.with_name(target.name + UNFINISHED)
    if draft.exists():
        shutil.rmtree(draft)  # of a process that was killed
    draft.mkdir()
    for name in names:
        shutil.copyfile(record.folder / name, draft / name)
    draft.rename(target)
