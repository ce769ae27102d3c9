"""The model card: what the model was trained on and how, its scores, licence of the data, what to cite, and what it can't do."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fecbench import registry
from fecbench.datasets import named as dataset_named
from fecbench.errors import PluginError

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

    from fecbench.export.entries import HubDataset
    from fecbench.prediction import Predictor
    from fecbench.runs import Record

TEMPLATE = Path(__file__).with_name("card.md.jinja")
LIBRARIES = {"hf": "transformers", "onnx": "onnx"}
NAMED_ELSEWHERE = ("dataset", "encoder", "device")  # two of them can be paths of the machine that trained
WORST = 3


def write(record: Record, predictor: Predictor, kind: str, dataset: HubDataset | None, folder: Path, name: str) -> None:
    """Write the card of the model ``name``, exported as ``kind``, to ``README.md`` in ``folder``."""
    from huggingface_hub import ModelCard

    facts = _facts(record, predictor) | {"kind": kind, "name": name}
    card = ModelCard.from_template(_metadata(record, kind, dataset, name), template_path=str(TEMPLATE), **facts)
    card.save(folder / "README.md")


def _metadata(record: Record, kind: str, dataset: HubDataset | None, name: str) -> ModelCardData:
    """What the hub reads. The licence is left to whoever publishes: data and encoder bound it, the record doesn't decide it."""
    from huggingface_hub import EvalResult, ModelCardData

    about = record.about
    data, encoder = about["dataset"], about["encoder"]
    scores = [
        EvalResult(
            task_type="text-classification",
            dataset_type=dataset.id if dataset else data["name"],
            dataset_name=data["title"],
            dataset_split=split,
            metric_type=metric,
            metric_value=score,
        )
        for split, metrics in record.result["metrics"].items()
        for metric, score in metrics.items()
    ]
    return ModelCardData(
        library_name=LIBRARIES[kind],
        pipeline_tag="text-classification",
        tags=["emotion-classification", "fecbench", about["objective"]["name"]],
        base_model=encoder["name"] if encoder["revision"] else None,  # a commit means that it came from the hub
        datasets=[dataset.id] if dataset else None,
        metrics=list(record.result["metrics"]["test"]),
        model_name=name,
        eval_results=scores,
    )


def _facts(record: Record, predictor: Predictor) -> dict[str, Any]:
    """What the card's text is filled with."""
    about, result = record.about, record.result
    encoder = about["encoder"]["name"]
    shown = encoder if about["encoder"]["revision"] else Path(encoder).name
    settings = {key: value for key, value in record.settings().items() if key not in NAMED_ELSEWHERE}
    per_class = result["per_class"]
    return {
        "about": about,
        "result": result,
        "encoder": shown,
        "homepage": _homepage(record),
        "settings": settings,
        "notes": [note.replace(encoder, shown) for note in about["notes"]],
        "worst": sorted(per_class, key=lambda label: per_class[label]["f1"])[:WORST],
        "citation": predictor.objective.citation,
        "bibtex": bibtex(about["objective"]["name"], predictor.objective.citation),
        "fecbench": metadata("fecbench"),
        "cell": _cell,
    }


def _homepage(record: Record) -> str:
    name = str(record.settings()["dataset"])
    with suppress(PluginError):  # a card needs nothing of a broken plugin
        return dataset_named(name).info.homepage if name in registry.datasets else ""
    return ""


def _cell(value: object) -> str:
    """``value`` for a cell of a Markdown table."""
    return str(value).replace("|", r"\|").replace("\n", " ")


def bibtex(key: str, source: str) -> str:
    r"""An entry for a source that is known as one line.

    >>> print(bibtex("supcon", "Khosla & al. 2020"))
    @misc{supcon,
      note = {{Khosla \& al. 2020}},
    }
    """
    escaped = re.sub(r"([&%$#_])", r"\\\1", re.sub(r"[{}\\]", "", source))
    return f"@misc{{{key},\n  note = {{{{{escaped}}}}},\n}}"
