"""The scripts of benchmarks/gpu work at their smallest, so that a rename in the package can't break them unnoticed."""

import json
import re
import subprocess
import sys
import tomllib

import pytest

from tests.support import ROOT
from tests.support.benchmark_modules import GPU
from tests.support.train import train

SCRIPTS = sorted({path.stem for path in GPU.glob("*.py")} - {"__main__", "results"})
TINY = ["--device", "cpu", "--dataset", "demo", "--encoder", "tiny-bert", "--steps", "2"]
PARTS = {  # the smallest run of each part that measures in its own process, and the number of its results
    "machine": ([], 3),
    "parity": (["--also", "tiny-roberta"], 20),
    "attention": (["--variant", "as fecbench does"], 3),
    "methods": (["--cases", "Trainer,ce,ce padded"], 3),
}
PROCESSES = {
    "concurrency": (["--at-once", "1", "2", "--seconds", "0.1"], 2),
    "attention": ([], 6),
    "determinism": (["--cases", "ce"], 2),
}


@pytest.fixture
def call(part, monkeypatch, tmp_path):
    """Call a script in this process and return its results."""

    def run(name: str, *arguments: str) -> list[dict[str, object]]:
        monkeypatch.setenv("OUT", str(tmp_path))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        part(name).main()
        return results(tmp_path)

    return run


def results(folder) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_what_it_does(name, call, capsys):
    with pytest.raises(SystemExit) as stop:
        call(name, "--help")
    assert stop.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_a_part_measures(name, call):
    arguments, count = PARTS[name]
    found = call(name, *TINY, *arguments)
    assert [line for line in found if "failed" in line] == []
    assert len(found) == count
    assert all(line["rehearsal"] for line in found)


@pytest.mark.slow
@pytest.mark.trust
@pytest.mark.parametrize("name", PROCESSES)
def test_a_part_of_several_processes_measures(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OUT", str(tmp_path))
    arguments, count = PROCESSES[name]
    done = subprocess.run([sys.executable, GPU, name, *TINY, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = results(tmp_path)
    assert [line for line in found if "failed" in line] == []
    assert len(found) == count


@pytest.mark.slow
def test_predictions_of_a_run_are_compared(call, toy, tmp_path):
    record = train("ce", toy, tmp_path / "run", encoder="tiny-bert", epochs=1)
    (found,) = call("predictions", "--device", "cpu", str(record.folder))
    assert (found["case"], found["differ"], found["answers_differ"]) == ("run", 0.0, 0)


def test_a_failing_case_ends_alone(part, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("OUT", str(tmp_path))
    outcome = part("results").Results("limit", "cpu")
    with outcome.case("ce"):
        raise RuntimeError("no memory")
    outcome.say("aml", ms=1.23456789)
    assert results(tmp_path) == [
        {"part": "limit", "case": "ce", "failed": "RuntimeError: no memory", "rehearsal": True},
        {"part": "limit", "case": "aml", "ms": 1.2346, "rehearsal": True},
    ]
    assert "REHEARSAL limit: aml: ms 1.2346" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["stage", "window", "full"])
def test_the_shell_scripts_parse(name):
    done = subprocess.run(["bash", "-n", GPU / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_readme_lists_the_parts_with_their_seconds():
    window = (GPU / "window").read_text()
    parts = re.findall(r"^(?:.*then )?(?:part|measure|speed) (\d+) (\w+) ", window, re.MULTILINE)
    listed = re.findall(r"^\| (\w+) \((\d+|all that is left)\) \|", (GPU / "README.md").read_text(), re.MULTILINE)
    assert [(name, "all that is left" if name == "full" else seconds) for seconds, name in parts] == listed


def test_every_dependency_is_on_the_other_machine_or_staged():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.match(r"[\w-]+", requirement).group().lower() for requirement in project["dependencies"]}
    there = (GPU / "README.md").read_text().partition("whose `python3` holds")[2].partition("What\nfecbench")[0]
    held = {word.lower() for word in re.findall(r"[\w-]+", there)}
    staged = set(" ".join(re.findall(r"pip download .*", (GPU / "stage").read_text())).split())
    assert needed - held - staged == set()


def test_the_scripts_that_the_window_calls_exist():
    window = (GPU / "window").read_text()
    for name in re.findall(r"measure \d+ \w+ (\w+)", window):
        assert (GPU / f"{name}.py").is_file()
    for name in re.findall(r"^speed \d+ (\w+)", window, re.MULTILINE):
        assert (ROOT / "benchmarks" / "speed" / f"{name}.py").is_file()
