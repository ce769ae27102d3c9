"""Own data with a long tail: rare classes, long texts, every script, a thousand labels, a million rows."""

import csv
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fecbench.data.datasets.dataset import DatasetInfo
from fecbench.data.datasets.description.schema import Description
from fecbench.data.datasets.labels.given_names import GivenNames
from fecbench.data.datasets.own.assemble import assemble
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from fecbench.runs.record import Record
from tests.support import ROOT

METHODS = ("ce", "supcon", "lcl", "aml", "aml-threshold")
SMALL = ("--encoder", "tiny-bert", "--epochs", 1, "--device", "cpu")


def write(folder: Path, **splits: list[tuple[str, str]]) -> Path:
    """A data set of one's own as CSV."""
    folder.mkdir()
    for split, rows in splits.items():
        with (folder / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *rows])
    return folder


def texts(label: str, number: int, tag: str = "") -> list[tuple[str, str]]:
    return [(f"a text {tag} of {label} {place}", label) for place in range(number)]


@pytest.mark.parametrize("method", METHODS)
def test_classes_of_one_example_and_batches_of_one_class(fecbench, tmp_path, method):
    """Most batches hold the commonest class alone; the others have one row to learn from."""
    labels = ["common", *(f"rare {number}" for number in range(5))]
    train = [*texts("common", 60), *(row for label in labels[1:] for row in texts(label, 1))]
    held_out = [row for label in labels for row in texts(label, 2, "held out")]
    data = write(tmp_path / "tail", train=train, validation=held_out, test=held_out)
    code, _, err = fecbench("run", method, "--dataset", data, *SMALL, "--batch-size", 4, "--run-dir", tmp_path / "run")
    assert code == 0, err
    assert "warning" not in err
    record = Record(tmp_path / "run")
    assert [scores["support"] for scores in record.result["per_class"].values()] == [2.0] * 6
    logs = [event["logs"] for event in record.history() if event["event"] == "epoch"]
    assert all(np.isfinite(value) for log in logs for value in log.values())


@pytest.mark.parametrize("method", ["ce", "aml"])
def test_texts_of_ten_thousand_tokens_are_cut_counted_and_reported(fecbench, tmp_path, method):
    long = [(" ".join(f"{label} word{place}" for place in range(5000)), label) for label in ("glad", "sad")]
    rows = [row for label in ("glad", "sad") for row in texts(label, 8)]
    data = write(tmp_path / "long", train=[*rows, *long], validation=[*rows, long[0]], test=rows)
    code, _, err = fecbench(
        "run", method, "--dataset", data, *SMALL, "--batch-size", 8, "--max-length", 32, "--run-dir", tmp_path / "run"
    )
    assert code == 0, err
    for note in (
        "2 of 18 train texts (text) were cut to 32 tokens",
        "1 of 17 validation texts (text) were cut to 32 tokens",
    ):
        assert f"note: {note}" in err
        assert note in Record(tmp_path / "run").about["notes"]
    assert "test texts (text)" not in err
    code, out, err = fecbench("predict", tmp_path / "run", long[0][0])
    assert code == 0, err
    assert out.endswith("word4999\n")


SCRIPTS = {
    "😀 joy": ["😀😃😄 what a day", "👩‍👩‍👧‍👦🏳️‍🌈 together", "❤️ 1️⃣ 🎉"],
    "שמחה": ["איזה יום נפלא", "אני שמח מאוד היום", "תודה רבה לך"],
    "حزن": ["أنا حزين جدا اليوم", "رحلت دون كلمة", "الليل طويل"],
    "愤怒": ["他们又骗了我们", "别再对我大喊大叫了", "这太不公平了"],
    "full\u3000width": ["e\u0301 and é", "zero\u200bwidth \ufeffmark", "\u202eright to left override\u202c"],
}


