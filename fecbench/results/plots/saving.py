"""Where a picture goes."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.core.files import OUTPUT, replacing
from fecbench.core.text import shown

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


FORMATS = (".png", ".svg", ".pdf")


def check_target(path: Path) -> None:
    """Refuse a path at once, before what takes long.

    Raises:
        RunError: its ending isn't one of ``FORMATS``, its folder isn't there, or it is a folder itself.
    """
    if path.suffix.lower() not in FORMATS:
        raise RunError(f"{path} must end in {', '.join(FORMATS)}; choose another --out")
    if not path.parent.is_dir():
        raise RunError(f"{path} can't be written: {path.parent} isn't a folder; make it, or choose another --out")
    if path.is_dir():
        raise RunError(
            f"{path} can't be written: it is a folder; choose another --out, such as {path / 'picture'}{path.suffix}"
        )


def save(figure: Figure, path: Path) -> Path:
    """Write ``figure`` to ``path``, in the format of its ending.

    Raises:
        RunError: the path isn't a picture's (:func:`check_target`), or can't be written.
    """
    from matplotlib.text import Text

    check_target(path)
    for text in figure.findobj(Text):
        if shown(text.get_text()) != text.get_text():
            text.set_text(shown(text.get_text()))
    drawn = BytesIO()  # matplotlib's own files end in errors of many kinds where the disk is full
    figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=200)
    with replacing(path, OUTPUT) as draft:
        draft.write_bytes(drawn.getvalue())
    return path
