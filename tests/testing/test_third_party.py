"""The example plugins are built, installed into a fresh environment by pip alone, and used there."""

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from fecbench.testing import ObjectiveConformance
from tests.support import ROOT

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"


class Environment:
    """A fresh virtual environment that sees this one's packages; commands run in an empty folder beside it."""

    def __init__(self, folder: Path):
        venv.create(folder / "env", symlinks=True)
        self.bin, self.here = folder / "env" / "bin", folder / "here"
        self.here.mkdir()
        (site,) = (folder / "env" / "lib").glob("python*/site-packages")
        (site / "parent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        self.variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def __call__(self, *arguments: str, cwd: Path | None = None) -> str:
        command = [str(self.bin / "python"), *arguments]
        done = subprocess.run(command, env=self.variables, cwd=cwd or self.here, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, wheel: Path) -> None:
        """Install a wheel with this environment's pip."""
        self("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel))

    def fecbench(self, *arguments: str) -> str:
        """Run a command there."""
        return self("-m", "fecbench", *arguments)


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    folder = tmp_path_factory.mktemp("stranger")
    made = Environment(folder)
    for example in ("fecbench-focal", "fecbench-other-kinds"):
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        subprocess.run([*build, "--wheel-dir", str(folder), str(EXAMPLES / example)], check=True)
        (wheel,) = folder.glob(f"{example.replace('-', '_')}-*.whl")
        made.install(wheel)
    return made


def test_an_objective_of_a_stranger(environment):
    assert len((EXAMPLES / "fecbench-focal" / "fecbench_focal.py").read_text().splitlines()) < 20
    rows = json.loads(environment.fecbench("plugins", "--json"))
    assert {"kind": "objectives", "name": "focal", "distribution": "fecbench-focal", "version": "1.0"}.items() <= next(
        row for row in rows if row["name"] == "focal"
    ).items()
    assert "--gamma FLOAT" in environment.fecbench("run", "focal", "--help")
    result = json.loads(
        environment.fecbench("run", "focal", "--dataset", "demo", "--gamma", "1", "--epochs", "5", "--json")
    )
    assert result["objective"] == {
        "name": "focal",
        "distribution": "fecbench-focal",
        "version": "1.0",
        "variant_of": "",
    }
    assert result["metrics"]["validation"]["accuracy"] > 0.2
    assert environment.fecbench("predict", "focal", "my dog died").strip()


def test_its_three_lines_of_test(environment):
    path = EXAMPLES / "fecbench-focal" / "tests" / "test_focal.py"
    assert len([line for line in path.read_text().splitlines() if line]) == 3
    out = environment("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(environment.here), str(path))
    assert f"{len(ObjectiveConformance.checks())} passed" in out


def test_the_tests_of_every_other_kind_of_plugin(environment):
    path = EXAMPLES / "fecbench-other-kinds" / "tests" / "test_other_kinds.py"
    out = environment("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(environment.here), str(path))
    assert "14 passed" in out
    for name in ("weather", "words", "cosine", "worst_recall", "plain"):
        environment.fecbench("check", name)


def test_every_other_kind_of_plugin(environment):
    assert "hardest" in environment.fecbench("--help")
    assert "weather" in environment.fecbench("data")
    flags = ["--dataset", "weather", "--encoder", "words", "--head", "cosine", "--json"]
    result = json.loads(environment.fecbench("run", "focal", *flags))
    assert result["dataset"] == "weather"
    assert result["metrics"]["test"]["accuracy"] > 0.5
    assert 0 <= result["metrics"]["test"]["worst_recall"] <= 1
    settings = json.loads((environment.here / result["folder"] / "run.json").read_text())["settings"]
    assert settings["lr"] == {"value": 3e-3, "origin": "encoder words"}
    assert settings["batch_size"] == {"value": 8, "origin": "data set weather"}
    assert settings["head"] == {"value": "cosine", "origin": "flag"}
    log = (environment.here / "runs" / "finished.log").read_text()
    assert f"{result['id']} focal {result['metrics']['test']['worst_recall']:.3f}" in log
    table = environment.fecbench("hardest", result["id"])
    assert "sunny" in table
    assert "rainy" in table
    assert environment.fecbench("predict", result["id"], "it pours again 3").strip()


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
    said = {}
    for line in shell.splitlines():
        words = shlex.split(line)
        if words[0] == "pip":
            words = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "."]
        else:
            words = words[1:] if words[0] == "python" else ["-m", *words]
        said[line] = environment(*words, cwd=folder)
    assert "margin" in said["fecbench plugins --check"]
    assert "margin to the scores of other labels" in said["fecbench run margin --help"]
    assert f"{len(ObjectiveConformance.checks())} passed" in said["python -m pytest test_margin.py"]
    assert [row["objective"] for row in json.loads(environment("-m", "fecbench", "runs", "--json", cwd=folder))] == [
        "ce",
        "margin",
    ]
    (table,) = json.loads(environment("-m", "fecbench", "leaderboard", "--json", cwd=folder))["tables"]
    assert [row["method"] for row in table["rows"]] == ["ce", "margin"]
    environment("-m", "pip", "uninstall", "--quiet", "--yes", "fecbench-margin")
