"""Broken plugins of every kind are named with their fault, hurt no other plugin, and leave no figure."""

import json
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.judge import TINY
from tests.support.toy_data import write_toy

IMPORTS = {
    "nowhere": ("no_such_module:Thing", "", "ModuleNotFoundError"),
    "no such name": ("sick:Nothing", "x = 1", "AttributeError"),
    "an odd address": ("sick:a b:c", "", "can't be imported"),
    "an empty address": ("", "", "can't be imported"),
    "a private folder": (".sick:Thing", "", "can't be imported"),
    "syntax": ("sick:Thing", "def (", "SyntaxError"),
    "indentation": ("sick:Thing", "if 1:\nx = 1", "IndentationError"),
    "a missing package": ("sick:Thing", "import no_such_package", "ModuleNotFoundError"),
    "an exception": ("sick:Thing", "raise ValueError('boom')", "boom"),
    "an exception without words": ("sick:Thing", "raise ValueError", "ValueError"),
    "an exception that can't be printed": (
        "sick:Thing",
        "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
        "Odd",
    ),
    "division": ("sick:Thing", "1 / 0", "ZeroDivisionError"),
    "an exit": ("sick:Thing", "import sys; sys.exit(0)", "SystemExit"),
    "an exit with words": ("sick:Thing", "raise SystemExit('bye')", "bye"),
    "endless recursion": ("sick:Thing", "def f(): return f()\nf()", "RecursionError"),
    "an assertion": ("sick:Thing", "assert False", "AssertionError"),
    "a cycle": ("sick:Thing", "from sick import Thing", "ImportError"),
    "no memory": ("sick:Thing", "raise MemoryError", "MemoryError"),
    "a missing file": ("sick:Thing", "open('/no/such/file')", "FileNotFoundError"),
    "null bytes": ("sick:Thing", "x = 1\0", "can't be imported"),
}
USES = {
    "objectives": ["run", "sick", "--dataset", "demo"],
    "datasets": ["run", "ce", "--dataset", "sick"],
    "encoders": ["run", "ce", "--dataset", "demo", "--encoder", "sick"],
    "heads": ["run", "ce", "--dataset", "demo", "--head", "sick"],
}


def crossed(kinds: Iterable[str]) -> list[Any]:
    """Every fault in every kind: all of the first kind and a few of each always, the others marked ``trust``."""
    first, *_ = kinds
    few = ("nowhere", "syntax", "an exit")
    cases = [(kind, fault) for kind in kinds for fault in IMPORTS]
    rare = {case: [] if case[0] == first or case[1] in few else [pytest.mark.trust] for case in cases}
    return [
        pytest.param(kind, *IMPORTS[fault], id=f"{kind}: {fault}", marks=rare[kind, fault]) for kind, fault in cases
    ]


@pytest.mark.parametrize(("kind", "value", "code", "says"), crossed(USES))
def test_what_cannot_be_imported(judge, install, kind, value, code, says):
    install("sick-plugin", f"fecbench_{kind}", sick=value, code=code)
    judge.refuses(*USES[kind], says=("sick", "sick-plugin", "can't be imported", says, "fix or uninstall"))


@pytest.mark.parametrize(("kind", "value", "code", "says"), crossed(["hooks", "metrics", "formats"]))
def test_what_cannot_be_imported_and_is_only_met(judge, install, kind, value, code, says):
    """``fecbench plugins --check`` names it and all others work; the group's help still answers."""
    install("sick-plugin", "fecbench" if kind == "hooks" else f"fecbench_{kind}", sick=value, code=code)
    answer = judge("plugins", "--check", "--json")
    assert answer.code == 1
    problems = {row["name"]: row["problem"] for row in json.loads(answer.out) if row["problem"]}
    assert list(problems) == ["sick"]
    assert "can't be imported" in problems["sick"]
    assert judge("--help").code == 0


OBJECTIVE = """
import sys, torch
from torch import nn
from torch.nn.functional import cross_entropy
from fecbench import BatchNeeds, Config, Objective, Player, Update

class Thing(Objective):
    def loss(self, batch, model):
        return cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels)
    def updates(self, batch, model):
        yield Update(self.loss(batch, model))
{body}
"""

