"""Open files of a data set: plain, compressed, or inside a zip archive; errors name the file, the line and a remedy."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING, Any

from fecbench.core.errors import DataError
from fecbench.core.text import lower_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fecbench.data.datasets.files.source_files import SourceFile


UNPACKERS: dict[str, Callable[[IO[bytes]], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
"""Functions that unpack a compressed file, by its ending."""
ZIP = ".zip"
# Texts shrink to a third or a tenth. Only a bomb unpacks to more than 200 times its size.
MAX_RATIO, ALWAYS_ALLOWED = 200, 100 * 2**20  # times the packed size; bytes
NOT_UNPACKED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


def members(archive: Path) -> list[str]:
    """Return the names of the files in a zip archive, without hidden ones and folders.

    Raises:
        DataError: it is not a readable zip archive.
    """
    with _explained(archive), _damaged_names(), zipfile.ZipFile(archive) as opened:
        names = [info.filename for info in opened.infolist() if not info.is_dir()]
    # Archives made on a Mac hold a second, hidden file for each file.
    return [name for name in names if not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith(".")]


@contextmanager
def open_unpacked(file: SourceFile) -> Iterator[IO[bytes]]:
    """Open ``file`` for reading as bytes, unpacked.

    Raises:
        DataError: it can't be read or unpacked, is encrypted, or unpacks to more than 200 times its size.
    """
    with _explained(file), ExitStack() as stack:
        yield _unpacked(file, stack)


@contextmanager
def open_text(file: SourceFile, encoding: str, newline: str, errors: str = "strict") -> Iterator[IO[str]]:
    """Open ``file`` for reading as text; a byte order mark of UTF-8 is left out. Arguments are those of :func:`open`.

    Raises:
        DataError: as :func:`open_unpacked`; the encoding is unknown, or a line has another one.
    """
    try:
        with open_unpacked(file) as content, _as_text(file, content, encoding, newline, errors) as text:
            yield text
    except UnicodeError as error:
        line, reason = _first_undecodable(file, encoding)
        raise DataError(
            f"{file}, line {line}: the file must be {encoding.upper()} ({reason or error}); "
            f"{_other_encoding(file, encoding)}"
        ) from None


def read_lines(file: SourceFile, encoding: str, newline: str) -> Iterator[str]:
    r"""Yield the lines of ``file`` with their line breaks, without reading it whole.

    Args:
        file: the file.
        encoding: its encoding.
        newline: line breaks, as for :func:`open`: ``"\n"`` alone, or ``""`` for ``\n``, ``\r`` and ``\r\n``.

    Raises:
        DataError: as :func:`open_text`, or a line holds a NUL.
    """
    with open_text(file, encoding, newline) as text:
        for number, line in enumerate(text, 1):
            if "\0" in line:
                raise _holds_nul(file, number, encoding)
            yield line


def whole_text(file: SourceFile, encoding: str) -> str:
    """Return the whole text of ``file``; errors as in :func:`read_lines`."""
    with open_text(file, encoding, newline="") as opened:
        text = opened.read()
    if "\0" in text:
        raise _holds_nul(file, text[: text.index("\0")].count("\n") + 1, encoding)
    return text


@contextmanager
def _explained(file: SourceFile | Path) -> Iterator[None]:
    """Turn errors of reading and unpacking into DataError."""
    try:
        yield
    except NOT_UNPACKED as error:
        raise DataError(f"{file} can't be unpacked: {error}; get it again, or give it unpacked") from error
    except OSError as error:
        if error.errno is None:  # not of the system: gzip and bz2 report files that aren't packed in this way
            raise DataError(
                f"{file} can't be unpacked: {lower_first(str(error))}; get it again, or rename it if it isn't packed"
            ) from error
        reason = error.strerror or error
        raise DataError(f"{file} can't be read: {reason}; check the file and its permissions") from error


def _unpacked(file: SourceFile, stack: ExitStack) -> IO[bytes]:
    """Open a file and whatever it is packed in; ``stack`` closes them."""
    packed: IO[bytes] = stack.enter_context(file.path.open("rb"))
    size = file.path.stat().st_size
    if file.member:
        with _damaged_names():
            packed, size = _open_member(file, packed, stack)
    if file.unpacker:
        packed = stack.enter_context(file.unpacker(packed))
    elif not file.member:
        return packed
    return io.BufferedReader(_Unpacked(packed, file, max(MAX_RATIO * size, ALWAYS_ALLOWED)), 2**17)


def _open_member(file: SourceFile, packed: IO[bytes], stack: ExitStack) -> tuple[IO[bytes], int]:
    """Open a member of the zip archive ``packed``; return it and its compressed size in bytes."""
    archive = stack.enter_context(zipfile.ZipFile(packed))
    info = archive.getinfo(file.member)
    if info.flag_bits & 1:
        raise DataError(f"{file} must not be encrypted, but needs a password; unpack {file.path} and give the file")
    return stack.enter_context(archive.open(info)), info.compress_size


@contextmanager
def _damaged_names() -> Iterator[None]:
    """Turn errors of zip archives whose files' names are damaged into BadZipFile."""
    try:
        yield
    except UnicodeError as error:
        raise zipfile.BadZipFile(f"a name in it is damaged ({error})") from error


class _Unpacked(io.RawIOBase):
    """The bytes of an unpacked file; reading more than ``most`` of them is an error."""

    def __init__(self, packed: IO[bytes], file: SourceFile, most: int):
        self._packed, self._file, self._left = packed, file, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._packed.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise DataError(
                f"{self._file} must unpack to at most {MAX_RATIO} times its size, but is larger; it may be damaged or "
                "hostile: get it again, or give it unpacked"
            )
        buffer[: len(content)] = content
        return len(content)


def _as_text(file: SourceFile, content: IO[bytes], encoding: str, newline: str, errors: str) -> IO[str]:
    try:
        return io.TextIOWrapper(content, _codec(encoding), errors, newline)
    except (LookupError, ValueError) as error:
        raise DataError(
            f"{file}: the encoding must be one that Python knows, such as utf-8 or latin-1, found {encoding!r}; "
            "correct it"
        ) from error


def _codec(encoding: str) -> str:
    """Return the name of the codec: for UTF-8, one that drops the byte order mark that some programs write."""
    name = codecs.lookup(encoding).name
    return "utf-8-sig" if name == "utf-8" else name


def _first_undecodable(file: SourceFile, encoding: str) -> tuple[int, str]:
    """Return the line of ``file`` that doesn't have ``encoding``, and the reason.

    The file is read again: text files are decoded in blocks, so the error comes before the line is reached.
    """
    decoder, line = codecs.getincrementaldecoder(_codec(encoding))(), 1
    with open_unpacked(file) as content:
        block = b"begin"
        while block:
            block = content.read(2**16)
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].count(b"\n"), error.reason
            except UnicodeError as error:  # of encodings that don't tell where
                return line, str(error)
    return line, ""


def _other_encoding(file: SourceFile, encoding: str) -> str:
    with open_unpacked(file) as content:
        if content.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return 'it begins as UTF-16 does: write encoding = "utf-16" under [format] in dataset.toml'
    if codecs.lookup(encoding).name == "utf-8":
        return 'save it as UTF-8, or name its encoding under [format] in dataset.toml, such as encoding = "latin-1"'
    return "name another encoding under [format] in dataset.toml, or save it as UTF-8"


def _holds_nul(file: SourceFile, line: int, encoding: str) -> DataError:
    return DataError(
        f"{file}, line {line}: the file must be {encoding.upper()} text, but holds a NUL; "
        f"{_other_encoding(file, encoding)}"
    )
