"""Metrics and predictions that write into their arguments change no figure."""

import json
import textwrap

import pytest

from tests.support.judge import TINY
from tests.support.objectives import OBJECTIVE


def test_a_metric_that_writes_into_its_arguments_changes_no_figure(judge, install, data):
    plain = judge("run", "ce", "--dataset", data, *TINY, "--run-dir", "a", "--json")
    install(
        "sick-plugin",
        "fecbench_metrics",
        aaa="sick_writer:thing",
        code="def thing(t, p, c):\n    t[:] = p\n    return 1.0",
    )
    written = judge("run", "ce", "--dataset", data, *TINY, "--run-dir", "b", "--json")
    ours, theirs = (json.loads(answer.out) for answer in (plain, written))
    assert theirs["metrics"]["test"].pop("aaa") == 1
    assert ours["metrics"]["test"] == theirs["metrics"]["test"]
    assert ours["confusion_matrix"] == theirs["confusion_matrix"]


WRITERS = {
    "the rows": "batch.rows.zero_()",
    "the labels": "batch.labels.zero_()",
    "the tokens": "batch.tokens.ids.zero_()",
}


@pytest.mark.parametrize("line", WRITERS.values(), ids=WRITERS)
def test_a_prediction_that_writes_into_its_batch_changes_no_figure(judge, install, data, line):
    """Predictions belong to their rows, and later batches hold the same texts."""
    body = (
        f"def predict(self, batch, model):\n    logits = super().predict(batch, model)\n    {line}\n    return logits"
    )
    code = OBJECTIVE.replace("{body}", textwrap.indent(body, "    "))
    install("sick-plugin", "fecbench_objectives", sick="sick_writer_of_batches:Thing", code=code)
    install("sound-plugin", "fecbench_objectives", sound="sound_objective:Thing", code=OBJECTIVE.replace("{body}", ""))
    found = [
        judge("run", name, "--dataset", data, *TINY, "--epochs", 2, "--run-dir", name, "--json")
        for name in ("sick", "sound")
    ]
    ours, theirs = (json.loads(answer.out) for answer in found)
    assert ours["metrics"] == theirs["metrics"]