BODIES = {
    "updates return nothing": ("def updates(self, batch, model): return None", "must be a generator, found NoneType"),
    "updates return a list": (
        "def updates(self, batch, model): return [Update(self.loss(batch, model))]",
        "must be a generator, found list",
    ),
    "updates return a loss": (
        "def updates(self, batch, model): return self.loss(batch, model)",
        "must be a generator, found Tensor",
    ),
    "updates are no function": ("updates = 3", "objective sick"),
    "updates are async": (
        "async def updates(self, batch, model): yield Update(self.loss(batch, model))",
        "must be a generator",
    ),
    "updates take nothing": ("def updates(self): yield", "TypeError"),
    "updates yield nothing": (
        "def updates(self, batch, model):\n    return\n    yield",
        "yielded nothing in a whole epoch",
    ),
    "updates yield None": ("def updates(self, batch, model): yield None", "yielded nothing in a whole epoch"),
    "updates yield text": ("def updates(self, batch, model): yield 'loss'", "must yield fecbench.Update, found str"),
    "updates yield a number": ("def updates(self, batch, model): yield 0.5", "must yield fecbench.Update, found float"),
    "updates yield a loss": (
        "def updates(self, batch, model): yield self.loss(batch, model)",
        "must yield fecbench.Update, found Tensor",
    ),
    "updates yield the class": (
        "def updates(self, batch, model): yield Update",
        "must yield fecbench.Update, found type",
    ),
    "updates never end": (
        "def updates(self, batch, model):\n    while True: yield Update(sum((p ** 2).sum() for p in "
        "model.head.parameters()))",
        "updates must end, but has yielded 1,000",
    ),
    "updates raise": (
        "def updates(self, batch, model):\n    yield Update(self.loss(batch, model))\n    raise ValueError('boom')",
        "boom",
    ),
    "updates raise later": (
        "def updates(self, batch, model):\n    if batch.key[2]: {}['x']\n    yield Update(self.loss(batch, model))",
        "KeyError: 'x'",
    ),
    "updates raise what can't be printed": (
        "def updates(self, batch, model):\n    class Odd(Exception):\n        def __str__(self): raise ValueError\n"
        "    raise Odd\n    yield",
        "Odd",
    ),
    "updates raise for good": ("def updates(self, batch, model):\n    sys.exit(0)\n    yield", "SystemExit: 0"),
    "updates raise without end": (
        "def updates(self, batch, model): yield from self.updates(batch, model)",
        "RecursionError",
    ),
    "updates stop the iteration": (
        "def updates(self, batch, model):\n    raise StopIteration\n    yield",
        "RuntimeError",
    ),
    "a loss that is a number": (
        "def updates(self, batch, model): yield Update(0.5)",
        "the loss must be a scalar tensor, found float",
    ),
    "a loss that is None": (
        "def updates(self, batch, model): yield Update(None)",
        "the loss must be a scalar tensor, found NoneType",
    ),
    "a loss that is a vector": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model)[None])",
        "the loss must be a scalar tensor, found [1]",
    ),
    "a loss that is empty": (
        "def updates(self, batch, model): yield Update(torch.empty(0, requires_grad=True))",
        "found [0]",
    ),
    "a loss that is detached": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model).detach())",
        "has no gradient",
    ),
    "a loss without gradient": (
        "def updates(self, batch, model):\n    with torch.no_grad(): loss = self.loss(batch, model)\n"
        "    yield Update(loss)",
        "has no gradient",
    ),
    "a loss of strangers": (
        "def updates(self, batch, model): yield Update(torch.ones((), requires_grad=True) * 2)",
        "it depends on none of its parameters",
    ),
    "a loss that is complex": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model) * 1j)",
        "objective sick",
    ),
    "a loss that is NaN": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model) * float('nan'))",
        "must be finite",
    ),
    "a loss that is infinite": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model) / 0)",
        "must be finite",
    ),
    "a gradient that is NaN": (
        "def updates(self, batch, model):\n    loss = self.loss(batch, model)\n"
        "    yield Update(loss + (loss.detach() - loss).abs().sqrt())",
        "every weight, buffer and optimiser state must be finite",
        "--batch-size",
        "64",
    ),
    "a loss given twice": (
        "def updates(self, batch, model):\n    loss = self.loss(batch, model)\n    yield Update(loss)\n"
        "    yield Update(loss)",
        "update 2",
    ),
    "a stale loss": (
        "def updates(self, batch, model):\n    a, b = self.loss(batch, model), self.loss(batch, model)\n"
        "    yield Update(a)\n    yield Update(b)",
        "encode again",
    ),
    "a yield within no_grad": (
        "def updates(self, batch, model):\n    loss = self.loss(batch, model)\n"
        "    with torch.no_grad(): yield Update(loss)",
        "the grad, autocast or train mode changed",
    ),
    "a model left in eval": (
        "def updates(self, batch, model):\n    model.eval()\n    yield Update(self.loss(batch, model))",
        "the grad, autocast or train mode changed",
    ),
    "an unknown player": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), 'nobody')",
        "the player 'nobody' is unknown",
    ),
    "a player that is a list": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), [])",
        "the player [] is unknown",
    ),
    "logs that are text": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), logs={'a': 'b'})",
        "logs must be numbers",
    ),
    "logs that are a list": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), logs=[1])",
        "logs must be a dict",
    ),
    "logs that are vectors": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), logs={'a': torch.ones(2)})",
        "logs must be single numbers",
    ),
    "logs that are NaN": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), logs={'a': float('nan')})",
        "every loss and log must be finite",
    ),
    "logs named by numbers": (
        "def updates(self, batch, model): yield Update(self.loss(batch, model), logs={1: 2})",
        "logs must be numbers by name",
    ),
    "everything frozen": (
        "def updates(self, batch, model):\n    loss = self.loss(batch, model)\n"
        "    model.requires_grad_(False)\n    yield Update(loss)",
        "unfreeze",
    ),
    "the head removed": (
        "def updates(self, batch, model):\n    model.head = None\n    yield Update(self.loss(batch, model))",
        "objective sick",
    ),
    "an init of other arguments": ("def __init__(self): super().__init__()", "TypeError"),
    "an init without super": ("def __init__(self, config, task): pass", "objective sick"),
    "an init that raises": ("def __init__(self, config, task): raise OSError('no server')", "no server"),
    "an init that exits": ("def __init__(self, config, task): sys.exit(0)", "SystemExit"),
    "an init that makes lazy weights": (
        "def __init__(self, config, task):\n    super().__init__(config, task)\n    self.lazy = nn.LazyLinear(3)",
        "objective sick",
    ),
    "players that are a list": ("def players(self): return [Player([])]", "objective sick"),
    "players that are None": ("def players(self): return None", "objective sick"),
    "players of nothing": ("def players(self): return {'a': Player([])}", "must claim parameters"),
    "players of strangers": (
        "def players(self): return {'a': Player([nn.Parameter(torch.ones(1))])}",
        "neither the objective nor the model",
    ),
    "players of text": ("def players(self): return {'a': 'b'}", "objective sick"),
    "a player called model": ("def players(self): return {'model': Player([])}", "is taken"),
    "a player with a negative rate": (
        "def __init__(self, c, t):\n    super().__init__(c, t)\n    self.w = nn.Parameter(torch.ones(1))\n"
        "def players(self): return {'a': Player([self.w], lr=-1.0)}",
        "Invalid learning rate",
    ),
    "players twice": (
        "def __init__(self, c, t):\n    super().__init__(c, t)\n    self.w = nn.Parameter(torch.ones(1))\n"
        "def players(self): return {'a': Player([self.w]), 'b': Player([self.w])}",
        "both claim",
    ),
    "predictions that are None": ("def predict(self, batch, model): return None", "returned NoneType"),
    "predictions that are numpy": (
        "def predict(self, batch, model): return super().predict(batch, model).numpy()",
        "returned ndarray",
    ),
    "predictions that are labels": (
        "def predict(self, batch, model): return super().predict(batch, model).argmax(1)",
        "must return logits",
    ),
    "predictions of a label too few": (
        "def predict(self, batch, model): return super().predict(batch, model)[:, 1:]",
        "must return logits",
    ),
    "predictions of a text too few": (
        "def predict(self, batch, model): return super().predict(batch, model)[1:]",
        "must return logits",
    ),
    "predictions turned": (
        "def predict(self, batch, model): return super().predict(batch, model).T",
        "must return logits",
    ),
    "predictions that are NaN": (
        "def predict(self, batch, model): return super().predict(batch, model) * float('nan')",
        "must be finite",
    ),
    "predictions that are infinite": (
        "def predict(self, batch, model): return super().predict(batch, model) / 0.0",
        "must be finite",
    ),
    "predictions that are complex": (
        "def predict(self, batch, model): return super().predict(batch, model) * 1j",
        "real logits",
    ),
    "predictions on no device": (
        "def predict(self, batch, model): return super().predict(batch, model).to('meta')",
        "objective sick",
    ),
    "predictions that raise": ("def predict(self, batch, model): raise KeyError('gone')", "gone"),
    "predictions that exit": ("def predict(self, batch, model): sys.exit(0)", "SystemExit"),
    "predictions in train mode": (
        "def predict(self, batch, model):\n    model.train()\n    return super().predict(batch, model)",
        "must leave all modes",
    ),
    "predictions with gradient": (
        "def predict(self, batch, model):\n    torch.set_grad_enabled(True)\n    return super().predict(batch, model)",
        "must leave all modes",
    ),
    "a stage before that adds weights": (
        "def before_training(self, stage): self.w = nn.Parameter(torch.ones(1))",
        "added or replaced",
    ),
    "a stage before that replaces weights": (
        "def before_training(self, stage): stage.model.head.new = nn.Linear(2, 2)",
        "added or replaced",
    ),
    "a stage after that adds weights": (
        "def after_training(self, stage): self.register_buffer('b', torch.ones(1))",
        "added or replaced",
    ),
    "a stage before that raises": ("def before_training(self, stage): raise RuntimeError('no vectors')", "no vectors"),
    "a stage after that raises": ("def after_training(self, stage): raise RuntimeError('no vectors')", "no vectors"),
    "a stage after that exits": ("def after_training(self, stage): sys.exit()", "SystemExit"),
    "a stage after that breaks weights": (
        "def after_training(self, stage):\n    with torch.no_grad(): "
        "next(stage.model.head.parameters()).fill_(float('nan'))",
        "must be finite",
    ),
    "a buffer that is infinite": (
        "def __init__(self, c, t):\n    super().__init__(c, t)\n"
        "    self.register_buffer('b', torch.tensor(float('-inf')))",
        ("but before training objective.b isn't", "persistent=False"),
    ),
    "train that raises": ("def train(self, mode=True): raise RuntimeError('no training')", "no training"),
    "updates that are cancelled": (
        "def updates(self, batch, model):\n    import asyncio\n    raise asyncio.CancelledError\n    yield",
        "CancelledError",
    ),
    "a schedule that raises": (
        "def __init__(self, c, t):\n    super().__init__(c, t)\n    self.w = nn.Parameter(torch.ones(1))\n"
        "def players(self): return {'a': Player([self.w], schedule=lambda step, steps: 1 // 0)}",
        "ZeroDivisionError",
    ),
    "a schedule of text": (
        "def __init__(self, c, t):\n    super().__init__(c, t)\n    self.w = nn.Parameter(torch.ones(1))\n"
        "def players(self): return {'a': Player([self.w], schedule=lambda step, steps: 'slow')}",
        "TypeError",
    ),
    "streams that raise": ("def streams(self, material): raise KeyError('pairs')", "pairs"),
    "streams that are None": ("def streams(self, material): return None", "objective sick"),
    "forms that are a list": ("@classmethod\ndef forms(cls, config): return ['text']", "objective sick"),
    "scores of no split": (
        "@classmethod\ndef scored(cls, config): return ('test', 'dev')",
        "scored must name splits, test among them",
    ),
    "scores without the test": (
        "@classmethod\ndef scored(cls, config): return ('validation',)",
        "scored must name splits",
    ),
    "scores that are None": ("@classmethod\ndef scored(cls, config): return None", "objective sick"),
    "scores that raise": ("@classmethod\ndef scored(cls, config): raise ValueError('none')", "none"),
    "a report that raises": ("def report(self): raise ValueError('no server')", "no server"),
    "a report that is None": ("def report(self): return None", "objective sick"),
    "a report of a tensor": ("def report(self): return {'a': torch.ones(1)}", "not JSON serializable"),
    "a report with a key twice": ("def report(self): return {1: 0, '1': 0}", "'1' appears twice"),
    "a report of NaN": ("def report(self): return {'a': float('nan')}", "not JSON compliant"),
    "a report of half a character": ("def report(self): return {'a': '\\ud800'}", "UnicodeEncodeError"),
    "a stage before that takes nothing": ("def before_training(self): pass", "TypeError"),
    "needs that raise": (
        "class Config(Config):\n    k: int = 1\n@classmethod\ndef batch_needs(cls, config):\n"
        "    return BatchNeeds(min_size=1 // (config.k - 2)) if config.k != 1 else BatchNeeds()",
        "objective sick",
        "--k",
        "2",
    ),
    "needs of another kind": (
        "class Config(Config):\n    k: int = 1\n@classmethod\n"
        "def batch_needs(cls, config): return 3 if config.k != 1 else BatchNeeds()",
        "objective sick",
        "--k",
        "2",
    ),
    "needs of a column that nobody has": ("needs = BatchNeeds(columns=('aug_text',))", "needs the column aug_text"),
    "needs of more than there is": ("needs = BatchNeeds(min_size=1000)", "needs at least 1000"),
    "a validator that raises": (
        "class Config(Config):\n    k: int = 1\n    def model_post_init(self, _):\n"
        "        if self.k == 2: raise KeyError('two')",
        "two",
        "--k",
        "2",
    ),
    "a preference of a wrong type": ("settings = {'lr': 'fast'}", "--lr fast"),
    "a preference out of range": ("settings = {'patience': 0}", "--patience 0"),
    "state that is no tensor": (
        "def get_extra_state(self): return 3\ndef set_extra_state(self, state): pass",
        "must be tensors",
    ),
    "panels that are a number": ("panels = 3", "panels"),
    "an update's own class": (
        "def updates(self, batch, model):\n    class Mine: loss = self.loss(batch, model); player = 'model'; "
        "logs = {}\n    yield Mine()",
        "must yield fecbench.Update, found Mine",
    ),
}


