"""Atomic file writes, safe reads, and the guards for files in a record's folder.

A target file is either complete or absent: the writer fills a temporary file, flushes it to the disk and renames
it over the target. Both are in one folder, since a rename is atomic only within a file system. Which function to
use:

- a JSON or tensor file of a record: ``write_json`` and ``read_json``, ``write_tensors`` and ``read_tensors``;
  they contain all guards;
- another file of a record, written whole: ``replacing(own_file(path), own=True)``;
- an output that the user named: ``replacing(path, OUTPUT)``; links and devices such as ``/dev/stdout`` are
  allowed there;
- any other change on the disk (make a folder, append, delete, lock): ``writing(path, remedy)`` around it;
- before opening a file in a record's or somebody else's folder: ``contained(path, folder)``, since a link
  could lead to any file of the user, and ``regular(path)``, since opening a named pipe would wait forever.
  ``own_file`` is both.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fecbench.core.errors import RunError
from fecbench.core.strict_json import loads

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


UNFINISHED = ".unfinished"
STDOUT = Path("/dev/stdout")
# remedies: how a message about a failed write ends
RESUME = (
    "free space or make it writable, then continue with --resume, or choose another --run-dir "
    "(what was there is untouched)"
)
OUTPUT = "free space or choose another place (what was there is untouched)"
_MASK = os.umask(0)  # the mask can only be read by setting it
os.umask(_MASK)
_MODE = 0o666 & ~_MASK


@contextmanager
def replacing(path: Path, remedy: str = RESUME, *, own: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to, and rename it over ``path`` if the block ends without error.

    A link stays a link: its target is replaced. If ``path`` is a device or a pipe, the block writes to it
    directly. If it is ``/dev/stdout``, which may lead to a file with other content, the text is added there.

    Args:
        path: target file.
        remedy: end of the error message.
        own: the folder belongs to fecbench, so that the temporary file can be called ``path.unfinished``: a
            file of that name can only be left from a killed process. In other folders its name is random.

    Raises:
        RunError: the file can't be written (no space, no permission); an earlier file at ``path`` is unchanged.
    """
    target = path.resolve()
    if path == STDOUT:
        with writing(path, remedy), TemporaryDirectory() as folder:
            yield (draft := Path(folder, path.name))
            sys.stdout.buffer.write(draft.read_bytes())
        return
    if target.exists() and not target.is_file():
        with writing(path, remedy):
            yield path
        return
    draft = target.with_name(target.name + UNFINISHED if own else f".fecbench-{uuid4().hex}{UNFINISHED}")
    try:
        with writing(path, remedy):
            draft.unlink(missing_ok=True)  # a leftover could be a link to a file elsewhere
            yield draft
            draft.chmod(_MODE)  # safetensors creates files that only their owner can read
            # The content first, then the rename, then the name in the folder: after a power cut in between, the target
            # is the earlier file or the whole new one.
            to_disk(draft)
            draft.replace(target)
            to_disk(target.parent)
    except BaseException:  # Ctrl-C too: an interrupted write must leave no draft
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path, remedy: str = RESUME) -> Iterator[None]:
    """Convert disk errors in the block into RunError with ``path``, the system's reason and ``remedy``.

    Raises:
        RunError: the disk refused an operation in the block.
    """
    try:
        yield
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise
        raise RunError(f"{path} can't be written: {reason}; {remedy}") from error


def contained(path: Path, folder: Path) -> Path:
    """Return ``path`` unchanged, or raise RunError if it or a folder on the way is a link that leads out of ``folder``.

    Raises:
        RunError: ``path`` leads out of ``folder``.
    """
    if path.parent == folder and not path.is_symlink():
        return path  # resolving takes ten times as long
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise RunError(f"{path} must be a file in {folder}, but leads to {real}; put the file itself there")
    return path


def regular(path: Path) -> Path:
    """Return ``path`` unchanged, or raise OSError if it exists and is no regular file (opening a pipe would wait).

    Raises:
        OSError: a folder, pipe or device is there.
    """
    if path.exists() and not path.is_file():
        raise OSError("it isn't a file")
    return path


def own_file(path: Path) -> Path:
    """Return ``path`` unchanged, or raise RunError if a file of a record cannot be written there.

    Raises:
        RunError: ``path`` is a link to another folder, or exists and is no regular file.
    """
    with writing(path):
        return regular(contained(path, path.parent))


def refusal(error: Exception) -> str | None:
    """Return the operating system's reason if ``error`` is a disk error, else None.

    >>> refusal(OSError(28, "No space left on device")), refusal(ValueError("no number"))
    ('No space left on device', None)
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # compiled libraries such as safetensors raise exceptions of their own, with the system's error number in the text
    return str(error) if "(os error " in str(error) else None


def to_disk(path: Path) -> None:
    """Flush a file's content, or the names in a folder, to the disk so that they survive a power cut.

    Folders are skipped on systems that cannot flush them.

    Raises:
        OSError: the disk refuses a file's content.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        if not path.is_dir():
            raise


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON to a file of a record, atomically.

    Raises:
        RunError: the file can't be written.
    """
    with replacing(own_file(path), own=True) as draft:
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a record.

    Raises:
        RunError: the file is missing, unreadable, a link to another folder, or does not hold a JSON object.
    """
    try:
        content = loads(regular(contained(path, path.parent)).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} must be a readable JSON file: {error}; restore it or delete the run") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} must hold a JSON object, not {type(content).__name__}; restore it or delete the run")
    return content


def write_tensors(
    path: Path, tensors: "Mapping[str, Tensor]", metadata: Mapping[str, Any] | None = None, *, own: bool = True
) -> None:
    """Write ``tensors`` as safetensors to a file of a record, atomically, with ``metadata`` as JSON in the header.

    ``own`` is that of :func:`replacing`; pass False if other processes may write the same file at the same time.

    Raises:
        RunError: the file can't be written.
    """
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    # one metadata key only: safetensors writes several in random order, and equal runs must write equal files
    header = {"fecbench": json.dumps(metadata or {}, allow_nan=False)}
    with replacing(own_file(path), own=own) as draft:
        save_file(contiguous, draft, metadata=header)


def read_tensors(path: Path, device: str = "cpu") -> "tuple[dict[str, Tensor], dict[str, Any]]":
    """Return the tensors and the metadata of a file written by :func:`write_tensors`.

    Raises:
        RunError: the file is missing, truncated, not written by fecbench, or a link to another folder.
    """
    return _read_safetensors(path, "pt", device)


def read_arrays(path: Path) -> "dict[str, np.ndarray]":
    """Return the tensors of a file that :func:`write_tensors` wrote as arrays, without importing torch.

    Raises:
        RunError: as :func:`read_tensors`; or a tensor has a type that numpy lacks, such as bfloat16.
    """
    return _read_safetensors(path, "np")[0]


def _read_safetensors(path: Path, framework: str, device: str = "cpu") -> tuple[dict[str, Any], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    # safetensors raises AttributeError or TypeError for data types that this torch or numpy lacks
    broken = (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError, AttributeError)
    try:
        with safe_open(regular(contained(path, path.parent)), framework=framework, device=device) as file:
            metadata = loads((file.metadata() or {})["fecbench"])
            if not isinstance(metadata, dict):
                raise ValueError(f"its metadata must be an object, found {type(metadata).__name__}")
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118  not a dict
    except broken as error:
        raise RunError(
            f"{path} must be a tensor file written by fecbench: {error!r}; restore it or start the run afresh"
        ) from error
