"""What a run's numbers depend on besides its settings: package versions and source code."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn


PACKAGES = (
    "fecbench",
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "datasets",
    "numpy",
    "scikit-learn",
    "safetensors",
)


@dataclass(frozen=True)
class Content:
    """What a run is of, by digest, besides its method: its rows and its code."""

    rows: str
    code: str

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Content:
        """The content of a record's ``run.json``."""
        return cls(about["dataset"]["fingerprint"], about["code"])

    def difference(self, other: Content) -> str:
        """What of it is another than in ``other``, in words; empty where nothing is."""
        if self.rows != other.rows:
            return "the rows of its data"
        return "" if self.code == other.code else "the code of fecbench or of one of its plugins"


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a run's numbers."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def weights_version(network: nn.Module) -> str:
    """SHA-256 of a network's parameters and buffers, by name."""
    sha = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        sha.update(name.encode() + b"\0")
        sha.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return sha.hexdigest()


def code_version(*plugins: object) -> str:
    """SHA-256 of the sources of fecbench's core and of the packages that ``plugins`` come from (:func:`source_versions`)."""
    sha = hashlib.sha256()
    for package, digest in source_versions(*plugins).items():
        sha.update(f"{package}\0{digest}\0".encode())
    return sha.hexdigest()


def source_versions(*plugins: object) -> dict[str, str]:
    """SHA-256 of sources by package: fecbench's core, and the packages (or modules, where they are one file) that ``plugins`` come from."""
    packages = [getattr(plugin, "__module__", type(plugin).__module__).partition(".")[0] for plugin in plugins]
    return {package: _source_version(package) for package in dict.fromkeys(["fecbench", *packages])}


def _source_version(package: str) -> str:
    origin = getattr(sys.modules.get(package), "__file__", None)
    folders = [
        Path(folder) for folder in getattr(sys.modules.get(package), "__path__", ())
    ]  # a namespace package has no file
    if origin is None and not folders:
        return "interactive"
    sha = hashlib.sha256()
    path = Path(origin) if origin else folders[0] / "__init__.py"
    sources = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    for source in sources:
        sha.update(source.relative_to(path.parent).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    return sha.hexdigest()