@pytest.fixture
def data(judge) -> Path:
    return write_toy(judge.folder / "moods")


@pytest.mark.parametrize("case", BODIES.values(), ids=BODIES)
def test_an_objective(judge, install, data, case):
    body, says, *flags = case
    code = OBJECTIVE.format(body=textwrap.indent(body, "    "))
    install("sick-plugin", "fecbench_objectives", sick="sick_objective:Thing", code=code)
    judge.refuses("run", "sick", "--dataset", data, *TINY, "--epochs", 2, "--run-dir", "run", *flags, says=says)


CLASSES = {
    "a function": "def Thing(): pass",
    "an instance": "Thing = object()",
    "a number": "Thing = 3",
    "None": "Thing = None",
    "a class of another kind": "class Thing: pass",
    "a torch module": "import torch\nclass Thing(torch.nn.Module): pass",
    "the base itself": "from fecbench import Objective as Thing",
    "a head": "from fecbench import Head\nclass Thing(Head): pass",
    "a module": "import json as Thing",
    "a config of nothing": (
        "from fecbench import Objective\nclass Thing(Objective):\n    Config = None\n    def updates(self, b, m): yield"
    ),
    "a config with a run's option": (
        "from fecbench import Config, Objective\nclass C(Config):\n    lr: float = 1.0\n"
        "class Thing(Objective):\n    Config = C\n    def updates(self, b, m): yield"
    ),
    "a config with a list": (
        "from fecbench import Config, Objective\nclass C(Config):\n    sizes: list[int] = []\n"
        "class Thing(Objective):\n    Config = C\n    def updates(self, b, m): yield"
    ),
    "a config whose default raises": (
        "from pydantic import Field\nfrom fecbench import Config, Objective\n"
        "class C(Config):\n    k: int = Field(default_factory=lambda: 1 // 0)\n"
        "class Thing(Objective):\n    Config = C\n    def updates(self, b, m): yield"
    ),
    "a config whose default exits": (
        "import sys\nfrom pydantic import Field\nfrom fecbench import Config, Objective\n"
        "class C(Config):\n    k: int = Field(default_factory=lambda: sys.exit(0))\n"
        "class Thing(Objective):\n    Config = C\n    def updates(self, b, m): yield"
    ),
}


