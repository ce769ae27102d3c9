"""Read the names of labels that a description or a file gives."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from fecbench.core.errors import DataError, DataNotFound
from fecbench.core.paths import expanded
from fecbench.data.datasets.files.opening import whole_text
from fecbench.data.datasets.files.source_files import SourceFile, source_files

if TYPE_CHECKING:
    from pathlib import Path

    from fecbench.data.datasets.description.schema import Description


LABEL_FILE = "labels.txt"
NUMBERED_LINE = re.compile(r"(?P<number>\d{1,9})(?P<mark>[\t ]+)(?P<name>.+)")


@dataclass(frozen=True)
class GivenNames:
    """Label names in the order of their numbers, the number of the first, and descriptions of some."""

    names: tuple[str, ...] = ()
    first: int = 0
    descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def index(self) -> dict[str, str]:
        """The name of each number, as text, and of each name: what a cell of the label may hold."""
        by_number = {str(number): name for number, name in enumerate(self.names, self.first)}
        return by_number | {name: name for name in self.names}


def given_names(description: Description, folder: Path) -> GivenNames:
    """Return the names that a description lists, or those in the file that it names.

    Each line of the file is a name or ``name<TAB>description``. A number may stand before it: with a TAB after it in
    any order of the lines, or with a blank if the numbers of all lines count from 0 or 1.

    Raises:
        DataError: the file can't be read, names fewer than two labels, names one twice, or its numbers don't count
            from 0 or 1.
    """
    labels = description.labels
    if labels.names is None or isinstance(labels.names, list):
        return GivenNames(tuple(labels.names or ()), labels.first)
    file = _file_of_names(folder, labels.names)
    text = _text(file, description.format.encoding)
    content = {number: line.strip() for number, line in enumerate(text.split("\n"), 1) if line.strip()}
    lines = list(content.values())
    # In labels.txt, "1 star" is a name: there, only a TAB separates a number from a name.
    numbered = _by_number(content, file) or (_numbered(lines) if file.name != LABEL_FILE else None)
    first, lines = numbered or (labels.first, lines)
    if first != labels.first and "first" in labels.model_fields_set:
        raise DataError(
            f"{file} numbers its names from {first}, but first under [labels] is {labels.first}; leave first out, or "
            "correct the numbers"
        )
    parts = [line.partition("\t") for line in lines]
    names = [name.strip() for name, _, _ in parts]
    _check_names(names, file)
    descriptions = {name: text.strip() for name, (_, _, text) in zip(names, parts, strict=True) if text.strip()}
    return GivenNames(tuple(names), first, descriptions)


def _text(file: SourceFile, encoding: str) -> str:
    """Return the text of a file in UTF-8, as names often are beside rows of another ``encoding``, or else in that."""
    try:
        return whole_text(file, "utf-8")
    except DataError:
        return whole_text(file, encoding)


def _file_of_names(folder: Path, name: str) -> SourceFile:
    """Return the file called ``name`` in ``folder``, either of which may be in a zip archive.

    Raises:
        DataError: there is no such file.
    """
    path = folder / expanded(name)
    if os.path.lexists(path) and not path.is_file():
        raise DataError(f"{path} must be a file, but is a folder, a pipe or a link to nothing; put a file there")
    try:
        return SourceFile(path) if os.path.lexists(path) else source_files(folder, name)[0]
    except DataNotFound:
        raise DataError(
            f"the file of label names {path} doesn't exist; correct names under [labels], or list the names there"
        ) from None


def _by_number(lines: Mapping[int, str], file: SourceFile) -> tuple[int, list[str]] | None:
    """Return the first number and the lines in the order of their numbers; None if one isn't ``number<TAB>name``.

    Args:
        lines: the lines of the file, by their position in it.
        file: the file, for messages.

    Raises:
        DataError: the numbers don't count from 0 or 1.
    """
    found = {position: NUMBERED_LINE.fullmatch(line) for position, line in lines.items()}
    numbered = sorted((int(match["number"]), position, match) for position, match in found.items() if _has_tab(match))
    if not numbered or len(numbered) < len(lines):
        return None
    first = min(numbered[0][0], 1)
    for expected, (number, position, _) in enumerate(numbered, first):
        if number != expected:
            raise DataError(
                f"{file}, line {position}: the numbers of the names must count from 0 or 1 without a gap, but "
                f"{expected} is missing and this line has {number}; correct the numbers, or leave them all out"
            )
    return first, [match["name"] for _, _, match in numbered]


def _has_tab(match: re.Match[str] | None) -> TypeGuard[re.Match[str]]:
    return match is not None and match["mark"].startswith("\t")


def _numbered(lines: Sequence[str]) -> tuple[int, list[str]] | None:
    """Return the first number and the lines without numbers, if all lines begin with numbers that count up."""
    found = [NUMBERED_LINE.fullmatch(line) for line in lines]
    numbers = [int(match["number"]) for match in found if match]
    if not numbers or len(numbers) < len(lines) or numbers[0] > 1:
        return None
    counts = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    rest = [match["name"] for match in found if match]
    # names that repeat without their numbers, such as "1 star" and "2 star", have the numbers in them
    return (numbers[0], rest) if counts and len(set(rest)) == len(rest) else None


def _check_names(names: Sequence[str], file: SourceFile) -> None:
    if len(names) < 2:
        raise DataError(
            f"{file} must name at least two labels, one a line, found {len(names)}; write them or remove the file"
        )
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"{file} must name each label once, but names {repeated[0]!r} {names.count(repeated[0])} times; "
            "remove the repeated lines"
        )
