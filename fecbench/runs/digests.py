"""Digests stored in `result.json` that detect truncated, edited or swapped record files.

They guard against accidents, not against forgers (ADR 15). Records of older versions lack digests and are read as they
are.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from fecbench.core.files import regular
from fecbench.runs.identity import computation, computation_as_given

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from torch import Tensor


TIMES = ("train_seconds", "texts_per_second", "seconds")  # equal runs differ in them
SEAL = "seal"


def run_digest(about: Mapping[str, Any]) -> str:
    """Return the digest of a run's computation (:func:`~fecbench.runs.identity.computation`) from ``run.json``."""
    return _of_json(computation(about))


def older_run_digest(about: Mapping[str, Any]) -> str:
    """Return the digest of a run's computation with local paths as given, as versions up to 0.7.0 wrote it."""
    return _of_json(computation_as_given(about))


def result_digest(result: Mapping[str, Any]) -> str:
    """Return the digest of ``result.json`` without its digests and its times."""
    return _of_json({key: value for key, value in result.items() if key not in (SEAL, *TIMES)})


def tensor_digest(tensors: Mapping[str, Tensor | np.ndarray]) -> str:
    """Return the digest of tensors: their names, types, shapes and values, in the order of the names."""
    # Of tensors, not of their file: safetensors orders its header at random (ADR 15).
    return _of_named(tensors, lambda name, tensor: f"{name}\0{_type_name(tensor)}\0{list(tensor.shape)}\0")


def state_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the digest of names and values of an encoder's weights (not of types and shapes), as in ``run.json``."""
    return _of_named(tensors, lambda name, _: f"{name}\0")


def _of_named(tensors: Mapping[str, Tensor | np.ndarray], heading: Callable[[str, Tensor | np.ndarray], str]) -> str:
    """Return the digest of each tensor's ``heading`` and bytes."""
    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        sha.update(heading(name, tensor).encode())
        sha.update(_content(tensor))
    return sha.hexdigest()


def _content(tensor: Tensor | np.ndarray) -> bytes | memoryview:
    """Return the bytes of a tensor. numpy lacks bfloat16, so torch's tensors are viewed as bytes first."""
    if hasattr(tensor, "detach"):
        import torch

        tensor = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return tensor.tobytes()


def _type_name(tensor: Tensor | np.ndarray) -> str:
    """Return the name of a tensor's type as torch writes it."""
    return str(tensor.dtype) if hasattr(tensor, "detach") else f"torch.{tensor.dtype}"


def file_digest(*paths: Path) -> str:
    """Return the digest of files: their names and contents. Raises OSError if one can't be read."""
    return content_digest({path.name: regular(path).read_bytes() for path in sorted(paths)})


def content_digest(contents: Mapping[str, bytes]) -> str:
    """Return the digest of files' contents by name, in the order given."""
    sha = hashlib.sha256()
    for name, content in contents.items():
        sha.update(f"{name}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def _of_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
