"""Where a picture goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


def save(figure: Figure, path: Path) -> Path:
    """Write ``figure`` to ``path``, in the format of its ending.

    Raises:
        RunError: the folder can't be written, or matplotlib doesn't know the ending.
    """
    try:
        figure.savefig(path, dpi=200)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} can't be written: {error}; choose another --out, ending in .svg, .pdf or .png") from error
    return path


def check_target(path: Path) -> None:
    """Refuse a path at once, before what takes long.

    Raises:
        RunError: its folder isn't there, or matplotlib doesn't know its ending.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    if path.suffix[1:].lower() not in FigureCanvasBase.get_supported_filetypes():
        raise RunError(f"{path} must end in .svg, .pdf or .png; choose another --out")
    if not path.parent.is_dir():
        raise RunError(f"{path} can't be written: {path.parent} isn't a folder; make it, or choose another --out")
