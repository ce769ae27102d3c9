"""The file ``thresholds.json`` of an exported model that gives a text several labels: the threshold of each label."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fecbench.core.errors import ExportError
from fecbench.core.files import read_json
from fecbench.results.export.labelled_config import PROBLEM_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fecbench.runs.label_decision import LabelDecision


CONFIG = "config.json"
THRESHOLDS = "thresholds.json"


def write(labels: Sequence[str], decision: LabelDecision, folder: Path) -> None:
    """Write the threshold of each label, by name, and check that the written configuration has the same.

    Raises:
        ExportError: the configuration has other labels, another problem type or other thresholds.
    """
    thresholds = dict(zip(labels, decision.thresholds, strict=True))
    text = json.dumps(thresholds, indent=1, ensure_ascii=False) + "\n"
    (folder / THRESHOLDS).write_text(text, encoding="utf-8")
    config = read_json(folder / CONFIG)
    expected = {
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "problem_type": PROBLEM_TYPES["multi"],
        "thresholds": thresholds,
    }
    for key, value in expected.items():
        if config.get(key) != value:
            raise ExportError(
                f"{CONFIG} must have the run's {key}, but transformers wrote {config.get(key)!r}; use another version "
                "of transformers (nothing was written)"
            )
