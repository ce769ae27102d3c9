"""Random edits of whole files, and random trees: what is read is refused in words, or is sound.

A few examples run always, many under the marker ``trust``.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fecbench.bench import matrix
from fecbench.bench.spec import read_spec
from fecbench.core.errors import FecbenchError
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from fecbench.results.leaderboard.run import read_run
from fecbench.runs.identity import LOCAL_SETTINGS
from fecbench.runs.predictions import read_predictions
from fecbench.runs.record import Record
from fecbench.training.checkpoints import Checkpoints, state_of
from tests.support.file_texts import CSV, LINES, PARQUET
from tests.support.toy_data import write_toy
from tests.support.train import train

ALWAYS, LONG = 60, 3000
AMOUNTS = [ALWAYS, pytest.param(LONG, marks=[pytest.mark.trust, pytest.mark.slow])]
BYTES = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from([b"\0", b'"', b"\n", b",", b"\xff", b"{", b"}", b"-", b"9" * 40, b"NaN"]),
)


@st.composite
def edits(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole`` after up to four edits: bytes changed, put in, left out, repeated or swapped, or the end cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.sampled_from([1, 1, 2, 8, 64]))
        match draw(st.sampled_from(["change", "put in", "leave out", "repeat", "swap", "cut", "zero"])):
            case "change":
                content[at : at + 1] = draw(BYTES)[:1]
            case "put in":
                content[at:at] = draw(BYTES)
            case "leave out":
                del content[at : at + length]
            case "repeat":
                content[at:at] = content[at : at + length]
            case "swap":
                content[:] = content[at:] + content[:at]
            case "cut":
                del content[at:]
            case "zero":
                content[at : at + length] = bytes(len(content[at : at + length]))
    return bytes(content)


def often(amount: int, strategy: st.SearchStrategy[Any], check: Callable[[Any], None]) -> None:
    """Run ``check`` on so many examples; the same every time."""
    long = {"max_examples": amount, "deadline": None, "derandomize": True, "database": None}
    settings(**long, suppress_health_check=list(HealthCheck))(given(strategy)(check))()


def told(read: Callable[[], Any]) -> Any:
    """Return the result of ``read``, or None if it refuses in words."""
    try:
        return read()
    except FecbenchError as error:
        reason = str(error)
    assert reason
    assert len(reason) < 4000
    return None


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize(
    ("name", "whole"), [("train.csv", CSV.encode()), ("train.jsonl", LINES.encode()), ("train.parquet", PARQUET)]
)
def test_data_is_sound_or_refused(tmp_path, name, whole, amount):
    path = tmp_path / name

    def check(content: bytes) -> None:
        path.write_bytes(content)
        data = told(lambda: load_path(path, {}, SplitChoice(0)))
        if data is not None:
            assert set(data.splits) == set(SPLITS)
            for split in data.splits.values():
                assert all(text.strip() for text in split["text"][:])
                assert set(split["label"][:]) <= set(range(len(data.labels)))
            assert set(data.splits["train"]["label"][:]) == set(range(len(data.labels)))
            assert len(data.labels) >= 2

    often(amount, edits(whole) | st.binary(max_size=300), check)


SPEC = """title = "t"
objectives = ["ce", "supcon"]
datasets = ["demo"]
seeds = [0, 1]
[settings]
encoder = "scratch"
lr = 1e-3
[objective.supcon]
batch_size = 16
[grid]
select = "validation"
settings = { lr = [1e-4, 2e-4] }
"""


def planned(path: Path) -> None:
    """A spec is expanded or refused."""
    found = told(lambda: matrix.expand(read_spec(path)))
    if found is not None:
        assert found.entries
        assert all(
            planned.plan.settings.epochs >= 1 for entry in found.entries for seeds in entry.runs for planned in seeds
        )


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_spec_is_planned_or_refused(tmp_path, amount):
    path = tmp_path / "spec.toml"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        planned(path)

    often(amount, edits(SPEC.encode()) | st.binary(max_size=200), check)


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from([10**400, "ce", "demo", 0, 1, "seed"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["value", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> Record:
    """A complete run."""
    home = tmp_path_factory.mktemp("fuzz")
    return train("ce", write_toy(home / "moods"), home / "run", epochs=1)


FIGURES = {
    "run.json": lambda record: {key: value for key, value in record.settings().items() if key not in LOCAL_SETTINGS},
    "result.json": lambda record: record.result["metrics"],
    "history.jsonl": lambda record: record.history(),
    "predictions.safetensors": lambda record: {
        name: tensor.tolist() for name, tensor in read_predictions(record).items()
    },
}


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("file", FIGURES)
def test_a_record_gives_its_figures_or_none(record, file, amount):
    """Whatever happened to a file, what a reader of records takes from the run are its own figures."""
    expected, whole = FIGURES[file](record), (record.folder / file).read_bytes()
    with tempfile.TemporaryDirectory() as home:
        folder = shutil.copytree(record.folder, Path(home) / "run", ignore=shutil.ignore_patterns("best.safetensors"))

        def check(content: bytes) -> None:
            (folder / file).write_bytes(content)
            spoiled = Record(folder)
            found = told(lambda: (FIGURES[file](spoiled), spoiled.result, spoiled.status))
            if found is not None and found[2] == "complete":
                assert found[0] == expected
            row = told(lambda: read_run(spoiled))
            if row is not None and row.status == "complete":
                assert (row.scores, row.seed, row.objective) == (record.result["metrics"]["test"], 0, "ce")

        often(amount, edits(whole) | st.binary(max_size=200), check)


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("file", ["run.json", "result.json"])
def test_any_tree_in_place_of_a_part_of_a_record(record, file, amount):
    whole = json.loads((record.folder / file).read_text())
    places = [(key,) for key in whole] + [
        (key, part) for key, value in whole.items() if isinstance(value, dict) for part in value
    ]
    with tempfile.TemporaryDirectory() as home:
        folder = shutil.copytree(record.folder, Path(home) / "run", ignore=shutil.ignore_patterns("best.safetensors"))

        def check(change: tuple[tuple[str, ...], Any]) -> None:
            (key, *part), value = change
            spoiled = whole | {key: whole[key] | {part[0]: value} if part else value}
            (folder / file).write_text(json.dumps(spoiled))
            row = told(lambda: read_run(Record(folder)))
            if row is not None and row.status == "complete":
                assert row.scores == record.result["metrics"]["test"]

        often(amount, st.tuples(st.sampled_from(places), TREES), check)


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_checkpoint_is_restored_whole_or_refused(tmp_path, amount):
    torch.manual_seed(0)
    modules = {"model": torch.nn.Linear(3, 2)}
    checkpoints = Checkpoints(tmp_path, "this run")
    checkpoints.save_best(modules, {"epoch": 1})
    whole = (tmp_path / "best.safetensors").read_bytes()

    def check(content: bytes) -> None:
        (tmp_path / "best.safetensors").write_bytes(content)
        target = {"model": torch.nn.Linear(3, 2)}
        if told(lambda: checkpoints.load_best(target)) is not None:
            assert all(
                tensor.isfinite().all() and tensor.dtype == torch.float32 for tensor in state_of(target).values()
            )

    often(amount, edits(whole) | st.binary(max_size=200), check)
