"""The fenced blocks of a Markdown page.

A block under a line that holds a file name alone, such as `` `spec.toml` ``, is the content of that file. A block under
a comment ``<!-- not run: REASON -->`` can't run in a test, for that reason.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```([\w-]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"(?:^|\n)`([\w./-]+)`\n\n\Z")
NOT_RUN = re.compile(r"<!-- not run: ([^\n]+) -->\n\Z")
PROGRAMS = ("fecbench", "python", "pip", "hf", "git", "torchrun", "accelerate", "sbatch", "tox")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        place: page and line, for messages.
        language: the word after the fence; empty if there is none.
        text: the content.
        file: name of the file that it is the content of; empty if it is none.
        not_run: why it can't run in a test; empty if it can.
    """

    place: str
    language: str
    text: str
    file: str
    not_run: str

    @property
    def is_python(self) -> bool:
        return self.language == "python" and not self.file

    @property
    def is_shell(self) -> bool:
        is_plain = self.language in ("", "sh", "bash") and not self.file
        return is_plain and self.text.split(maxsplit=1)[0] in PROGRAMS

    def commands(self) -> list[list[str]]:
        """Return the words of each command, without comments and empty lines."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        before = text[: match.start()]
        file, not_run = FILE.search(before), NOT_RUN.search(before)
        yield Block(
            f"{page.name}, line {before.count(chr(10)) + 1}",
            match[1],
            match[2],
            file[1] if file else "",
            not_run[1] if not_run else "",
        )
