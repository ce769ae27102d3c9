"""Check the path of a figure and write the figure to it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.core.files import OUTPUT, replacing

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


FORMATS = (".png", ".svg", ".pdf")
# no date, so that a figure drawn again is the same file
METADATA: dict[str, dict[str, None]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def check_target(path: Path) -> None:
    """Raise RunError if a figure can't be written to ``path``. Call it before the slow work.

    Raises:
        RunError: the ending is not one of ``FORMATS``, the parent folder does not exist, or the path is a folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise RunError(f"{path} must end in {', '.join(FORMATS)}; choose another --out")
    if not path.parent.is_dir():
        raise RunError(f"{path} can't be written: {path.parent} isn't a folder; create it or choose another --out")
    if path.is_dir():
        raise RunError(
            f"{path} can't be written: it is a folder; choose another --out, such as {path / 'figure'}{path.suffix}"
        )


def save(figure: Figure, path: Path) -> Path:
    """Write ``figure`` to ``path`` in the format of its ending, and return the path.

    Call it within :func:`~fecbench.results.plots.style.figure_style`, which says how letters are written.

    Raises:
        RunError: the path is refused by :func:`check_target` or can't be written.
    """
    check_target(path)
    content = BytesIO()  # write the file here: on a full disk, matplotlib raises errors of many types
    ending = path.suffix.lower()
    figure.savefig(content, format=ending[1:], metadata=METADATA[ending])
    with replacing(path, OUTPUT) as draft:
        draft.write_bytes(content.getvalue())
    return path
