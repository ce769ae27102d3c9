"""Objectives with a fault are named with it, and leave no figure."""

import textwrap

import pytest

from tests.support.judge import TINY
from tests.support.objectives import OBJECTIVE


def yields(value: str) -> str:
    return f"def updates(self, batch, model): yield {value}"


def predicts(logits: str) -> str:
    return f"def predict(self, batch, model): return {logits}"


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
    "updates yield None": (yields("None"), "yielded nothing in a whole epoch"),
    "updates yield text": (yields("'loss'"), "must yield fecbench.Update, found str"),
    "updates yield a number": (yields("0.5"), "must yield fecbench.Update, found float"),
    "updates yield a loss": (
        yields("self.loss(batch, model)"),
        "must yield fecbench.Update, found Tensor",
    ),
    "updates yield the class": (
        yields("Update"),
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
        yields("Update(0.5)"),
        "the loss must be a scalar tensor, found float",
    ),
    "a loss that is None": (
        yields("Update(None)"),
        "the loss must be a scalar tensor, found NoneType",
    ),
    "a loss that is a vector": (
        yields("Update(self.loss(batch, model)[None])"),
        "the loss must be a scalar tensor, found [1]",
    ),
    "a loss that is empty": (
        yields("Update(torch.empty(0, requires_grad=True))"),
        "found [0]",
    ),
    "a loss that is detached": (
        yields("Update(self.loss(batch, model).detach())"),
        "has no gradient",
    ),
    "a loss without gradient": (
        "def updates(self, batch, model):\n    with torch.no_grad(): loss = self.loss(batch, model)\n"
        "    yield Update(loss)",
        "has no gradient",
    ),
    "a loss of strangers": (
        yields("Update(torch.ones((), requires_grad=True) * 2)"),
        "it depends on none of its parameters",
    ),
    "a loss that is complex": (
        yields("Update(self.loss(batch, model) * 1j)"),
        "objective sick",
    ),
    "a loss that is NaN": (
        yields("Update(self.loss(batch, model) * float('nan'))"),
        "must be finite",
    ),
    "a loss that is infinite": (
        yields("Update(self.loss(batch, model) / 0)"),
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
        yields("Update(self.loss(batch, model), 'nobody')"),
        "the player 'nobody' is unknown",
    ),
    "a player that is a list": (
        yields("Update(self.loss(batch, model), [])"),
        "the player [] is unknown",
    ),
    "logs that are text": (
        yields("Update(self.loss(batch, model), logs={'a': 'b'})"),
        "logs must be numbers",
    ),
    "logs that are a list": (
        yields("Update(self.loss(batch, model), logs=[1])"),
        "logs must be a dict",
    ),
    "logs that are vectors": (
        yields("Update(self.loss(batch, model), logs={'a': torch.ones(2)})"),
        "logs must be single numbers",
    ),
    "logs that are NaN": (
        yields("Update(self.loss(batch, model), logs={'a': float('nan')})"),
        "every loss and log must be finite",
    ),
    "logs named by numbers": (
        yields("Update(self.loss(batch, model), logs={1: 2})"),
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
    "predictions that are None": (predicts("None"), "returned NoneType"),
    "predictions that are numpy": (
        predicts("super().predict(batch, model).numpy()"),
        "returned ndarray",
    ),
    "predictions that are labels": (
        predicts("super().predict(batch, model).argmax(1)"),
        "must return logits",
    ),
    "predictions of a label too few": (
        predicts("super().predict(batch, model)[:, 1:]"),
        "must return logits",
    ),
    "predictions of a text too few": (
        predicts("super().predict(batch, model)[1:]"),
        "must return logits",
    ),
    "predictions turned": (
        predicts("super().predict(batch, model).T"),
        "must return logits",
    ),
    "predictions that are NaN": (
        predicts("super().predict(batch, model) * float('nan')"),
        "must be finite",
    ),
    "predictions that are infinite": (
        predicts("super().predict(batch, model) / 0.0"),
        "must be finite",
    ),
    "predictions that are complex": (
        predicts("super().predict(batch, model) * 1j"),
        "real logits",
    ),
    "predictions on no device": (
        predicts("super().predict(batch, model).to('meta')"),
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


@pytest.mark.parametrize("case", BODIES.values(), ids=BODIES)
def test_an_objective(judge, install, data, case):
    body, says, *flags = case
    code = OBJECTIVE.format(body=textwrap.indent(body, "    "))
    install("sick-plugin", "fecbench_objectives", sick="sick_objective:Thing", code=code)
    judge.refuses("run", "sick", "--dataset", data, *TINY, "--epochs", 2, "--run-dir", "run", *flags, says=says)