def test_every_script_comes_through_unharmed(fecbench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [(f"{text} {number}", label) for label, some in SCRIPTS.items() for text in some for number in range(4)]
    data = write(tmp_path / "文字 🌍", train=rows, validation=rows[::2], test=rows[1::2])
    for method in ("ce", "lcl"):
        run = (
            "run",
            method,
            "--dataset",
            data,
            *SMALL,
            "--batch-size",
            16,
            "--seed",
            3,
            "--run-dir",
            tmp_path / "runs" / method,
        )
        code, _, err = fecbench(*run)
        assert code == 0, err
    assert set(Record(tmp_path / "runs" / "ce").about["dataset"]["labels"]) == set(SCRIPTS)
    every = [text for some in SCRIPTS.values() for text in some]
    predicted = json.loads(fecbench("predict", "ce", *every, "--json")[1])["predictions"]
    assert [row["text"] for row in predicted] == every
    for command in (
        ["predict", "ce", *every],
        ["cases", "runs/ce", "runs/lcl"],
        ["cases", "runs/ce", "runs/lcl", "--format", "markdown"],
        ["data", "stats", data],
        *(["leaderboard", "--format", form] for form in ("terminal", "markdown", "latex", "csv", "json", "html")),
        ["export", "runs/ce", tmp_path / "model"],
    ):
        code, out, err = fecbench(*command)
        assert code == 0, err
        if command[0] == "leaderboard" and command[-1] != "latex":
            assert "文字 🌍" in out
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    assert set(config["id2label"].values()) == set(SCRIPTS)
    assert all(label in (tmp_path / "model" / "README.md").read_text(encoding="utf-8") for label in ("😀 joy", "愤怒"))


@pytest.fixture
def thousand(tmp_path) -> Path:
    """A thousand labels, two training rows each."""
    labels = [f"emotion {number}" for number in range(1000)]
    splits = {"train": 2, "validation": 1, "test": 1}
    return write(
        tmp_path / "thousand",
        **{split: [row for label in labels for row in texts(label, n, split)] for split, n in splits.items()},
    )


def test_a_thousand_labels(fecbench, thousand, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for method in ("ce", "lcl", "aml"):
        run = (
            "run",
            method,
            "--dataset",
            thousand,
            *SMALL,
            "--batch-size",
            64,
            "--limit",
            320,
            "--run-dir",
            tmp_path / "runs" / method,
        )
        code, _, err = fecbench(*run)
        assert code == 0, err
        record = Record(tmp_path / "runs" / method)
        assert np.array(record.result["confusion_matrix"]).shape == (1000, 1000)
        assert len(record.result["per_class"]) == 1000
        assert (record.folder / "result.json").stat().st_size < 10_000_000
    code, out, err = fecbench("leaderboard", "--format", "html")
    assert code == 0, err
    assert len(out) < 1_000_000
    assert fecbench("predict", "aml", "hello", "--top", 1000)[1].count("emotion") == 1000
    assert fecbench("export", "ce", tmp_path / "model")[0] == 0


def rows_of(number: int) -> Iterator[tuple[str, dict[str, str]]]:
    return (
        (f"row {place}", {"text": f"a text of some length, number {place}", "label": f"label {place % 3}"})
        for place in range(number)
    )


def read(number: int) -> int:
    """Python's memory at its highest, in bytes, while so many rows are read, checked and identified."""
    splits = {"train": rows_of(number), "validation": rows_of(3)}
    tracemalloc.start()
    try:
        data = assemble(
            splits, Description(), GivenNames(), DatasetInfo("toy", "toy", "none", ""), "here", SplitChoice(0)
        )
        assert len(data.fingerprint) == 64
        assert len(data.splits["train"]) + len(data.splits["test"]) == number
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_rows_are_read_without_being_held():
    """A row costs a few numbers (its label, its position, a hash for duplicates), neither its text nor an object."""
    read(10)  # imports
    few, many = read(20_000), read(60_000)
    assert (many - few) / 40_000 < 12 * 8  # a text alone would take as much


@pytest.mark.trust
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory by kind is read from /proc")
def test_memory_stays_flat_up_to_a_million_rows():
    command = [sys.executable, str(ROOT / "benchmarks" / "speed" / "memory.py"), "100000", "1000000"]
    said = subprocess.run(
        command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=True
    ).stdout
    few, many = (
        [cell.strip().replace(",", "") for cell in line.split("|")[1:-1]] for line in said.strip().splitlines()[2:]
    )
    assert (few[0], many[0]) == ("100000", "1000000")
    assert float(many[1]) < 1.5 * float(few[1])
