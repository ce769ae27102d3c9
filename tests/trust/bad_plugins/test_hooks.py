"""A hook with a fault is dropped and said, and hides no failure."""

import json
from pathlib import Path

import pytest

from tests.support.judge import TINY
from tests.support.objectives import OBJECTIVE

HOOKS = {
    "an unknown hook": ("@hookimpl\ndef run_startet(run): pass", "doesn't fit fecbench's hooks"),
    "an unknown argument": ("@hookimpl\ndef run_started(walk): pass", "doesn't fit fecbench's hooks"),
    "raises at the start": (
        "@hookimpl\ndef run_started(run): raise ValueError('boom')",
        "failed at run_started and was dropped",
    ),
    "raises at an epoch": (
        "@hookimpl\ndef epoch_finished(run): raise ValueError('boom')",
        "failed at epoch_finished and was dropped",
    ),
    "raises at the end": (
        "@hookimpl\ndef run_finished(run): raise ValueError('boom')",
        "failed at run_finished and was dropped",
    ),
    "exits at the start": (
        "import sys\n@hookimpl\ndef run_started(run): sys.exit(0)",
        "failed at run_started and was dropped",
    ),
    "exits at the end": (
        "import sys\n@hookimpl\ndef run_finished(run): sys.exit(0)",
        "failed at run_finished and was dropped",
    ),
    "steers": ("@hookimpl\ndef run_started(run): run.epochs = 0", "failed at run_started and was dropped"),
    "commands that are None": ("@hookimpl\ndef commands(): return [None]", "adds no commands"),
    "commands that raise": ("@hookimpl\ndef commands(): raise ValueError", "adds no commands"),
    "commands that exit": ("import sys\n@hookimpl\ndef commands(): sys.exit(0)", "adds no commands"),
    "commands that are text": ("@hookimpl\ndef commands(): return 'run'", "adds no commands"),
}


@pytest.mark.parametrize(("code", "says"), HOOKS.values(), ids=HOOKS)
def test_a_hook_is_dropped_and_said(judge, install, data, code, says):
    install("sick-plugin", "fecbench", sick="sick_hook", code=f"from fecbench import hookimpl\n{code}")
    command = ["--help"] if "commands" in code else ["run", "ce", "--dataset", data, *TINY, "--run-dir", "run"]
    answer = judge(*command)
    assert answer.code == 0, answer.text
    assert "sick" in answer.text
    assert says in answer.text


def test_a_hook_that_fails_hides_no_failure(judge, install, data):
    """An observer's own error at the end of a failed run doesn't replace the run's."""
    install(
        "sick-plugin",
        "fecbench",
        sick="sick_end",
        code="from fecbench import hookimpl\n@hookimpl\ndef run_failed(run): raise ValueError('b')",
    )
    body = "    def updates(self, batch, model):\n        raise KeyError('the cause')\n        yield"
    install("other-plugin", "fecbench_objectives", other="sick_cause:Thing", code=OBJECTIVE.format(body=body))
    judge.refuses("run", "other", "--dataset", data, *TINY, "--run-dir", "run", says="the cause")
    assert "the cause" in json.loads(Path("run/failure.json").read_text())["message"]