@pytest.mark.parametrize("code", CLASSES.values(), ids=CLASSES)
def test_what_is_no_objective(judge, install, data, code):
    install("sick-plugin", "fecbench_objectives", sick="sick_class:Thing", code=code)
    judge.refuses("run", "sick", "--dataset", data, *TINY, says=("the objective 'sick'", "sick-plugin"))
    judge.refuses("check", "sick", says="the objective 'sick'")
    assert judge("run", "--help").code == 0


LOADER = """
import sys
from datasets import Dataset
from fecbench import DatasetInfo, EmotionData, Source
INFO = DatasetInfo("sick", "t", "MIT", "", (4, 2, 2), 2)
def rows(texts=("a b", "c d"), labels=(0, 1), times=8):
    return Dataset.from_dict({{"text": list(texts) * times, "label": list(labels) * times}})
def three(**other):
    return {{"train": rows(), "validation": rows(["e f", "g h"]), "test": rows(["i j", "k l"])}} | other
class Thing:
    info = INFO
    def source(self, places): return Source("nowhere")
    def load(self, places): {body}
thing = Thing()
"""
LOADS = {
    "raises": ("raise ValueError('boom')", "boom"),
    "exits": ("sys.exit(0)", "SystemExit"),
    "gives nothing": ("return None", "must give a fecbench.EmotionData, but gave NoneType"),
    "gives a dict": ("return {'train': []}", "must give a fecbench.EmotionData, but gave dict"),
    "lacks a split": ("return EmotionData(INFO, ('x', 'y'), {'train': rows()}, 's')", "must give the splits"),
    "has a split too many": ("return EmotionData(INFO, ('x', 'y'), three(more=rows()), 's')", "must give the splits"),
    "has splits of lists": ("return EmotionData(INFO, ('x', 'y'), three(test=[1]), 's')", "the data set 'sick'"),
    "lacks texts": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows().remove_columns('text')), 's')",
        "test lacks text",
    ),
    "lacks labels": (
        "return EmotionData(INFO, ('x', 'y'), three(train=rows().remove_columns('label')), 's')",
        "train lacks label",
    ),
    "has empty texts": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(['', 'b'])), 's')",
        "row 0 of test is ''",
    ),
    "has texts that are numbers": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows([1, 2])), 's')",
        "row 0 of test is 1",
    ),
    "has texts that are None": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(['a', None])), 's')",
        "row 1 of test is None",
    ),
    "has labels that are names": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=['x', 'y'])), 's')",
        "label 'x'",
    ),
    "has labels that are floats": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[0.0, 1.0])), 's')",
        "label 0.0",
    ),
    "has labels beyond": ("return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[0, 2])), 's')", "label 2"),
    "has negative labels": ("return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[-1, 0])), 's')", "label -1"),
    "has labels that are lists": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[[0], [1]])), 's')",
        "label [0]",
    ),
    "has an empty split": ("return EmotionData(INFO, ('x', 'y'), three(test=rows(times=0)), 's')", "test"),
    "has a label twice": ("return EmotionData(INFO, ('x', 'x'), three(), 's')", "must name each label once"),
    "has labels without names": ("return EmotionData(INFO, (0, 1), three(), 's')", "must name each label once"),
    "has one label": ("return EmotionData(INFO, ('x',), three(), 's')", "the data set 'sick'"),
    "has a label nobody has": ("return EmotionData(INFO, ('x', 'y', 'z'), three(), 's')", "has no row of z"),
}


