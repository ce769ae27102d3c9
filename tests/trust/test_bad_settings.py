"""Wrong values of every setting are refused with the flag's name before anything is loaded."""

import json
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fecbench.core import registry
from fecbench.core.errors import FecbenchError
from fecbench.core.settings import RunSettings
from fecbench.objective.check import get_objective
from fecbench.runs.plan import plan
from tests.support.judge import TINY

OBJECTIVES = sorted(origin.name for origin in registry.objectives.origins() if origin.distribution == "fecbench")
ONCE = {get_objective(name).Config: name for name in reversed(OBJECTIVES)}  # variants share their options
OWN = [(name, key) for config, name in ONCE.items() for key in config.model_fields]
RUN = [("ce", key) for key in RunSettings.model_fields if key not in ("dataset", "compile")]
TEXTS = ("text_column", "label_column")
NO_NUMBERS = ["many", "", " ", "1e", "0x10", "--3", "1,5", "one", "NaNs", "\u0663\u066b", "3;4", "1 000", "9" * 5000]
NO_WHOLE = ["1.5", "inf", "nan", "1e3"]


def field(name: str, key: str) -> Any:
    """A setting's field, of the run or the objective."""
    return (RunSettings.model_fields | get_objective(name).Config.model_fields)[key]


def kinds(annotation: Any) -> set[Any]:
    """The types that a setting takes."""
    return {annotation, *get_args(annotation)}


def outside(field: Any) -> list[str]:
    """Numbers beyond each bound of a field."""
    found = ["inf", "-inf", "nan", "1e999"] if float in kinds(field.annotation) else ["-1" + "0" * 30]
    for bound in field.metadata:
        found += [str(bound.gt), str(bound.gt - 1)] if hasattr(bound, "gt") else []
        found += [str(bound.ge - 1), str(bound.ge - 10**9)] if hasattr(bound, "ge") else []
        found += [str(bound.lt), str(bound.lt + 1)] if hasattr(bound, "lt") else []
        found += [str(bound.le + 1), str(bound.le + 10**9)] if hasattr(bound, "le") else []
    return found


def wrong(name: str, key: str) -> list[str]:
    """Values that the setting can't have, as written on a command line."""
    of = field(name, key)
    if get_origin(of.annotation) is Literal:
        return ["", "nothing", str(get_args(of.annotation)[0]) + "x"]
    if int in kinds(of.annotation) and float not in kinds(of.annotation):
        return [*NO_NUMBERS, *NO_WHOLE, *outside(of)]
    if float in kinds(of.annotation):
        return [*NO_NUMBERS, *outside(of)]
    return []


@pytest.mark.parametrize(("name", "key"), [*RUN, *OWN], ids=lambda part: part)
def test_wrong_values_of_a_flag(judge, name, key):
    flag = f"--{key.replace('_', '-')}"
    for value in wrong(name, key):
        judge.refuses("run", name, "--dataset", "demo", f"{flag}={value}", says=flag)


@pytest.mark.parametrize(("name", "key"), [*RUN, *OWN], ids=lambda part: part)
def test_wrong_types_of_a_setting(judge, name, key):
    """A spec and ``--settings`` can hold what a flag can't."""
    of = field(name, key).annotation
    values: list[Any] = [[], [1], {}, {"a": 1}]
    values += [] if type(None) in kinds(of) else [None]
    values += [] if bool in kinds(of) else [True, False]
    values += [] if str in kinds(of) else ["several words"]
    values += [3, 0.5] if of is str else []
    for value in values:
        judge.refuses("run", name, "--dataset", "demo", "--settings", json.dumps({key: value}), says=key.split("_")[0])


SETTINGS = {
    "no json": "{",
    "nothing": " ",
    "a list": "[]",
    "a number": "3",
    "text": '"lr"',
    "null": "null",
    "cut": '{"lr": 1e-3',
    "single quotes": "{'lr': 1}",
    "an unknown name": '{"rl": 1}',
    "an empty name": '{"": 1}',
    "a name twice": '{"lr": 1e-3, "lr": 1e-4}',
    "not a number": '{"lr": NaN}',
    "infinity": '{"lr": Infinity}',
    "a huge number": '{"epochs": %s}' % ("9" * 5000),
    "very deep": "[" * 100_000,
    "a lone surrogate": '{"text_column": "\\ud800"}',
    "a flag that is no setting": '{"run_dir": "x"}',
    "a data set that is a number": '{"dataset": 3}',
    "a data set that is null": '{"dataset": null}',
}


@pytest.mark.parametrize("text", SETTINGS.values(), ids=SETTINGS)
def test_settings_that_are_no_settings(judge, text):
    flags = [] if "dataset" in text else ["--dataset", "demo"]
    judge.refuses("run", "ce", *flags, "--settings", text, says="set")


