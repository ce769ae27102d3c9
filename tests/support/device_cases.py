"""The methods and variants that are checked on a CUDA device, and what is recorded of each."""

import json
from pathlib import Path

from fecbench.core import registry
from fecbench.objective.check import get_objective
from fecbench.testing.device_check.measure import Case
from fecbench.testing.device_check.report import DeviceReport
from fecbench.testing.subject import subject_of
from tests.support import ROOT

BUDGETS = ROOT / "tests" / "cuda" / "operations.json"
ENCODER = "tiny-roberta"
VARIANTS = {
    "ce, linear head, mean": ("ce", {"head": "linear", "pooling": "mean"}),
    "ce, mlp head": ("ce", {"head": "mlp"}),
    "ce, label head": ("ce", {"head": "label"}),
    "ce, clipped": ("ce", {"clip": 1.0, "no_decay_norm_bias": True}),
    "ce, padded": ("ce", {"packing": False}),
    "ce, class weights": ("ce", {"class_weights": "effective"}),
    "ce, logit adjustment": ("ce", {"logit_adjust": 1.0}),
    "aml, batch-topk": ("aml", {"strategy": "batch-topk"}),
    "aml, two steps of each": ("aml", {"discriminator_steps": 2, "encoder_steps": 2}),
    "supcon, projector": (
        "supcon",
        {"projector": True, "contrast_mode": "one", "empty_anchor": "skip", "base_temperature": 0.07},
    ),
    "sacl, supcon": ("sacl", {"scl": "supcon", "space": "hidden", "weigh_classes": True, "focal_gamma": 1.0}),
    "sacl, first layer": ("sacl", {"attack": "embeddings_and_first_layer"}),
    "sacl, inputs": ("sacl", {"attack": "input_embeddings"}),
    "sacl, inputs, padded": ("sacl", {"attack": "input_embeddings", "packing": False}),
    "cdp-mlm, texts": ("cdp-mlm", {"rho": 1.0}),
    "cdp-mlm, pairs": ("cdp-mlm", {"rho": 0.0}),
    "cdp-mlm, pairs, random head": ("cdp-mlm", {"rho": 0.0, "mlm_head": "random"}),
    "emoberta, framed": ("emoberta", {"frame": "past", "speaker": "joey"}),
}
TRAINED = {name: (name, {}) for name in registry.objectives if get_objective(name).trains}
LABELS = [*TRAINED, *VARIANTS]

SETS = {"dataset": "demo-multi"}
ON_LABEL_SETS = {
    "aml, sets": ("aml", SETS),
    "aml, sets, cooccurrence": ("aml", {**SETS, "overlap": "cooccurrence", "slope": "linear", "neutral": "label"}),
    "aml, single labels, cooccurrence": ("aml", {"overlap": "cooccurrence", "cooccurrence_from": "demo-multi"}),
    "aml-uniform, sets": ("aml-uniform", {**SETS, "overlap": "agreement"}),
    "aml-threshold, sets": ("aml-threshold", SETS),
    "aml-released, sets": ("aml-released", SETS),
    "supcon, sets": ("supcon", SETS),
    "supcon, sets, cooccurrence": ("supcon", {**SETS, "overlap": "cooccurrence", "divide_by": "count"}),
    "sacl, sets": ("sacl", {**SETS, "focal_gamma": 1.0}),
    "sacl, sets, supcon": ("sacl", {**SETS, "scl": "supcon", "neutral": "label"}),
    "taco, sets": ("taco", SETS),
    "lcl, sets": ("lcl", {**SETS, "overlap": "agreement"}),
    "r-drop, sets": ("r-drop", SETS),
}


def case(label: str) -> Case:
    """The method and the settings of a label."""
    method, options = {**TRAINED, **VARIANTS, **ON_LABEL_SETS}[label]
    settings = {"encoder": ENCODER, **options}
    return Case(method, subject_of(method, tuple(sorted(settings.items()))).flags)


def counts(report: DeviceReport) -> dict[str, int]:
    """The numbers that are recorded of a method."""
    step = report.parts["step"]
    return {
        "operations": report.operations(),
        "copies": report.copies(),
        "blocking_copies": sum(count for kind, count in step.copies.items() if "blocking" in kind),
        "pageable_copies": sum(count for kind, count in step.copies.items() if "pageable" in kind),
        "waits": report.waits(),
        "prediction_operations": report.operations("prediction"),
        "prediction_waits": report.waits("prediction"),
    }


def recorded(file: Path = BUDGETS) -> dict[str, dict[str, int]]:
    """The recorded numbers of each label."""
    return json.loads(file.read_text(encoding="utf-8"))
