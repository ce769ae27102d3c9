"""Files that are whole or not there: written beside their place, flushed to the disk, then renamed over it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fecbench.core.errors import RunError
from fecbench.core.strict_json import loads

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


UNFINISHED = ".unfinished"
RESUME = "free space or make it writable, then continue with --resume, or choose another --run-dir (what was there is untouched)"
OUTPUT = "free space or choose another place (what was there is untouched)"
_MASK = os.umask(0)
os.umask(_MASK)
_MODE = 0o666 & ~_MASK


@contextmanager
def replacing(path: Path, remedy: str = RESUME, *, own: bool = False) -> Iterator[Path]:
    """A path to write to; once the block ends without error it replaces ``path`` in one step.

    A link keeps its place, and what is no regular file, such as ``/dev/stdout``, is written to directly.

    Args:
        path: the file.
        remedy: the end of an error's message.
        own: the folder is fecbench's own, so that ``path.unfinished`` can only be what a killed process left there. Elsewhere the draft has
            a name that no file has.

    Raises:
        RunError: the file can't be written (no space, no permission); an earlier file at ``path`` is untouched. It ends in ``remedy``.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        with writing(path, remedy):
            yield path
        return
    draft = place.with_name(place.name + UNFINISHED if own else f".fecbench-{uuid4().hex}{UNFINISHED}")
    try:
        with writing(path, remedy):
            draft.unlink(missing_ok=True)  # what another process left there could be a link to elsewhere
            yield draft
            draft.chmod(_MODE)  # safetensors makes files that only their owner can read
            to_disk(draft)
            draft.replace(place)
            to_disk(place.parent)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path, remedy: str = RESUME) -> Iterator[None]:
    """Name ``path`` and ``remedy`` where the disk fails in the block. Raises RunError then."""
    try:
        yield
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise
        raise RunError(f"{path} can't be written: {reason}; {remedy}") from error


def contained(path: Path, folder: Path) -> Path:
    """``path`` itself, once neither it nor a folder on the way leads out of ``folder``.

    Raises:
        RunError: it does.
    """
    if path.parent == folder and not path.is_symlink():
        return path  # resolving takes ten times as long
    real = path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise RunError(f"{path} must stand in {folder}, but leads to {real}; put the file itself there")
    return path


def own_file(path: Path) -> Path:
    """``path`` itself, once a record's file can stand there: a link would be followed and a pipe waited for, as an output's may.

    Raises:
        RunError: a link to another folder is there, or what is no file.
    """
    with writing(path):
        return regular(contained(path, path.parent))


def refusal(error: Exception) -> str | None:
    """What the operating system refused, in its words, where that is the ``error``.

    >>> refusal(OSError(28, "No space left on device")), refusal(ValueError("no number"))
    ('No space left on device', None)
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) if "(os error " in str(error) else None  # compiled libraries have exceptions of their own


def to_disk(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, will outlive a power cut.

    Raises:
        OSError: the disk refuses a file's content. (A folder is let be where the system can't flush one.)
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
    """Write ``content`` as JSON, whole or not at all."""
    with replacing(own_file(path), own=True) as draft:
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file.

    Raises:
        RunError: it is missing, unreadable, not a JSON object, or a link to another folder.
    """
    try:
        content = loads(regular(contained(path, path.parent)).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} must be a readable JSON file: {error}; restore it or delete the run") from error
    if not isinstance(content, dict):
        raise RunError(f"{path} must hold a JSON object, not {type(content).__name__}; restore it or delete the run")
    return content


def regular(path: Path) -> Path:
    """``path`` itself, once it is a file: opening a pipe would wait for somebody to write."""
    if path.exists() and not path.is_file():
        raise OSError("it isn't a file")
    return path


def write_tensors(path: Path, tensors: "Mapping[str, Tensor]", metadata: Mapping[str, Any] | None = None) -> None:
    """Write ``tensors`` as safetensors, with ``metadata`` as JSON in its header, whole or not at all."""
    from safetensors.torch import save_file

    plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with replacing(
        own_file(path), own=True
    ) as draft:  # one key alone: safetensors shuffles several, and equal runs write equal files
        save_file(plain, draft, metadata={"fecbench": json.dumps(metadata or {}, allow_nan=False)})


def read_tensors(path: Path, device: str = "cpu") -> "tuple[dict[str, Tensor], dict[str, Any]]":
    """Return the tensors and the metadata of a file that :func:`write_tensors` wrote.

    Raises:
        RunError: the file is missing, truncated, of another program, or a link to another folder.
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

    try:
        with safe_open(regular(contained(path, path.parent)), framework=framework, device=device) as file:
            metadata = loads((file.metadata() or {})["fecbench"])
            if not isinstance(metadata, dict):
                raise ValueError(f"its metadata must be an object, found {type(metadata).__name__}")
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118  not a dict
    except (
        OSError,
        SafetensorError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        AttributeError,
    ) as error:  # torch and numpy lack some of its types
        raise RunError(
            f"{path} must be a tensor file written by fecbench: {error!r}; restore it or start the run afresh"
        ) from error
