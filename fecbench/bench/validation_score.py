"""The score by which a benchmark chooses among the trials of a grid or search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.errors import RunError
from fecbench.training.scoring import selection_score

if TYPE_CHECKING:
    from fecbench.runs.record import Record


def validation_score(record: Record | None) -> float | None:
    """Return the validation score of the best epoch, by which a grid and early stopping choose.

    It is accuracy + weighted F1, or for several labels a text mean average precision + LRAP.

    Scores after a stage that follows training don't count, since the stage may be fitted to the validation rows.
    They do count where nothing is trained, and in older records, which hold no others. None if the record isn't
    complete or is broken.
    """
    if record is None or record.status != "complete":
        return None
    try:
        before = record.result_file.validation_score
        scores = record.result_file.metrics.of("validation")
        return selection_score(scores, record.run_file.dataset.labelling) if before is None else before
    except (RunError, KeyError):  # a broken record has no vote
        return None
