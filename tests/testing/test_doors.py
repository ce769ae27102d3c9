"""The conformance kits: built-in plugins pass, and a plugin that breaks a rule fails with the reason."""

import json
import sys

import pytest

from fecbench.core import registry
from fecbench.testing.running import KITS, kit_of, outcomes

BUILT_IN = [(one.kind, name) for one in registry.ALL if one.kind in KITS for name in one]

DATASET = """
from fecbench import DatasetInfo, EmotionData, FecbenchError, Source
from datasets import Dataset

ROWS = [{"text": f"{word} {n}", "label": label} for n in range(4) for label, word in enumerate(("sunny", "rainy"))]

class Moods:
    info = DatasetInfo("moods", "moods, made up", "MIT", "", (8, 8, 8), 2, {"epochs": 3})
    loads = 0

    def source(self, places):
        return Source("here")

    def load(self, places):
        rows = ROWS
        splits = {name: Dataset.from_list(rows) for name in ("train", "validation", "test")}
        return EmotionData(self.info, ("sunny", "rainy"), splits, "here")
"""
ENCODER = """
import torch
from fecbench.model.encoders.scratch import Scratch
from transformers import AutoConfig, AutoModel, BertConfig, BertModel

class Encoder(Scratch):
    settings = {"lr": 1e-3}
"""
HEAD = """
import torch
from fecbench import Head

class Thing(Head):
    def __init__(self, hidden, classes):
        super().__init__()
        self.features = hidden
        self.layer = torch.nn.Linear(hidden, classes)

    def classify(self, z):
        return self.layer(z)
"""
BROKEN = {
    "a data set that raises": (
        "datasets",
        DATASET + "    def load(self, places): raise ValueError('boom')\nthing = Moods()",
        "boom",
    ),
    "a data set of other rows than it says": (
        "datasets",
        DATASET.replace("(8, 8, 8)", "(9, 8, 8)") + "\nthing = Moods()",
        "rows as in info.rows, (9, 8, 8), found (8, 8, 8)",
    ),
    "a data set that changes": (
        "datasets",
        DATASET.replace("rows = ROWS", "Moods.loads += 1; rows = [*ROWS[:7], {**ROWS[7], 'text': str(self.loads)}]")
        + "\nthing = Moods()",
        "other rows from the second",
    ),
    "a data set under another name": (
        "datasets",
        DATASET.replace('"moods",', '"mud",') + "\nthing = Moods()",
        "info.name",
    ),
    "a data set with unknown settings": (
        "datasets",
        DATASET.replace('"epochs"', '"epoches"') + "\nthing = Moods()",
        "unknown: epoches",
    ),
    "a data set whose source is text": (
        "datasets",
        DATASET + "    def source(self, places): return 'here'\nthing = Moods()",
        "a fecbench.Source, found str",
    ),
    "an encoder that raises": (
        "encoders",
        "class E:\n settings = {}\n def __call__(self, texts): raise ValueError('boom')\nthing = E()",
        "boom",
    ),
    "an encoder that gives nothing": (
        "encoders",
        "class E:\n settings = {}\n def __call__(self, texts): return None\nthing = E()",
        "must return a fecbench.EncoderSource",
    ),
    "an encoder with unknown settings": (
        "encoders",
        ENCODER + "thing = Encoder()\nthing.settings = {'learning_rate': 1}",
        "unknown: learning_rate",
    ),
    "a head of other logits": (
        "heads",
        HEAD.replace("(hidden, classes)\n\n", "(hidden, 7)\n\n") + "thing = Thing",
        "logits [4, 3], found [4, 7]",
    ),
    "a head that detaches": (
        "heads",
        HEAD.replace("(z)\n", "(z.detach())\n") + "thing = Thing",
        "the head detaches its input",
    ),
    "a head with an idle layer": (
        "heads",
        HEAD.replace("        self.features", "        self.idle = torch.nn.Linear(2, 2)\n        self.features")
        + "thing = Thing",
        "none for idle.weight, idle.bias",
    ),
    "a head that looks around": (
        "heads",
        HEAD.replace("(z)\n", "(z - z.mean(0))\n") + "thing = Thing",
        "the same logits of a text alone and in a batch",
    ),
    "a head that forgets": (
        "heads",
        HEAD.replace(
            "        self.features", "        self.shift = torch.rand(classes)\n        self.features"
        ).replace("(z)\n", "(z) + self.shift\n")
        + "thing = Thing",
        "keep state in parameters and buffers",
    ),
    **{
        f"a head that defines {old}": (
            "heads",
            HEAD + f"    def {old}(self, *states): pass\nthing = Thing",
            f"defines {old}, which is now called {new}; rename the method",
        )
        for old, new in (("companions", "extra_texts"), ("accompany", "set_extra_states"), ("fold", "precompute"))
    },
    "a metric that gives NaN": (
        "metrics",
        "def thing(true, predicted, classes): return float('nan') if (true != predicted).all() else 1.0",
        "nan",
    ),
    "a metric that counts": (
        "metrics",
        "import numpy as np\ndef thing(t, p, c): return np.bincount(p).max() / len(t)",
        "ValueError",
    ),
    "a metric of the first row": (
        "metrics",
        "def thing(true, predicted, classes): return float(predicted[0])",
        "the same score for the same rows",
    ),
    "a metric with an unprintable exception": (
        "metrics",
        "class Odd(Exception):\n    def __str__(self): raise ValueError\ndef thing(*rows): raise Odd",
        "Odd",
    ),
    "a format that raises": ("formats", "def thing(board): return board.tables[0].title + board.title", "IndexError"),
    "a format that gives bytes": ("formats", "def thing(board): return b''", "must return text"),
    "a format without rows": ("formats", "def thing(board): return board.title", "the name of each method"),
}


