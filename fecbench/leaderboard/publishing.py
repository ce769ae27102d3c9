"""The records behind a board, copied to where others can read them: without weights, encoders, texts and gold labels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from fecbench.atomic import UNFINISHED, replacing
from fecbench.datasets import is_path
from fecbench.errors import RunError
from fecbench.leaderboard.document import json_text
from fecbench.leaderboard.markdown import markdown
from fecbench.leaderboard.page.rendering import page
from fecbench.runs import HISTORY, PREDICTIONS, RESULT, RUN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fecbench.leaderboard.board import Board
    from fecbench.runs import Record

PUBLISHED = (RUN, RESULT, HISTORY, PREDICTIONS)
NAMED = ("dataset", "encoder")  # settings that can be paths of the machine
PAGES = {"board.md": markdown, "board.json": json_text, "board.html": page}


def publish(board: Board, folder: Path, trials: Iterable[Record] = ()) -> list[Path]:
    """Copy the records behind the measured tables of ``board`` to ``folder``, and write the board beside them.

    So are ``trials``, by which validation chose settings. Each record becomes ``folder/<run id>``, whole or not at all; a copy that is
    there already and equal is left as it is. Of a data set or encoder that was given as a path the copy holds the name alone. The board
    stands in ``board.md``, ``board.json`` and ``board.html``, which are written anew.

    Returns:
        The folders of the copies, those that were there among them.

    Raises:
        RunError: two runs have one id, a copy of a run's id holds something else, or the folder can't be written. Nothing is changed then,
            except where the disk fails midway.
    """
    targets = _targets((*(run.record for run in board.runs()), *trials), folder)
    for target, record in targets.items():
        _check(record, target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target, record in targets.items():
            if not target.exists() or not any(target.iterdir()):
                _copy(record, target)
        for name, form in PAGES.items():
            with replacing(folder / name) as draft:
                draft.write_text(form(board), encoding="utf-8")
    except (OSError, RunError) as error:
        raise RunError(f"{folder} can't be written: {error}; free space or choose another folder to publish in") from error
    return list(targets)


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
    """A copy that is there must be equal.

    Raises:
        RunError: it isn't.
    """
    if not target.exists() or target.samefile(record.folder) or not any(target.iterdir()):
        return
    wanted, there = _contents(record), {path.name: path.read_bytes() for path in target.iterdir()}
    others = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if others:
        raise RunError(
            f"{target} must be empty or an equal copy of {record.folder}, but differs in {', '.join(others)}; "
            "publish to another folder, or move the copy away"
        )


def _contents(record: Record) -> dict[str, bytes]:
    """What is published of a record, by file."""
    found = {name: path.read_bytes() for name in PUBLISHED if (path := record.folder / name).is_file()}
    about = json.loads(found[RUN])
    paths = [name for name in NAMED if is_path(str(about["settings"].get(name, {}).get("value")))]
    if paths:
        for name in paths:
            about["settings"][name]["value"] = Path(about["settings"][name]["value"]).name
        found[RUN] = (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()
    return found


def _copy(record: Record, target: Path) -> None:
    draft = target.with_name(target.name + UNFINISHED)
    if draft.exists():
        shutil.rmtree(draft)  # of a process that was killed
    draft.mkdir()
    for name, content in _contents(record).items():
        (draft / name).write_bytes(content)
    draft.replace(target)
