"""Missing splits are cut from the training rows: stratified, by seed, equal texts into one split."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.cuts import cut
from tests.support.own_data import COLUMNS, write

PINNED = "7425303658dda734997d5da675c9caea83a53ebbfcf10471a1319bc570a2fead"


def of_each_split(data) -> dict[str, Counter]:
    """Count each text in each split, regardless of case and white space."""
    return {
        split: Counter(" ".join(text.lower().split()) for text in data.splits[split]["text"][:]) for split in SPLITS
    }


def test_missing_splits_are_cut_stratified_by_seed(tmp_path):
    long_tail = [(f"t{n}", "common") for n in range(90)] + [(f"r{n}", "rare") for n in range(3)]
    write(tmp_path / "train.csv", long_tail)
    first, again, other = (load_path(tmp_path / "train.csv", COLUMNS, SplitChoice(seed)) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint != other.fingerprint
    texts = [text for split in SPLITS for text in first.splits[split]["text"][:]]
    assert sorted(texts) == sorted(text for text, _ in long_tail)
    counts = {split: Counter(first.splits[split]["label"][:]) for split in SPLITS}
    assert counts == {"train": {0: 72, 1: 1}, "validation": {0: 9, 1: 1}, "test": {0: 9, 1: 1}}


@pytest.mark.parametrize("given", [[], ["validation"], ["test"]], ids=["neither", "validation", "test"])
@pytest.mark.parametrize("seed", range(4))
def test_equal_texts_are_cut_into_one_split_whatever_their_labels(tmp_path, seed, given):
    thrice = [(f"said {n}", label) for n in range(20) for label in ("anger", "joy", "fear")]
    again = [(f"  Said  {n}", "joy") for n in range(0, 20, 3)] + [("ok", "joy")] * 30
    rare = [(f"said {n}", "grief") for n in range(3)]  # each of its texts stands under other labels too
    write(tmp_path / "train.csv", thrice + again + rare)
    for split in given:
        write(tmp_path / f"{split}.csv", [("other", label) for label in ("anger", "joy", "fear", "grief")])
    data = load_path(tmp_path, COLUMNS, SplitChoice(seed))
    texts = of_each_split(data)
    assert sum(sum(texts[split].values()) for split in SPLITS) == 100 + 4 * len(given)
    for split in {"validation", "test"} - {*given}:
        assert not texts["train"].keys() & texts[split].keys()
        assert set(data.splits[split]["label"][:]) == {0, 1, 2, 3}
        assert 6 <= len(data.splits[split]) <= 14  # about a tenth
    assert not texts["validation"].keys() & texts["test"].keys() - {"other"}
    assert set(data.splits["train"]["label"][:]) == {0, 1, 2, 3}
    assert texts["train"]["ok"] == 30  # larger than a tenth of its class


@pytest.mark.slow
def test_the_cut_is_a_function_of_rows_and_seed_alone(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n % 50}", "abc"[n % 3]) for n in range(120)])
    code = (
        "import sys; from pathlib import Path; from fecbench.data.datasets.own.load_path import load_path; "
        "from fecbench.data.datasets.splits.missing_splits import SplitChoice; "
        "print(load_path(Path(sys.argv[1]), {}, SplitChoice(3)).fingerprint)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    found = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True).stdout
        for seed in "12"
    }
    assert found == {load_path(tmp_path, COLUMNS, SplitChoice(3)).fingerprint + "\n"}


def test_texts_that_hold_what_parts_rows_in_a_digest_are_other_texts(tmp_path):
    fingerprints = set()
    for number, texts in enumerate((["a\x1eb", "c"], ["a", "b\x1ec"], ["a\x10rb", "c"])):
        lines = [{"text": text, "label": label} for label in ("sad", "glad") for text in (*texts, "x", "y")]
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        fingerprints.add(load_path(tmp_path / f"{number}.jsonl", COLUMNS, SplitChoice(0)).fingerprint)
    assert len(fingerprints) == 3


def test_the_cut_of_version_0_4_is_kept():
    rows = [(f"text {n % 90}", n * n % 7 % 3, "") for n in range(120)]
    assert cut(rows, 3, grouped=False).fingerprint == PINNED
