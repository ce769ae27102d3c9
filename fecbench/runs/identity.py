"""Decide whether two runs are the same computation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from fecbench.core import registry
from fecbench.model.heads import get_head
from fecbench.objective.check import get_objective
from fecbench.runs import provenance
from fecbench.training import devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accelerate import Accelerator

    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.runs.plan import Plan


def identify(plan: Plan, data: EmotionData, accelerator: Accelerator) -> dict[str, Any]:
    """What makes two runs the same: objective, data, settings, code, and what it is computed on."""
    origin, precision = (
        registry.objectives.origin(plan.name),
        devices.precision(plan.settings.precision, accelerator.device),
    )
    packages = plugins(plan.name, plan.settings.head, plan.settings.encoder)
    return {
        "device": torch.cuda.get_device_name(precision.device)
        if precision.device.type == "cuda"
        else precision.device.type,
        "precision": "bf16" if precision.bf16 else "float32",
        "ranks": accelerator.num_processes,
        "versions": provenance.package_versions(),
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
        },
        "settings": {key: {"value": setting.value, "origin": setting.origin} for key, setting in plan.origins.items()},
        "code": provenance.code_version(*packages),
        "sources": provenance.source_versions(*packages),
    }


def plugins(name: str, head: str, encoder: str) -> list[object]:
    """What of a run comes in through entry points: objective, head and encoder."""
    return [
        get_objective(name),
        get_head(head),
        *([registry.encoders.get(encoder)] if encoder in registry.encoders else []),
    ]


def _difference(about: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    """In words, the first thing in which a record is another run than ``identity``; empty where it is the same."""
    if about["objective"]["name"] != identity["objective"]["name"]:
        return f"its objective was {about['objective']['name']}"
    for key, setting in identity["settings"].items():
        recorded = about["settings"].get(key, {}).get("value")
        if recorded != setting["value"]:
            return f"its {key} was {recorded}, not {setting['value']}"
    if about["dataset"]["fingerprint"] != identity["dataset"]["fingerprint"]:
        return "its data was other rows"
    if any(about["dataset"][key] != identity["dataset"][key] for key in ("labels", "label_texts")):
        return "its labels stood in another order or were described otherwise"
    for key in ("device", "precision", "ranks", "versions"):
        if about[key] != identity[key]:
            return f"its {key} was {about[key]}, not {identity[key]}"
    return (
        "" if about["code"] == identity["code"] else "the code of fecbench or of one of its plugins has changed since"
    )
