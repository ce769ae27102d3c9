"""``ge-raters``: the official rows with the share of raters for each label, from the raw annotations."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from fecbench.core.errors import DataError, DataNotFound
from fecbench.data.datasets.builtin import goemotions, goemotions_raters
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import targets_of

OFFICIAL = {"train.tsv": "a joy\t17\tc1\nwell\t27\tc2\n", "dev.tsv": "hm\t27\tc3\n", "test.tsv": "ha\t1\tc4\n"}
RATED = [
    ("c1", "joy", "love"), ("c1", "joy"), ("c1",), ("c2", "neutral"), ("c2", "neutral"), ("c9", "anger"),
    ("c3", "neutral"), ("c3", "neutral"), ("c4", "amusement"), ("c4", "amusement"), ("c4", "joy"),
]  # fmt: skip


@pytest.fixture
def places(tmp_path):
    for folder in ("ge", "ge-raters"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for name, content in OFFICIAL.items():
        (tmp_path / "data" / "ge" / name).write_text(content)
    for number, name in enumerate(goemotions_raters.RAW_FILES):
        with (tmp_path / "data" / "ge-raters" / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, ["text", "id", "author", "rater_id", *goemotions.MULTI_LABELS])
            writer.writeheader()
            for rater, (comment, *labels) in enumerate(RATED[number::3]):
                given = {label: int(label in labels) for label in goemotions.MULTI_LABELS}
                writer.writerow({"text": "as written", "id": comment, "author": "x", "rater_id": rater, **given})
    return DataLocations(tmp_path / "data", None, tmp_path / "cache")


@pytest.fixture
def unpinned(monkeypatch):
    monkeypatch.setattr(goemotions_raters, "check_counts", lambda data, *_: data)


def test_a_label_has_the_share_of_the_raters_who_gave_it(places, unpinned):
    data = goemotions_raters.ge_raters.load(places)
    assert (data.labelling, data.info.soft, data.info.background) == ("multi", True, ("neutral",))
    train = targets_of(data.splits["train"], 28)
    joy, love, neutral = (data.labels.index(label) for label in ("joy", "love", "neutral"))
    np.testing.assert_allclose(train[0, [joy, love, neutral]], [2 / 3, 1 / 3, 0], rtol=1e-6)
    assert train[1, neutral] == 1
    assert data.splits["train"]["text"][:] == ["a joy", "well"]
    assert data.columns == ["text", "labels", "weights"]


def test_a_comment_without_raters_is_refused(places, unpinned):
    (places.data_dir / "ge" / "test.tsv").write_text("ha\t1\tc5\n")
    with pytest.raises(
        DataError, match=r"raters must have given every official label, but not those of c5 \(amusement\)"
    ):
        goemotions_raters.ge_raters.load(places)


def test_a_raw_file_without_a_label_is_refused(places, unpinned):
    (places.data_dir / "ge-raters" / "goemotions_2.csv").write_text("id,joy\nc1,1\n")
    with pytest.raises(DataError, match=r"goemotions_2\.csv, line 2: expected CSV with the columns id and 28 labels"):
        goemotions_raters.ge_raters.load(places)


def test_files_that_are_missing_are_named(places, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataNotFound, match=r"ge-raters isn't in .*put goemotions_1\.csv.*storage\.googleapis\.com"):
        goemotions_raters.ge_raters.source(DataLocations(tmp_path / "empty", None, tmp_path / "cache"))
    (places.data_dir / "ge").rename(places.data_dir / "other")
    with pytest.raises(DataNotFound, match=r"the splits of ge-raters aren't in .*put the official train\.tsv"):
        goemotions_raters.ge_raters.load(places)


def test_ge_raters_is_one_fixed_set_of_rows(places):
    with pytest.raises(DataError, match="the train split of ge-raters must have 43,410 rows, but has 2"):
        goemotions_raters.ge_raters.load(places)
