"""The built-in data sets whose texts have several labels."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.builtin import demo, goemotions
from fecbench.data.datasets.checks import Pin, check_loaded
from fecbench.data.datasets.load import get_dataset, load_registered
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.measures.statistics import statistics
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.rows import digest_rows, targets_of
from fecbench.data.datasets.splits.missing_splits import SplitChoice

REAL = os.environ.get("FECBENCH_TEST_DATA")
GE_FILES = {
    "train.tsv": 'I am so proud\t21\tid1\n"She said ""no"" again"\t2\tid2\nboth\t2,3\tid3\nmeh\t27\tid4\n',
    "dev.tsv": "what a joy\t17,27\tid5\n",
    "test.tsv": "sorry for that\t24\tid6\nwell\t27\tid7\n",
}


@pytest.fixture
def places(tmp_path):
    folder = tmp_path / "data" / "ge"
    folder.mkdir(parents=True)
    for name, content in GE_FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    return DataLocations(tmp_path / "data", None, tmp_path / "cache")


@pytest.fixture(scope="module")
def demo_multi():
    return load_registered("demo-multi", DataLocations())


def test_ge_multi_keeps_every_row_with_all_its_labels(places, monkeypatch):
    monkeypatch.setattr(goemotions, "check_pinned", lambda data, *_: data)
    data = goemotions.ge_multi.load(places)
    names = [[data.labels[label] for label in labels] for labels in data.splits["train"]["labels"][:]]
    assert names == [["pride"], ["anger"], ["anger", "annoyance"], ["neutral"]]
    assert data.splits["train"]["text"][1] == 'She said "no" again'
    assert len(data.labels) == 28
    assert (data.labelling, data.info.background) == ("multi", ("neutral",))
    assert set(data.descriptions) == set(data.labels)


def test_ge_multi_is_one_fixed_set_of_rows(places):
    with pytest.raises(DataError, match="the train split of ge-multi must have 43,410 rows, but has 4"):
        goemotions.ge_multi.load(places)


GROUPS = {"ge-ekman": goemotions.EKMAN, "ge-sentiment": goemotions.SENTIMENT}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ge-ekman", [["joy"], ["anger"], ["anger"], ["neutral"]]),
        ("ge-sentiment", [["positive"], ["negative"], ["negative"], ["neutral"]]),
    ],
)
def test_labels_of_one_group_are_one_class(places, monkeypatch, name, expected):
    monkeypatch.setattr(goemotions, "check_pinned", lambda data, *_: data)
    data = get_dataset(name).load(places)
    assert [[data.labels[label] for label in labels] for labels in data.splits["train"]["labels"][:]] == expected
    assert {data.labels[n] for n in data.splits["validation"]["labels"][0]} == {"neutral", *expected[0]}
    assert (data.name, data.labelling, data.info.background) == (name, "multi", ("neutral",))
    assert set(data.descriptions) == set(data.labels)


@pytest.mark.parametrize("name", GROUPS)
def test_each_label_of_goemotions_is_in_one_group(name):
    members = [label for group in GROUPS[name].values() for label in group]
    assert sorted(members) == sorted(goemotions.MULTI_LABELS)


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files")
@pytest.mark.parametrize("name", GROUPS)
def test_the_real_rows_in_groups_have_the_rows_of_ge_multi(name):
    many, few = (load_registered(each, DataLocations(Path(REAL))) for each in ("ge-multi", name))
    for split, rows in many.splits.items():
        assert few.splits[split]["text"][:] == rows["text"][:]
        group_of = {label: group for group, members in GROUPS[name].items() for label in members}
        for labels, groups in zip(rows["labels"][:500], few.splits[split]["labels"][:500], strict=True):
            assert {few.labels[number] for number in groups} == {group_of[many.labels[number]] for number in labels}


def test_pins_of_ge_multi_see_a_changed_label(places, monkeypatch):
    monkeypatch.setattr(goemotions, "check_pinned", lambda data, *_: data)
    data = goemotions.ge_multi.load(places)
    monkeypatch.undo()
    pins = {name: Pin(len(rows), digest_rows(rows, data.labels)) for name, rows in data.splits.items()}
    assert goemotions.GoEmotionsMulti(pins).load(places).name == "ge-multi"
    (places.data_dir / "ge" / "test.tsv").write_text("sorry for that\t24,25\tid6\nwell\t27\tid7\n")
    with pytest.raises(DataError, match="the test rows aren't those of ge-multi"):
        goemotions.GoEmotionsMulti(pins).load(places)


@pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files")
def test_the_real_rows_have_the_counts_of_the_paper():
    data = check_loaded(goemotions.ge_multi.load(DataLocations(Path(REAL))), "ge-multi")
    sizes = Counter(map(len, data.splits["train"]["labels"][:]))
    assert sizes == {1: 36_308, 2: 6_541, 3: 532, 4: 28, 5: 1}
    counts = dict(zip(data.labels, targets_of(data.splits["train"], 28).sum(0).tolist(), strict=True))
    assert [counts[label] for label in ("grief", "pride", "relief")] == [77, 111, 153]


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="FECBENCH_TEST_DATA names no folder with the real files")
def test_the_official_files_read_as_ones_own_have_the_same_labels(tmp_path):
    for name in goemotions.FILES.values():
        shutil.copy(Path(REAL) / "ge" / name, tmp_path / name)
    (tmp_path / "labels.txt").write_text("\n".join(goemotions.MULTI_LABELS) + "\n")
    flags = {"header": False, "text_column": "1", "label_column": "2", "label_separator": ","}
    own = load_path(tmp_path, flags, SplitChoice(0))
    data = load_registered("ge-multi", DataLocations(Path(REAL)))
    assert own.labels == data.labels
    for split, rows in data.splits.items():
        assert own.splits[split]["text"][:] == rows["text"][:]
        assert (targets_of(own.splits[split], 28) == targets_of(rows, 28)).all()


def test_demo_multi_has_one_to_three_of_the_labels_of_demo(demo_multi):
    assert demo_multi.labels == demo.LABELS
    assert demo_multi.labelling == "multi"
    sizes = Counter(size for rows in demo_multi.splits.values() for size in map(len, rows["labels"][:]))
    assert set(sizes) == {1, 2, 3}
    assert [len(rows) for rows in demo_multi.splits.values()] == [420, 90, 90]


def test_every_split_of_demo_multi_has_every_label(demo_multi):
    for rows in demo_multi.splits.values():
        assert (targets_of(rows, 12).sum(0) >= 5).all()


def test_statistics_tell_sizes_of_label_sets_and_what_goes_together(demo_multi):
    found = statistics(demo_multi)["label_sets"]
    assert sum(found["rows"].values()) == 420
    assert found["mean"] == round(sum(int(size) * rows for size, rows in found["rows"].items()) / 420, 4)
    assert found["distinct"] == 45
    best = found["together"][0]
    targets = targets_of(demo_multi.splits["train"], 12)
    a, b = (targets[:, demo_multi.labels.index(label)] for label in best["labels"])
    assert best["rows"] == (a * b).sum()
    assert best["share"] == pytest.approx((a * b).sum() / (a.sum() * b.sum()) ** 0.5, abs=1e-4)


def test_no_text_of_demo_multi_occurs_twice_or_in_demo(demo_multi):
    single = load_registered("demo", DataLocations())
    texts = [text for data in (demo_multi, single) for rows in data.splits.values() for text in rows["text"][:]]
    assert len(set(texts)) == 600 + 1620


def test_the_digest_of_single_labels_is_what_it_was():
    """The rule of earlier versions, written out: no pin may change."""
    rows = load_registered("demo", DataLocations()).splits["test"]
    labels = "\x1e".join(demo.LABELS[label] for label in rows["label"][:])
    content = f"label\x1d{labels}text\x1d" + "\x1e".join(rows["text"][:])
    assert digest_rows(rows, demo.LABELS) == hashlib.sha256(content.encode()).hexdigest() == demo.PINS["test"].sha256
