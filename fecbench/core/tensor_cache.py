"""Cache the results of slow functions on disk.

The folder ``fecbench/tensors`` in the user's cache folder (``XDG_CACHE_HOME``) holds one file for each result, named
by a digest of all that determines it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, ParamSpec, TypeGuard

from platformdirs import user_cache_path

from fecbench.core.errors import RunError
from fecbench.core.files import read_tensors, write_tensors
from fecbench.core.sources import INTERACTIVE, source_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

P = ParamSpec("P")
RESULT, CHECKSUM = "result", "checksum"


def cached_on_disk(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Return ``function`` with its results cached on disk, such as those of a stage that is the same for all seeds.

    ``function`` must return a tensor on the CPU that follows from its arguments alone: numbers, texts, None, and
    tuples, lists, dataclasses and dicts (with texts as keys) of them. Its package's source code, torch's version and
    the processor's instruction set belong to what determines a result too: if any of them changes, the result is
    computed anew.

    So is a damaged file. A cache that can't be written costs time and is no error. A function that was typed into an
    interpreter isn't cached, since changes of it would go unnoticed.

    Raises:
        TypeError: (when called) an argument has another type, such as a tensor, or a dict has a key that is no text.
    """

    @wraps(function)
    def cached(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        sources = source_digest((function.__module__ or "").partition(".")[0])
        if sources == INTERACTIVE:
            return function(*args, **kwargs)
        bound = signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        path = user_cache_path("fecbench") / "tensors" / f"{_key(function, bound.arguments, sources)}.safetensors"
        result = _read(path)
        if result is None:
            result = function(*args, **kwargs).detach().contiguous()
            _write(path, result)
        return result

    return cached


def _key(function: Callable[..., Tensor], arguments: Mapping[str, object], sources: str) -> str:
    """Return a digest of all that determines the result."""
    import torch

    rounding = [torch.__version__, torch.backends.cpu.get_cpu_capability()]
    parts = [function.__module__, function.__qualname__, arguments, sources, rounding]
    return hashlib.sha256(json.dumps(_plain(parts)).encode()).hexdigest()


def _plain(value: object) -> object:
    """Return a value as JSON holds it without mistaking it for another; a dataclass with the name of its class.

    Raises:
        TypeError: it is something else. The text of a tensor or an object needn't tell it from another one, and JSON
            turns keys into texts.
    """
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        of_class = f"{type(value).__module__}.{type(value).__qualname__}"
        return [of_class, {field.name: _plain(getattr(value, field.name)) for field in fields(value)}]
    if isinstance(value, str | int | float | None):
        return value
    raise TypeError(
        "arguments of a function that is cached on disk must be numbers, texts, None, or tuples, lists, dicts with "
        f"texts as keys and dataclasses of them, found {_found(value)}; pass what it is made from"
    )


def _found(value: object) -> str:
    if not isinstance(value, dict):
        return type(value).__name__
    return f"the key {next(key for key in value if not isinstance(key, str))!r:.100}"


def _read(path: Path) -> Tensor | None:
    """Return the tensor that :func:`_write` wrote, or None if the file is missing or damaged."""
    try:
        tensors, about = read_tensors(path)
    except RunError:
        return None
    result = tensors.get(RESULT)
    return result if _has_content(result) and about.get(CHECKSUM) == _checksum(result) else None


def _write(path: Path, result: Tensor) -> None:
    if not _has_content(result):
        return
    with suppress(OSError, RunError):  # without a cache the result is computed in every run
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, {RESULT: result}, {CHECKSUM: _checksum(result)}, own=False)


def _has_content(result: Tensor | None) -> TypeGuard[Tensor]:
    """Return True for a plain tensor. A fake one, from a check without a GPU, has a shape and no numbers."""
    import torch

    return type(result) is torch.Tensor


def _checksum(tensor: Tensor) -> str:
    """Return a digest of type, shape and content; safetensors itself checks sizes alone."""
    import torch

    sha = hashlib.sha256(f"{tensor.dtype} {list(tensor.shape)}".encode())
    sha.update(tensor.flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()