@pytest.mark.parametrize(("body", "says"), LOADS.values(), ids=LOADS)
def test_a_data_set(judge, install, body, says):
    install("sick-plugin", "fecbench_datasets", sick="sick_data:thing", code=LOADER.format(body=body))
    judge.refuses("run", "ce", "--dataset", "sick", *TINY, says=("sick", says))
    assert judge("data").code == 0


SHAPES = {
    "a function": "def thing(places): pass",
    "a class without load": "class thing:\n    info = source = 3",
    "an info that raises": (
        "class Thing:\n    source = load = None\n    @property\n    def info(self): raise ValueError('boom')\n"
        "thing = Thing()"
    ),
    "an info that is None": "class Thing:\n    info = None\n    source = load = print\nthing = Thing()",
    "settings that nobody has": (
        "from fecbench import DatasetInfo\nclass Thing:\n"
        "    info = DatasetInfo('sick', 't', 'l', '', settings={'rl': 1})\n"
        "    source = load = print\nthing = Thing()"
    ),
    "settings of a wrong type": (
        "from fecbench import DatasetInfo\nclass Thing:\n"
        "    info = DatasetInfo('sick', 't', 'l', '', settings={'weight_decay': 'much'})\n"
        "    source = load = print\nthing = Thing()"
    ),
    "settings that are a list": (
        "from fecbench import DatasetInfo\nclass Thing:\n    info = DatasetInfo('sick', 't', 'l', '', settings=[1])\n"
        "    source = load = print\nthing = Thing()"
    ),
}


@pytest.mark.parametrize("code", SHAPES.values(), ids=SHAPES)
def test_what_is_no_data_set(judge, install, code):
    install("sick-plugin", "fecbench_datasets", sick="sick_shape:thing", code=code)
    judge.refuses("run", "ce", "--dataset", "sick", *TINY)
    assert judge("data", "--json").code == 0


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
    """What is predicted stands at its row, and the next time the same texts are read."""
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
