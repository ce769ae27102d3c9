"""Entry points that hold something else than an objective or a data set are named."""

import pytest

from tests.support.judge import TINY


def configured(field: str) -> str:
    """An objective whose configuration has one field."""
    return (
        "import sys\nfrom pydantic import Field\nfrom fecbench import Config, Objective\n"
        f"class C(Config):\n    {field}\nclass Thing(Objective):\n    Config = C\n    def updates(self, b, m): yield"
    )


def with_settings(settings: str) -> str:
    """A data set that asks for settings."""
    return (
        "from fecbench import DatasetInfo\nclass Thing:\n"
        f"    info = DatasetInfo('sick', 't', 'l', '', settings={settings})\n"
        "    source = load = print\nthing = Thing()"
    )


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
    "a config with a run's option": configured("lr: float = 1.0"),
    "a config with a list": configured("sizes: list[int] = []"),
    "a config whose default raises": configured("k: int = Field(default_factory=lambda: 1 // 0)"),
    "a config whose default exits": configured("k: int = Field(default_factory=lambda: sys.exit(0))"),
}


@pytest.mark.parametrize("code", CLASSES.values(), ids=CLASSES)
def test_what_is_no_objective(judge, install, data, code):
    install("sick-plugin", "fecbench_objectives", sick="sick_class:Thing", code=code)
    judge.refuses("run", "sick", "--dataset", data, *TINY, says=("the objective 'sick'", "sick-plugin"))
    judge.refuses("check", "sick", says="the objective 'sick'")
    assert judge("run", "--help").code == 0


SHAPES = {
    "a function": "def thing(places): pass",
    "a class without load": "class thing:\n    info = source = 3",
    "an info that raises": (
        "class Thing:\n    source = load = None\n    @property\n    def info(self): raise ValueError('boom')\n"
        "thing = Thing()"
    ),
    "an info that is None": "class Thing:\n    info = None\n    source = load = print\nthing = Thing()",
    "settings that nobody has": with_settings("{'rl': 1}"),
    "settings of a wrong type": with_settings("{'weight_decay': 'much'}"),
    "settings that are a list": with_settings("[1]"),
}


@pytest.mark.parametrize("code", SHAPES.values(), ids=SHAPES)
def test_what_is_no_data_set(judge, install, code):
    install("sick-plugin", "fecbench_datasets", sick="sick_shape:thing", code=code)
    judge.refuses("run", "ce", "--dataset", "sick", *TINY)
    assert judge("data", "--json").code == 0
