"""HTML in the output of a notebook's cell that can be replaced. It needs IPython alone, and no widgets."""

from __future__ import annotations

from importlib import import_module
from typing import Any

INTERVAL = 0.2  # seconds between two drawings, each of which is a message to the browser


class NotebookOutput:
    """A place in the output of the cell that runs."""

    def __init__(self, html: str = ""):
        # Imported by name: only notebooks have IPython.
        self.display: Any = import_module("IPython.display")
        self.handle = self.display.display(self.display.HTML(html), display_id=True)

    def show(self, html: str) -> None:
        """Replace what is shown."""
        self.handle.update(self.display.HTML(html))
