"""Groups, such as dialogues or authors, stay whole when splits are cut; equal texts still do."""

from collections import Counter

import numpy as np
import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.rows import split_from_columns
from fecbench.data.datasets.splits.row_units import units_of
from tests.support.cuts import column, cut


def dialogues(number: int, seed: int = 0) -> list[tuple[str, int, str]]:
    """Dialogues of 3 to 12 utterances; label 0 is common, label 3 is rare."""
    draw = np.random.default_rng(seed)
    return [
        (f"said {dialogue} {turn}", int(draw.choice(4, p=[0.6, 0.2, 0.15, 0.05])), f"d{dialogue}")
        for dialogue in range(number)
        for turn in range(draw.integers(3, 13))
    ]


def test_a_group_lies_in_one_split_and_every_split_has_its_share_of_every_class():
    rows = dialogues(200)
    data = cut(rows)
    groups = {split: set(column(data, split, "group")) for split in SPLITS}
    assert sum(map(len, groups.values())) == 200
    assert sorted(text for split in SPLITS for text in column(data, split)) == sorted(text for text, _, _ in rows)
    whole = Counter(label for _, label, _ in rows)
    for split, share in (("validation", 0.1), ("test", 0.1)):
        found = Counter(column(data, split, "label"))
        assert {label: found[label] for label in whole} == pytest.approx(
            {label: share * count for label, count in whole.items()}, rel=0.15, abs=3
        )
    assert data.cut == ("validation", "test")


def test_equal_texts_of_two_groups_join_them():
    rows = split_from_columns(
        {
            "text": ["a", " A ", "b", "c", "d", "e", "f"],
            "label": [0] * 7,
            "group": ["x", "y", "y", "z", "", "", "z"],
        }
    )
    assert units_of(rows).tolist() == [0, 0, 0, 3, 4, 5, 3]


@pytest.mark.parametrize("seed", range(3))
def test_no_text_and_no_group_lies_in_two_splits(seed):
    rows = [*dialogues(60, seed), *(("ok", label, f"d{n}") for n, label in ((3, 0), (17, 1), (31, 0)))]
    data = cut(rows, seed)
    for name in ("text", "group"):
        parts = [set(column(data, split, name)) for split in SPLITS]
        assert sum(map(len, parts)) == len(set.union(*parts)), name
    assert len({split for split in SPLITS if {"d3", "d17", "d31"} & set(column(data, split, "group"))}) == 1


def test_few_large_groups_are_dealt_out_so_that_no_class_is_lacking():
    sizes = {"anna": 40, "ben": 30, "cem": 20, "dora": 10}
    rows = [(f"{author} {n}", n % 2, author) for author, size in sizes.items() for n in range(size)]
    data = cut(rows)
    assert {split: sorted(set(column(data, split, "group"))) for split in SPLITS} == {
        "train": ["anna", "ben"],
        **{split: [author] for split, author in _held_out(data).items()},
    }
    assert set(_held_out(data).values()) == {"cem", "dora"}


def _held_out(data) -> dict[str, str]:
    return {split: column(data, split, "group")[0] for split in ("validation", "test")}


def test_a_class_in_too_few_groups_is_refused_with_their_number():
    rows = [*dialogues(50), *((f"grief {n}", 4, f"d{n % 2}") for n in range(10))]
    with pytest.raises(DataError, match=r"at least 3 different groups, but 'label 4' has 2; add rows, or give"):
        cut(rows)


def test_a_cut_by_groups_is_a_function_of_rows_and_seed():
    rows = dialogues(80)
    assert cut(rows, 1).fingerprint == cut(rows, 1).fingerprint != cut(rows, 2).fingerprint


def test_a_given_split_is_kept_as_it_is():
    data = cut(dialogues(60), given=["test"])
    assert (column(data, "test"), data.cut) == ([f"test {label}" for label in range(4)], ("validation",))
