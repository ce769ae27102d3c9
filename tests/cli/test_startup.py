"""Start-up: commands that list, help or refuse import nothing heavy, and a second run tokenises nothing.

benchmarks/speed measures the times.
"""

import gc
import json
import os
import subprocess
import sys
from contextlib import suppress

import pytest
import transformers

from fecbench.cli import COMMANDS
from fecbench.terminal.fast_import import fast_import

pytestmark = pytest.mark.slow

HEAVY = {
    "torch",
    "transformers",
    "accelerate",
    "datasets",
    "numpy",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "matplotlib",
    "jinja2",
}
SETTINGS = HEAVY - {"numpy"} | {"fecbench_aml.objective"}  # commands of records and metrics read arrays
LISTING = HEAVY | {"pydantic", "fecbench_aml.objective", "fecbench.core.settings"}
TELL = (
    "import json, sys\nfrom fecbench.cli import main\nsys.argv[0] = 'fecbench'\n"
    "try: main()\nfinally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
)


def loaded(*arguments: str, **environment: str) -> tuple[str, set[str]]:
    """Return the output of a command and the modules that its process has imported at its end."""
    command = [sys.executable, "-c", TELL, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    return done.stdout + done.stderr, set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["plugins"], ["plugins", "--json"], ["nonsense"], []], ids=" ".join
)
def test_what_only_lists_reads_metadata(arguments):
    _, modules = loaded(*arguments)
    assert not LISTING & modules


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_imports_nothing_heavy(name):
    out, modules = loaded(name, "--help")
    assert "Usage: " in out
    assert not SETTINGS & modules


@pytest.mark.parametrize(
    "arguments", [["run", "alm"], ["check", "--nonsense"], ["predict"], ["runs", "nowhere"]], ids=" ".join
)
def test_a_mistake_is_told_before_anything_heavy_is_imported(arguments):
    assert not SETTINGS & loaded(*arguments)[1]


def test_help_of_an_objective_imports_torch_but_not_what_training_needs():
    out, modules = loaded("run", "aml", "--help")
    assert "--k-pos" in out
    assert not {"transformers", "accelerate", "datasets", "sklearn"} & modules


@pytest.mark.parametrize(
    ("words", "expected"),
    [("fecbench ", "leaderboard"), ("fecbench ce", "certify"), ("fecbench run aml-n", "aml-no-adv")],
)
def test_the_shell_completes_names_from_metadata(words, expected):
    place = str(len(words.split(" ")) - 1)
    out, modules = loaded(_FECBENCH_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=place)
    assert f"plain,{expected}\n" in out
    assert not SETTINGS & modules


def test_the_collector_rests_during_imports_and_is_back_afterwards_whatever_happens():
    with suppress(ImportError), fast_import():
        assert not gc.isenabled()
        import fecbench.nowhere  # noqa: F401
    assert gc.isenabled()


def test_a_second_run_tokenises_no_more_than_what_names_its_cache(fecbench, toy, tmp_path, monkeypatch):
    calls, real = [], transformers.PreTrainedTokenizerFast.__call__

    def counted(self, text, *arguments, **named):
        calls.append(len(text))
        return real(self, text, *arguments, **named)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(transformers.PreTrainedTokenizerFast, "__call__", counted)
    run = ["run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 1]
    probes = (
        (20 + 1) + (12 + 1) + (15 + 1)
    )  # of each split, at most 20 of its texts and a long one: their ids are part of the cache's key
    for name, texts in (("first", 60 + 12 + 15), ("second", 0)):
        calls.clear()
        assert fecbench(*run, "--run-dir", tmp_path / name)[0] == 0
        assert sum(calls) == texts + probes
    assert (tmp_path / "first" / "history.jsonl").read_text() == (tmp_path / "second" / "history.jsonl").read_text()