COMBINATIONS = {
    "one text in a batch of pairs": (["aml", "--dataset", "demo", "--batch-size", "1"], "--batch-size 1"),
    "one row for a batch of pairs": (["aml", "--dataset", "demo", "--limit", "1"], "1 training rows"),
    "a native head on a mean": (["ce", "--dataset", "demo", "--head", "native"], "--pooling"),
    "no data set": (["ce"], "--dataset"),
    "an empty data set": (["ce", "--dataset", ""], "data set"),
    "a data set of blanks": (["ce", "--dataset", "  "], "data set"),
    "a data set with a NUL": (["ce", "--dataset", "./a\0b"], "a"),
    "a data set of an endless name": (["ce", "--dataset", "./" + "a" * 5000], "name too long"),
    "an unknown hub set": (["ce", "--dataset", "hf:"], "hf:owner/name"),
    "an empty encoder": (["ce", "--dataset", "demo", "--encoder", ""], "encoder"),
    "an encoder that is a file": (["ce", "--dataset", "demo", "--encoder", "./file"], "./file"),
    "an encoder that is an empty folder": (["ce", "--dataset", "demo", "--encoder", "./empty"], "must hold an encoder"),
    "an encoder out of the tree": (["ce", "--dataset", "demo", "--encoder", "../../../etc"], "encoder"),
    "an encoder of an odd name": (["ce", "--dataset", "demo", "--encoder", "a/b/c/d"], "a/b/c/d"),
    "an encoder with a NUL": (["ce", "--dataset", "demo", "--encoder", "a\0b"], "encoder"),
    "an unknown head": (["ce", "--dataset", "demo", "--head", "mpl"], "did you mean 'mlp'"),
    "an empty head": (["ce", "--dataset", "demo", "--head", ""], "no head is called ''"),
    "an unknown device": (["ce", "--dataset", "demo", "--device", "gpu"], "--device gpu"),
    "an empty device": (["ce", "--dataset", "demo", "--device", ""], "--device"),
    "a device that can't compute": (["ce", "--dataset", "demo", "--device", "meta"], "--device meta"),
    "a device of a huge number": (["ce", "--dataset", "demo", "--device", "cuda:99999999999"], "--device cuda"),
    "a device of a negative number": (["ce", "--dataset", "demo", "--device", "cpu:-1"], "--device cpu:-1"),
    "an unknown tracker": (["ce", "--dataset", "demo", "--tracker", "clearml"], "tracker"),
    "a run folder that is a file": (
        ["ce", "--dataset", "demo", *TINY, "--run-dir", "file"],
        "choose another --run-dir",
    ),
    "a run folder through a file": (
        ["ce", "--dataset", "demo", *TINY, "--run-dir", "file/run"],
        "choose another --run-dir",
    ),
    "a run folder of an endless name": (
        ["ce", "--dataset", "demo", *TINY, "--run-dir", "a" * 5000],
        "choose another --run-dir",
    ),
    "a run folder that is full": (["ce", "--dataset", "demo", *TINY, "--run-dir", "full"], "must be empty"),
    "nothing to resume": (["ce", "--dataset", "demo", *TINY, "--resume"], "there is none"),
    "data that is nowhere": (["ce", "--dataset", "ge", "--data-dir", "nowhere"], "--data-dir must be a folder"),
    "data in a file": (["ce", "--dataset", "ge", "--data-dir", "file"], "--data-dir must be a folder"),
    "an unknown flag": (["ce", "--dataset", "demo", "--epoch", "1"], "epoch"),
    "a flag without a value": (["ce", "--dataset", "demo", "--lr"], "--lr"),
    "an unknown objective": (["cee", "--dataset", "demo"], "did you mean 'ce'"),
    "an empty objective": (["", "--dataset", "demo"], "objective"),
    "a surplus word": (["ce", "demo"], "unexpected extra argument"),
    "a column that isn't there": (
        ["ce", "--dataset", "./data", "--text-column", "body"],
        "the column 'body' is missing",
    ),
    "one column for both": (
        ["ce", "--dataset", "./data", "--text-column", "label"],
        "--text-column and --label-column",
    ),
}


@pytest.mark.parametrize(("arguments", "says"), COMBINATIONS.values(), ids=COMBINATIONS)
def test_what_cannot_be(judge, arguments, says):
    (judge.folder / "file").write_text("precious")
    (judge.folder / "full").mkdir()
    (judge.folder / "full" / "thesis.tex").write_text("precious")
    (judge.folder / "empty").mkdir()
    (judge.folder / "data").mkdir()
    (judge.folder / "data" / "train.csv").write_text("text,label\n" + "".join(f"t{n},l{n % 2}\n" for n in range(20)))
    judge.refuses("run", *arguments, says=says)


ENVIRONMENT = {
    "data that is nowhere": ({"FECBENCH_DATA": "/nowhere"}, "FECBENCH_DATA must be a folder"),
    "data in a file": ({"FECBENCH_DATA": "file"}, "FECBENCH_DATA must be a folder"),
    "ranks that are text": ({"WORLD_SIZE": "two"}, "WORLD_SIZE"),
    "ranks that are negative": ({"WORLD_SIZE": "-1"}, "WORLD_SIZE"),
    "ranks without a launcher": ({"WORLD_SIZE": "2"}, "WORLD_SIZE"),
}


@pytest.mark.parametrize(("variables", "says"), ENVIRONMENT.values(), ids=ENVIRONMENT)
def test_environment(judge, monkeypatch, variables, says):
    (judge.folder / "file").write_text("precious")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    dataset = "ge" if "FECBENCH_DATA" in variables else "demo"
    judge.refuses("run", "ce", "--dataset", dataset, *TINY, "--run-dir", "run", says=says)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def planned(name: str, given: dict[str, Any]) -> None:
    """A plan either stands, with every value of its type, or is refused in words."""
    try:
        found = plan(name, {"dataset": "demo", "encoder": "scratch"}, given)
    except FecbenchError:
        return
    assert all(
        value is None or type(value) in (str, int, float, bool) for value in (s.value for s in found.origins.values())
    )
    json.dumps({key: setting.value for key, setting in found.origins.items()}, allow_nan=False)


@given(st.sampled_from([*RUN, *OWN]), VALUES)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_of_any_setting_is_planned_or_refused(where, value):
    planned(where[0], {where[1]: value})


@pytest.mark.trust
@given(st.sampled_from([*RUN, *OWN]), VALUES, st.sampled_from([*RUN, *OWN]), VALUES)
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_values_of_many_settings_are_planned_or_refused(where, value, also, further):
    planned(where[0], {where[1]: value} | ({also[1]: further} if also[0] == where[0] else {}))
