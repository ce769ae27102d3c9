"""The example plugins are built, installed into a fresh environment by pip alone, and used there."""

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from fecbench.testing import ObjectiveConformance
from tests.support import ROOT
from tests.support.several import answers

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"
INSTALL = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "."]


class Environment:
    """A fresh virtual environment that sees this one's packages; commands run in an empty folder beside it."""

    def __init__(self, folder: Path):
        venv.create(folder / "env", symlinks=True)
        self.bin, self.here = folder / "env" / "bin", folder / "here"
        self.here.mkdir()
        (site,) = (folder / "env" / "lib").glob("python*/site-packages")
        (site / "parent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        self.variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def __call__(self, *arguments: str, cwd: Path | None = None, given: str = "") -> str:
        command = [str(self.bin / "python"), *arguments]
        done = subprocess.run(
            command, input=given, env=self.variables, cwd=cwd or self.here, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fecbench(self, *commands: list[str], cwd: Path | None = None) -> list[str]:
        """Carry out commands there, in one process; return what each prints."""
        found = answers(lambda code, given: self("-c", code, cwd=cwd, given=given), *commands)
        for command, answer in zip(commands, found, strict=True):
            assert answer.code == 0, f"{command}: {answer.text}"
        return [answer.out for answer in found]


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    folder = tmp_path_factory.mktemp("stranger")
    made = Environment(folder)
    offline = ["--quiet", "--no-deps", "--no-index"]
    examples = [str(EXAMPLES / name) for name in ("fecbench-focal", "fecbench-other-kinds")]
    build = [sys.executable, "-m", "pip", "wheel", *offline, "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, *examples], check=True)
    made("-m", "pip", "install", *offline, *map(str, folder.glob("*.whl")))
    return made


def test_an_objective_of_a_stranger(environment):
    assert len((EXAMPLES / "fecbench-focal" / "fecbench_focal.py").read_text().splitlines()) < 20
    plugins, usage, result, prediction = environment.fecbench(
        ["plugins", "--json"],
        ["run", "focal", "--help"],
        ["run", "focal", "--dataset", "demo", "--gamma", "1", "--epochs", "5", "--json"],
        ["predict", "focal", "my dog died"],
    )
    rows, result = json.loads(plugins), json.loads(result)
    assert {"kind": "objectives", "name": "focal", "distribution": "fecbench-focal", "version": "1.0"}.items() <= next(
        row for row in rows if row["name"] == "focal"
    ).items()
    assert "--gamma FLOAT" in usage
    assert result["objective"] == {
        "name": "focal",
        "distribution": "fecbench-focal",
        "version": "1.0",
        "variant_of": "",
    }
    assert result["metrics"]["validation"]["accuracy"] > 0.2
    assert prediction.strip()


def test_its_three_lines_of_test(environment):
    path = EXAMPLES / "fecbench-focal" / "tests" / "test_focal.py"
    assert len([line for line in path.read_text().splitlines() if line]) == 3
    out = environment("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(environment.here), str(path))
    assert f"{len(ObjectiveConformance.checks())} passed" in out


def test_the_tests_of_every_other_kind_of_plugin(environment):
    path = EXAMPLES / "fecbench-other-kinds" / "tests" / "test_other_kinds.py"
    out = environment("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(environment.here), str(path))
    assert "14 passed" in out
    environment.fecbench(*(["check", name] for name in ("weather", "words", "cosine", "worst_recall", "plain")))


def test_every_other_kind_of_plugin(environment):
    flags = ["--dataset", "weather", "--encoder", "words", "--head", "cosine", "--json"]
    usage, data, result = environment.fecbench(["--help"], ["data"], ["run", "focal", *flags])
    assert "hardest" in usage
    assert "weather" in data
    result = json.loads(result)
    assert result["dataset"] == "weather"
    assert result["metrics"]["test"]["accuracy"] > 0.5
    assert 0 <= result["metrics"]["test"]["worst_recall"] <= 1
    settings = json.loads((environment.here / result["folder"] / "run.json").read_text())["settings"]
    assert settings["lr"] == {"value": 3e-3, "origin": "encoder words"}
    assert settings["batch_size"] == {"value": 8, "origin": "data set weather"}
    assert settings["head"] == {"value": "cosine", "origin": "flag"}
    log = (environment.here / "runs" / "finished.log").read_text()
    assert f"{result['id']} focal {result['metrics']['test']['worst_recall']:.3f}" in log
    table, prediction = environment.fecbench(["hardest", result["id"]], ["predict", result["id"], "it pours again 3"])
    assert "sunny" in table
    assert "rainy" in table
    assert prediction.strip()


def test_the_guide_from_an_empty_folder_to_a_row_of_results(environment):
    """Every file of the guide is written as it stands there, and every line of its shell block is run."""
    guide = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").partition("## The protocol")[0]
    folder = environment.here / "fecbench-margin"
    folder.mkdir()
    files = re.findall(r"^`(\S+)`\n\n```\w+\n(.*?)```", guide, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in files] == ["pyproject.toml", "fecbench_margin.py", "test_margin.py"]
    for name, text in files:
        (folder / name).write_text(text)
    (shell,) = re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)
    commands, said = [shlex.split(line) for line in shell.splitlines()], {}
    for program, lines in groupby(commands, key=itemgetter(0)):
        arguments = [words[1:] for words in lines]
        if program == "fecbench":
            said |= zip(map(" ".join, arguments), environment.fecbench(*arguments, cwd=folder), strict=True)
        else:
            for words in arguments:
                said[" ".join(words)] = environment(*(INSTALL if program == "pip" else words), cwd=folder)
    assert "margin" in said["plugins --check"]
    assert "margin to the scores of other labels" in said["run margin --help"]
    assert f"{len(ObjectiveConformance.checks())} passed" in said["-m pytest test_margin.py"]
    runs, board = environment.fecbench(["runs", "--json"], ["leaderboard", "--json"], cwd=folder)
    assert [row["objective"] for row in json.loads(runs)] == ["ce", "margin"]
    (table,) = json.loads(board)["tables"]
    assert [row["method"] for row in table["rows"]] == ["ce", "margin"]
    environment("-m", "pip", "uninstall", "--quiet", "--yes", "fecbench-margin")
