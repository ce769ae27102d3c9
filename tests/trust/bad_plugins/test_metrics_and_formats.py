"""A metric with a fault is left out and said; a format with a fault writes no file."""

import json

import pytest

from tests.support.judge import TINY

METRICS = {
    "no function": "thing = 3",
    "None": "thing = None",
    "takes nothing": "def thing(): return 1.0",
    "gives text": "def thing(t, p, c): return 'good'",
    "gives nothing": "def thing(t, p, c): return None",
    "gives NaN": "def thing(t, p, c): return float('nan')",
    "gives infinity": "def thing(t, p, c): return float('inf')",
    "gives a list": "def thing(t, p, c): return [0.5, 0.5]",
    "gives a complex number": "def thing(t, p, c): return 1j",
    "raises": "def thing(t, p, c): raise ValueError('boom')",
    "raises on more than two rows": "def thing(t, p, c): return 1 / (len(t) == 2)",
    "gives NaN on more than two rows": "def thing(t, p, c): return 1.0 if len(t) == 2 else float('nan')",
    "exits": "import sys\ndef thing(t, p, c): sys.exit(0)",
    "exits on more than two rows": "import sys\ndef thing(t, p, c): return 1.0 if len(t) == 2 else sys.exit(0)",
    "never comes back": "def thing(t, p, c): return thing(t, p, c)",
}


@pytest.mark.parametrize("code", METRICS.values(), ids=METRICS)
def test_a_metric_is_left_out_and_said(judge, install, data, code):
    install("sick-plugin", "fecbench_metrics", sick="sick_metric:thing", code=code)
    answer = judge("run", "ce", "--dataset", data, *TINY, "--run-dir", "run", "--json")
    assert answer.code == 0, answer.text
    assert "warning: the metric 'sick'" in answer.text
    found = json.loads(answer.out)["metrics"]["test"]
    assert sorted(found) == ["accuracy", "macro_f1", "weighted_f1"]


FORMATS = {
    "no function": "thing = 3",
    "takes nothing": "def thing(): return ''",
    "gives nothing": "def thing(board): return None",
    "gives bytes": "def thing(board): return b''",
    "raises": "def thing(board): raise ValueError('boom')",
    "exits": "import sys\ndef thing(board): sys.exit(0)",
    "never comes back": "def thing(board): return thing(board)",
}


@pytest.mark.parametrize("code", FORMATS.values(), ids=FORMATS)
def test_a_format(judge, install, code):
    install("sick-plugin", "fecbench_formats", sick="sick_format:thing", code=code)
    judge.refuses(
        "leaderboard", "--published", "--format", "sick", "-o", "board.txt", says=("the format 'sick'", "sick-plugin")
    )
    assert not (judge.folder / "board.txt").exists()
