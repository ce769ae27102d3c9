"""Collect what a run's numbers depend on besides its settings: package versions, source code, device and weights."""

from __future__ import annotations

import hashlib
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import torch

from fecbench.core import registry
from fecbench.core.sources import source_digest
from fecbench.model.heads import get_head
from fecbench.objective.check import get_objective
from fecbench.runs.digests import state_digest
from fecbench.training import devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accelerate import Accelerator
    from torch import nn

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.plan import Plan


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


def identify(plan: Plan, data: EmotionData, accelerator: Accelerator) -> dict[str, Any]:
    """Return what identifies a computation, as in ``run.json``: objective, data, settings, code, versions, device."""
    origin = registry.objectives.origin(plan.name)
    precision = devices.precision(plan.settings.precision, accelerator.device)
    is_cuda = precision.device.type == "cuda"
    sources = source_digests(*plugins(plan.name, plan.settings.head, plan.settings.encoder))
    return {
        "device": torch.cuda.get_device_name(precision.device) if is_cuda else precision.device.type,
        "precision": "bf16" if precision.bf16 else "float32",
        "ranks": accelerator.num_processes,
        "versions": package_versions(),
        "objective": {
            "name": plan.name,
            "distribution": origin.distribution,
            "version": origin.version,
            "variant_of": plan.objective.variant_of,
        },
        "dataset": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "labels": list(data.labels),
            "label_texts": list(data.label_texts),
            **({"whole": data.whole} if data.whole else {}),
            **_labelling(data),
        },
        "settings": {key: {"value": setting.value, "origin": setting.origin} for key, setting in plan.origins.items()},
        "code": code_digest(sources),
        "sources": sources,
    }


def _labelling(data: EmotionData) -> dict[str, Any]:
    """Return what tells the labels from those of texts with one label each; {} if there is nothing."""
    if data.one_label:
        return {}
    return {"labelling": data.labelling, "background": list(data.info.background), "soft": data.info.soft}


def plugins(name: str, head: str, encoder: str) -> list[object]:
    """Return a run's plugins: its objective, its head, and its encoder if that is a registered one."""
    found = [get_objective(name), get_head(head)]
    return [*found, registry.encoders.get(encoder)] if encoder in registry.encoders else [*found]


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run's numbers depend on."""
    versions = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def weights_digest(network: nn.Module) -> str:
    """Return the digest of a network's parameters and buffers."""
    return state_digest(network.state_dict())


def code_digest(sources: Mapping[str, str]) -> str:
    """Return one digest of the sources of several packages, given their digests (:func:`source_digests`)."""
    sha = hashlib.sha256()
    for package, digest in sources.items():
        sha.update(f"{package}\0{digest}\0".encode())
    return sha.hexdigest()


def source_digests(*plugins: object) -> dict[str, str]:
    """Return digests of sources by package: of fecbench's core, and of each plugin's package or single-file module."""
    packages = [getattr(plugin, "__module__", type(plugin).__module__).partition(".")[0] for plugin in plugins]
    return {package: source_digest(package) for package in dict.fromkeys(["fecbench", *packages])}
