"""Read one text a line: with labels in a parallel file, several texts on a line, or the groups of a pattern."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.opening import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.data.datasets.description.schema import ColumnNames, FileFormat
    from fecbench.data.datasets.files.raw_rows import RawRow
    from fecbench.data.datasets.files.source_files import SourceFile


def read_text_lines(file: SourceFile, form: FileFormat, columns: ColumnNames) -> Iterator[RawRow]:  # noqa: ARG001
    """Yield the rows of a file of texts; blank lines are left out.

    The columns are ``text``, ``label`` if the file has labels, and ``line``, the number of the line. With a pattern
    they are its named groups.

    Raises:
        DataError: the files of texts and labels are not equally long, a line has not as many labels as texts, or
            doesn't match the pattern.
    """
    if form.pattern:
        return _by_pattern(file, form, form.pattern)
    return _turns(file, form, form.turns) if form.turns else _whole_lines(file, form)


def _whole_lines(file: SourceFile, form: FileFormat) -> Iterator[RawRow]:
    """Yield a row for each line."""
    name = str(file)
    for number, text, label in _numbered(file, form):
        yield f"{name}, line {number}", _cells(number, text, label)


def _turns(file: SourceFile, form: FileFormat, mark: str) -> Iterator[RawRow]:
    """Yield a row for each of the texts of a line, which ``mark`` separates or ends."""
    name = str(file)
    for number, line, marks in _numbered(file, form):
        texts = [text.strip() for text in line.split(mark)]
        if len(texts) > 1 and not texts[-1]:
            texts.pop()
        labels: Sequence[str | None] = [None] * len(texts) if marks is None else marks.split()
        if len(labels) != len(texts):
            raise DataError(
                f"{name}, line {number}: every text needs a label, but the line holds {len(texts)} texts (between "
                f"{mark!r}) and line {number} of {file.labels} {len(labels)} labels; correct one of the lines"
            )
        for turn, (text, label) in enumerate(zip(texts, labels, strict=True), 1):
            yield f"{name}, line {number}, text {turn}", _cells(number, text, label)


def _by_pattern(file: SourceFile, form: FileFormat, pattern: str) -> Iterator[RawRow]:
    """Yield the named groups of ``pattern`` in each line."""
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise DataError(f"{file}: pattern must be a regular expression: {error}; correct it") from error
    if not expression.groupindex:
        raise DataError(
            f"{file}: pattern must have groups named as columns, such as (?P<label>\\S+) (?P<text>.+), found {pattern}"
        )
    name = str(file)
    for number, line in enumerate(_lines(file, form.encoding), 1):
        if not line.strip():
            continue
        match = expression.fullmatch(line)
        if match is None:
            raise DataError(
                f"{name}, line {number}: every line must match the pattern {pattern}, found {line!r:.100}; correct "
                "the line or the pattern"
            )
        yield f"{name}, line {number}", match.groupdict()


def _numbered(file: SourceFile, form: FileFormat) -> Iterator[tuple[int, str, str | None]]:
    """Yield the number, the text and the label of each line; the label is None if there is no file of labels.

    Raises:
        DataError: the files are not equally long.
    """
    if file.labels is None:
        yield from ((n, line, None) for n, line in enumerate(_lines(file, form.encoding), 1) if line.strip())
        return
    pairs = zip_longest(_lines(file, form.encoding), _lines(file.labels, form.encoding))
    for number, (text, label) in enumerate(pairs, 1):
        if text is None or label is None:
            _check_equally_long(file, file.labels, form.encoding)
        elif text.strip() or label.strip():
            yield number, text, label


def _check_equally_long(texts: SourceFile, labels: SourceFile, encoding: str) -> None:
    """Raise DataError unless two files have equally many lines up to their last one that is not blank."""
    counts = [
        max((number for number, line in enumerate(_lines(file, encoding), 1) if line.strip()), default=0)
        for file in (texts, labels)
    ]
    if counts[0] != counts[1]:
        raise DataError(
            f"{texts} must have a line for each line of {labels}, but has {counts[0]:,} lines for {counts[1]:,}; "
            "get both files again, or correct the names"
        )


def _lines(file: SourceFile, encoding: str) -> Iterator[str]:
    """Yield the lines of a file without their line breaks; other characters that end lines belong to the text."""
    return (line.removesuffix("\n").removesuffix("\r") for line in read_lines(file, encoding, newline="\n"))


def _cells(number: int, text: str, label: str | None) -> dict[str, Any]:
    labelled = {} if label is None else {"label": label}
    return {"text": text, **labelled, "line": number}