@pytest.mark.parametrize(("kind", "name"), BUILT_IN, ids=lambda value: value)
def test_what_is_built_in_conforms(kind, name):
    assert not [outcome.failure for outcome in outcomes(kit_of(kind, name)) if outcome.failure]


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_a_rule_is_told(fecbench, install, case):
    kind, code, says = BROKEN[case]
    install("sick-plugin", f"fecbench_{kind}", moods=f"sick_{'_'.join(case.split())}:thing", code=code)
    status, out, err = fecbench("check", "moods", "--json")
    assert status == 1, out + err
    (failure, *_) = [row["failure"] for row in json.loads(out) if row["failure"]]
    assert "required: " in failure
    assert "of sick-plugin 1.0" in failure
    assert says in " ".join(row["failure"] for row in json.loads(out)).replace("\n  found:    ", ", found ")


@pytest.mark.slow
def test_plugins_check_tries_what_it_lists(fecbench, install):
    install("sick-plugin", "fecbench_datasets", moods="sick_moods:thing", code=BROKEN["a data set that raises"][1])
    code, out, _ = fecbench("plugins", "--check", "--json")
    assert code == 1
    assert {row["name"]: row["problem"] for row in json.loads(out) if row["problem"]} == {
        "moods": "the data set 'moods' (sick_moods:thing of sick-plugin 1.0) failed at "
        f"{sys.modules['sick_moods'].__file__}:18: ValueError: boom; fix or uninstall the plugin"
    }
    assert "isn't in" in next(row["not tried"] for row in json.loads(out) if row["name"] == "ed-prepared")


def test_a_data_set_that_is_elsewhere_is_skipped_and_not_broken(fecbench, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, out, err = fecbench("check", "ed-prepared")
    assert code == 0
    assert "skip   its rows load: ed-prepared isn't in " in out
    assert "2 skipped" in err


def test_a_file_of_a_data_set_that_is_broken_is_a_failure(fecbench, tmp_path, monkeypatch):
    (tmp_path / "ed-prepared").mkdir()
    for file in ("train.csv", "valid.csv", "test.csv"):
        (tmp_path / "ed-prepared" / file).write_text("nothing,of,the,kind\n")
    monkeypatch.setenv("FECBENCH_DATA", str(tmp_path))
    code, out, _ = fecbench("check", "ed-prepared")
    assert code == 1
    assert "FAILED its rows load" in out


def test_a_name_of_two_kinds_is_checked_as_the_kind_that_is_asked_for(fecbench, install):
    install(
        "twins", "fecbench_metrics", demo="twin_metric:thing", code="def thing(true, predicted, classes): return 0.5"
    )
    code, _, err = fecbench("check", "demo")
    assert code == 2
    assert "'demo' names several, in datasets and metrics; add --kind datasets" in err
    assert fecbench("check", "demo", "--kind", "metrics")[0] == 0
    assert fecbench("check", "hypemo", "--kind", "heads")[0] == 0
