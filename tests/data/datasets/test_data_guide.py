"""The guide of data sets is true: its table has every key, its descriptions are valid, its commands work."""

import re
import shlex
import tomllib

import pytest

from fecbench.core.settings import Config
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.recipes import HERE
from tests.support import ROOT
from tests.support.shapes import SHAPES
from tests.support.shapes.shape import lay, made_up, quoted

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def keys(table: type[Config]) -> set[str]:
    return {key for name, field in table.model_fields.items() for key in _keys_of(name, field.annotation)}


def _keys_of(name, annotation):
    is_table = isinstance(annotation, type) and issubclass(annotation, Config)
    return {name, *(keys(annotation) if is_table else ())}


def test_the_table_of_the_guide_has_every_key():
    table = PAGE.partition("| key | what it says |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if line)))
    tables = {"files", "format", "columns", "labels"}
    assert keys(Description) - named == tables - named
    assert named <= keys(Description)


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "toml"])
def test_the_descriptions_of_the_guide_are_valid(block):
    Description.model_validate(tomllib.loads(block))


def test_the_guide_names_every_recipe():
    section = PAGE.partition("## Recipes")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z0-9-]+)`", section)
    for name in (path.stem for path in HERE.glob("*.toml")):
        assert any(name == one or (one.startswith("-") and name.endswith(one)) for one in named) or name.startswith(
            "ed-hard-"
        ), name


COMMANDS = [
    shlex.split(line)
    for language, block in BLOCKS
    for line in block.splitlines()
    if not language and line.startswith("fecbench ")
]


@pytest.mark.slow
def test_the_commands_of_the_guide_work(fecbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fecbench.data.datasets.checks.check_counts", lambda data, *_: data)
    rows = made_up(["joy", "sadness", "fear"])
    lay(tmp_path, "posts.csv", "text,label\n" + "".join(f"{quoted(text)},{label}\n" for text, label in rows))
    lay(tmp_path, "plain.txt", "".join(f"{text};{label}\n" for text, label in rows))
    SHAPES["CrowdFlower"].write(tmp_path / "tweets")
    SHAPES["MELD"].write(tmp_path / "MELD")
    SHAPES["MELD"].write(tmp_path / "clone")
    lay(tmp_path, "clone/dataset.toml", (HERE / "meld.toml").read_text(encoding="utf-8").partition("[rows]")[0])
    assert len(COMMANDS) > 10
    for _, *arguments in COMMANDS:
        dry = ["--dry-run"] if arguments[0] == "run" else []
        code, out, err = fecbench(*arguments, *dry)
        # a dry run ends with 1 if its encoder is not on this machine
        assert code == 0 or (code == 1 and dry), f"{arguments}: {out}{err}"
