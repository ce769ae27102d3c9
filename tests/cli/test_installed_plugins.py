"""Plugins that somebody installed: listed, checked, used, and named where they are not what they claim."""

import json
from pathlib import Path

import pytest

from fecbench.runs.record import Record

pytestmark = pytest.mark.slow


def test_plugins_from_metadata_and_checked(fecbench, install):
    install("sloppy", "fecbench_objectives", broken="nowhere:Thing")
    install("thief", "fecbench_heads", linear="thief:Head")
    code, out, _ = fecbench("plugins", "--json")
    assert code == 0
    rows = {(row["kind"], row["name"], row["distribution"]): row for row in json.loads(out)}
    assert rows["objectives", "ce", "fecbench"]["version"]
    assert rows["objectives", "broken", "sloppy"]["problem"] == ""
    assert rows["heads", "linear", "thief"]["problem"] == "claimed more than once"
    code, out, err = fecbench("plugins", "--check", "--json")
    assert code == 1
    problems = {(row["kind"], row["name"]): row["problem"] for row in json.loads(out)}
    assert "can't be imported: ModuleNotFoundError" in problems["objectives", "broken"]
    assert "must be claimed once" in problems["heads", "linear"]
    assert not any(
        problem for key, problem in problems.items() if key not in {("objectives", "broken"), ("heads", "linear")}
    )
    assert "plugins work" in err


def test_all_built_in_plugins_work(fecbench):
    code, out, _ = fecbench("plugins", "--check")
    assert code == 0
    assert "problem" not in out


PLUGIN = """
from fecbench import Config, Objective, Update
class Fine(Objective):
    def updates(self, batch, model):
        yield Update(model.classify(model.project(model.encode(batch))).logsumexp(1).mean())
class Clash(Fine):
    class Config(Config):
        epochs: int = 3
class Needy(Fine):
    class Config(Config):
        must: int
class Wishful(Fine):
    settings = {"no_such_setting": 1}
class Idle(Objective): pass
class Untyped(Fine):
    Config = dict
function = lambda: 0
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Clash", "has the option epochs, which `fecbench run` has itself; rename it"),
        ("Needy", "has options without a default: must"),
        ("Wishful", "prefers settings that don't exist: no_such_setting"),
        ("Idle", "must define updates"),
        ("Untyped", "must have a Config that is a subclass of fecbench.Config"),
        ("function", "must be a subclass of fecbench.Objective"),
    ],
)
def test_a_plugin_that_is_not_what_it_claims_is_named_with_its_distribution(fecbench, install, name, message):
    install("their-plugin", "fecbench_objectives", theirs=f"their_module:{name}", code=PLUGIN)
    code, _, err = fecbench("run", "theirs", "--dataset", "demo")
    assert code == 1
    assert f"the objective 'theirs' (their_module:{name} of their-plugin 1.0) " in err
    assert message in err


DECLARATIONS = [
    ("needs = None", "must have needs that are a fecbench.BatchNeeds"),
    ("settings = None", "must have settings and presets that are dicts"),
    ("presets = {'demo': 3}", "must have settings and presets that are dicts"),
    ("presets = 3", "must have presets that are a dict"),
    ("gaps = {'gap': ('model_loss',)}", "must have gaps that are pairs of names by title"),
    ("gaps = 'model_loss'", "must have gaps that are pairs of names by title"),
    ("symbols = {'weight': 3}", "must have symbols that are texts by option"),
    ("host_waits = 3", "must have host_waits that are numbers by reason, but they are 3"),
    (
        "class Config(Config):\n        rate: float = 'fast'",
        "can't be configured with its own defaults: ValidationError",
    ),
    (
        "@classmethod\n    def batch_needs(cls, config): return config.size",
        "can't be configured with its own defaults: AttributeError",
    ),
    (
        "@classmethod\n    def batch_needs(cls, config): return 2",
        "must have needs that are a fecbench.BatchNeeds, but they are 2",
    ),
    (
        "class Config(Config):\n        sizes: tuple[int, ...] = ()",
        "has options that a command line can't give: sizes",
    ),
]


def test_objectives_with_broken_declarations_are_told_by_check_and_hurt_nobody(fecbench, install):
    head = "from fecbench import Config, Objective\n\nclass Mine(Objective):\n"
    for number, (body, _) in enumerate(DECLARATIONS):
        source = f"{head}    {body}\n\n    def updates(self, batch, model):\n        yield\n"
        entry = {f"careless{number}": f"careless_code{number}:Mine"}
        install(f"careless{number}", "fecbench_objectives", **entry, code=source)
    code, out, _ = fecbench("plugins", "--check", "--json")
    assert code == 1
    problems = {row["name"]: row["problem"] for row in json.loads(out) if row["problem"]}
    assert set(problems) == {f"careless{number}" for number in range(len(DECLARATIONS))}
    for number, (_, message) in enumerate(DECLARATIONS):
        assert message in problems[f"careless{number}"]
    assert fecbench("doctor")[0] in (0, 1)


def test_choices_and_numbers_of_any_kind_can_be_set(fecbench, install, toy, here):
    code = """
from typing import Literal
from fecbench import Config, Objective, Update
from torch.nn.functional import cross_entropy

class Options(Config):
    degree: Literal[1, 2, 3] = 1
    share: int | float = 1

class Mine(Objective):
    Config = Options

    def updates(self, batch, model):
        assert (self.config.degree, self.config.share) == (2, 0.5)
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))
"""
    install("choosy", "fecbench_objectives", choosy="choosy_code:Mine", code=code)
    given = ["--encoder", "scratch", "--epochs", 1, "--degree", 2, "--share", 0.5, "--run-dir", "run"]
    code, _, err = fecbench("run", "choosy", "--dataset", toy, *given)
    assert code == 0, err
    assert Record(Path("run")).settings()["degree"] == 2


def test_a_hook_plugin_adds_a_command_and_sees_the_run(fecbench, install, toy, here):
    code = """
        import click
        from fecbench import hookimpl
        @hookimpl
        def commands():
            return [click.Command("greet", callback=lambda: click.echo("hello"), help="say hello")]
        @hookimpl
        def run_finished(run, result):
            print("seen", run.objective, sorted(result["metrics"]))
        """
    install("greeter", "fecbench", greeter="greeter_module", code=code)
    assert "greet" in fecbench("--help")[1]
    assert fecbench("greet")[1] == "hello\n"
    out = fecbench("run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 1)[1]
    assert "seen ce ['test', 'validation']" in out
