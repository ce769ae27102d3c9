"""Encoders and heads with a fault are named with it."""

import pytest

from tests.support.judge import TINY

ENCODERS = {
    "no function": ("thing = 3", "must be callable"),
    "no settings": ("def thing(texts): pass", "must be callable and have settings"),
    "settings of a list": ("def thing(texts): pass\nthing.settings = [1]", "must have settings that are a dict"),
    "settings that nobody has": (
        "def thing(texts): pass\nthing.settings = {'rl': 1}",
        "no setting (encoder sick) is called 'rl'",
    ),
    "gives nothing": ("def thing(texts): pass\nthing.settings = {}", "must return a fecbench.EncoderSource"),
    "raises": ("def thing(texts): return texts['a']\nthing.settings = {}", "the encoder 'sick'"),
    "exits": ("import sys\ndef thing(texts): sys.exit()\nthing.settings = {}", "SystemExit"),
    "gives parts of nothing": (
        "from fecbench import EncoderSource\ndef thing(texts): return EncoderSource('a', None, None, None)\n"
        "thing.settings = {}",
        "sick",
    ),
    "gives weights that aren't there": (
        "from fecbench import EncoderSource\nfrom fecbench.model.encoders.scratch import scratch\n"
        "from dataclasses import replace\n"
        "def thing(texts): return replace(scratch(texts), weights='./nowhere')\nthing.settings = {}",
        "can't be built",
    ),
}


@pytest.mark.parametrize(("code", "says"), ENCODERS.values(), ids=ENCODERS)
def test_an_encoder(judge, install, data, code, says):
    install("sick-plugin", "fecbench_encoders", sick="sick_encoder:thing", code=code)
    flags = ["--batch-size", 16, "--epochs", 1, "--head", "linear"]
    judge.refuses("run", "ce", "--dataset", data, "--encoder", "sick", *flags, says=says)


HEAD = """import sys, torch
from torch import nn
from fecbench import Head
class thing(Head):
    def __init__(self, hidden, classes):
        super().__init__(); self.features = hidden; self.l = nn.Linear(hidden, classes)
    def classify(self, z): return self.l(z)
"""
HEADS = {
    "no class": ("thing = 3", "must be a subclass of fecbench.Head"),
    "another class": ("class thing: pass", "must be a subclass of fecbench.Head"),
    "classifies nothing": (HEAD + "    def classify(self, z): return None", ""),
    "classifies labels": (HEAD + "    def classify(self, z): return self.l(z).argmax(1)", ""),
    "classifies one label too many": (
        "from torch import nn\nfrom fecbench import Head\nclass thing(Head):\n"
        "    def __init__(self, hidden, classes):\n"
        "        super().__init__(); self.features = hidden; self.l = nn.Linear(hidden, classes + 1)\n"
        "    def classify(self, z): return self.l(z)",
        "must return logits",
    ),
    "classifies not at all": (
        "from fecbench import Head\nclass thing(Head):\n    def __init__(self, h, c):\n"
        "        super().__init__(); self.features = h",
        "",
    ),
    "raises when built": (HEAD.replace("super().__init__();", "raise ValueError('boom');"), "boom"),
    "exits when built": (HEAD.replace("super().__init__();", "sys.exit(0);"), "SystemExit"),
    "forgets super": (HEAD.replace("super().__init__();", ""), "the head 'sick'"),
    "knows no features": (
        HEAD.replace("self.features = hidden;", ""),
        "must return (network, head) with an integer `features`",
    ),
    "takes other arguments": (HEAD.replace("hidden, classes):", "hidden, classes, more):"), "the head 'sick'"),
    "builds something else": (
        HEAD + "    @classmethod\n    def build(cls, source, task): return 1, 2",
        "the head 'sick'",
    ),
    "defines a method by its old name": (
        HEAD + "    def companions(self): return None",
        ("the head 'sick'", "sick-plugin", "defines companions, which is now called extra_texts"),
    ),
    "projects to nothing": (HEAD + "    def project(self, h): return None", ""),
}


@pytest.mark.parametrize(("code", "says"), HEADS.values(), ids=HEADS)
def test_a_head(judge, install, data, code, says):
    install("sick-plugin", "fecbench_heads", sick="sick_head:thing", code=code)
    judge.refuses(
        "run", "ce", "--dataset", data, *TINY, "--head", "sick", "--pooling", "mean", "--run-dir", "run", says=says
    )
