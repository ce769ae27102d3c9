"""`pip install` of a package with one file and one entry point adds an objective, with no line of fecbench changed."""

import json
import os
import subprocess
import sys

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "fecbench-margin"
version = "1.2"

[project.entry-points.fecbench_objectives]
margin = "fecbench_margin:Margin"

[tool.hatch.build.targets.wheel]
only-include = ["fecbench_margin.py"]
"""

MODULE = '''
"""Multi-class margin loss."""
from pydantic import Field
from torch.nn.functional import multi_margin_loss

from fecbench import Config, Objective, Update


class MarginConfig(Config):
    margin: float = Field(1.0, gt=0, description="how far ahead the right label must be")


class Margin(Objective):
    """Keep the right label ahead of the others."""
    Config = MarginConfig

    def updates(self, batch, model):
        logits = model.classify(model.project(model.encode(batch)))
        yield Update(multi_margin_loss(logits.float(), batch.labels, margin=self.config.margin))
'''


@pytest.mark.slow
def test_one_file_and_one_entry_point_add_an_objective(tmp_path, toy):
    source, site = tmp_path / "fecbench-margin", tmp_path / "site"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "fecbench_margin.py").write_text(MODULE)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site), str(source)]
    subprocess.run(pip, check=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def fecbench(*arguments: str) -> str:
        command = [sys.executable, "-m", "fecbench", *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    plugins = json.loads(fecbench("plugins", "--json"))
    assert {"name": "margin", "distribution": "fecbench-margin", "version": "1.2"}.items() <= next(
        row for row in plugins if row["name"] == "margin"
    ).items()
    assert "how far ahead the right label must be  [default: 1.0]" in " ".join(fecbench("run", "margin", "--help").split()).replace(
        "be [", "be  ["
    )
    flags = f"--dataset {toy} --encoder scratch --epochs 6 --batch-size 16 --margin 0.5 --json".split()
    result = json.loads(fecbench("run", "margin", *flags))
    assert result["objective"] == {"name": "margin", "distribution": "fecbench-margin", "version": "1.2"}
    assert result["metrics"]["test"]["accuracy"] > 0.5
    assert fecbench("predict", "margin", "my dog died").startswith("sad")
