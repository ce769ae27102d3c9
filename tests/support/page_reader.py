"""Follow a page of the documentation: write its files, type its commands, run its Python."""

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.page_blocks import Block


def redirected(words: list[str]) -> tuple[list[str], str]:
    """Return a command without its redirection, and the file that its output goes to; "" without a redirection."""
    return (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, "")


class PageReader:
    """Follows the blocks of a page in the current folder, as a reader would.

    Args:
        fecbench: calls the command line in this process (the fixture of that name).
        install: installs a distribution with entry points (the fixture of that name).
        monkeypatch: undoes changes of the import path after the test.
    """

    def __init__(self, fecbench: Callable, install: Callable, monkeypatch: pytest.MonkeyPatch):
        self.fecbench = fecbench
        self.install = install
        self.monkeypatch = monkeypatch
        self.names: dict[str, object] = {}

    def follow(self, block: Block) -> None:
        if block.not_run:
            return
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.is_python:
            exec(compile(block.text, block.place, "exec", dont_inherit=True), self.names)
        elif block.is_shell:
            for words in block.commands():
                self.run_command(words, block.place)

    def run_command(self, words: list[str], place: str) -> None:
        if words == ["pip", "install", "."]:
            self.install_folder()
            return
        words, target = redirected(words)
        assert words[0] == "fecbench", f"{place}: {words} can't run in a test; put <!-- not run: REASON --> before it"
        code, out, err = self.fecbench(*words[1:])
        # a dry run ends with 1 if something can't start here, such as rows with encoders of the hub
        assert code == 0 or (code == 1 and "--dry-run" in words), f"{place}: {words}: {out}{err}"
        if target:
            Path(target).write_text(out, encoding="utf-8")

    def install_folder(self) -> None:
        """Install the package in the current folder, as far as its entry points go."""
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
        self.monkeypatch.syspath_prepend(str(Path.cwd()))
        for group, entries in project["entry-points"].items():
            for value in entries.values():
                self.monkeypatch.delitem(sys.modules, value.partition(":")[0], raising=False)
            self.install(f"{project['name']}-{group}", group, **entries)
