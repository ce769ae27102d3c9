"""What ties the files of a record together: digests in ``result.json``, by which a file that was cut, edited or swapped is told.

They guard against accidents, not against forgers. A record that has none, of an older fecbench, is read as it is.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from fecbench.core.files import regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor


LOCAL_SETTINGS = ("dataset", "encoder", "device")  # a published copy names what is local by its base name
TIMES = ("train_seconds", "texts_per_second", "seconds")  # equal runs differ in them
SEAL = "seal"


def of_run(about: Mapping[str, Any]) -> str:
    """Digest of what makes a run that run, in ``run.json``: objective, rows, labels, settings, code, precision and length of texts."""
    settings = {key: setting["value"] for key, setting in about["settings"].items() if key not in LOCAL_SETTINGS}
    dataset = about["dataset"]
    rows = [dataset["fingerprint"], list(dataset["labels"]), dataset.get("label_texts")]
    return _of_json(
        [about["objective"]["name"], rows, settings, about["code"], about.get("precision"), about.get("max_length")]
    )


def of_result(result: Mapping[str, Any]) -> str:
    """Digest of ``result.json`` without its seal and its times."""
    return _of_json({key: value for key, value in result.items() if key not in (SEAL, *TIMES)})


def of_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Digest of tensors by name; the order in which a file holds them doesn't matter."""
    import torch

    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name}\0{tensor.dtype}\0{list(tensor.shape)}\0".encode())
        sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def of_files(*paths: Path) -> str:
    """Digest of files by name. Raises OSError where one can't be read."""
    sha = hashlib.sha256()
    for path in sorted(paths):
        content = regular(path).read_bytes()
        sha.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return sha.hexdigest()


def _of_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
