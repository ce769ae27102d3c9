"""Names with numbers before them, in ``labels.txt`` or a declared file."""

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice


def lay(folder, lines, numbers=(0, 1, 2), toml=""):
    """A folder whose labels are ``numbers``, and names of them in ``labels.txt``."""
    rows = [f"text {turn} of {number},{number}" for turn in range(6) for number in numbers]
    (folder / "train.csv").write_text("\n".join(["text,label", *rows]))
    (folder / "labels.txt").write_text(lines)
    if toml:
        (folder / "dataset.toml").write_text(toml)
    return folder


def test_lines_may_be_in_any_order_of_their_numbers(tmp_path):
    data = load_path(lay(tmp_path, "2\tc\n0\ta\n1\tb\n"), {}, SplitChoice(0))
    assert data.labels == ("a", "b", "c")
    first = data.splits["train"][0]
    assert data.labels[first["label"]] == "abc"[int(first["text"][-1])]


@pytest.mark.parametrize(
    ("lines", "position", "expected", "number"),
    [
        ("10\tc\n11\ta\n12\tb\n", 1, 1, 10),
        ("0\ta\n\n1\tb\n3\tc\n", 4, 2, 3),
        ("0\ta\n1\tb\n1\tc\n", 3, 2, 1),
    ],
)
def test_numbers_that_do_not_count_are_refused_with_the_line(tmp_path, lines, position, expected, number):
    message = rf"labels\.txt, line {position}: .* but {expected} is missing and this line has {number}; correct"
    with pytest.raises(DataError, match=message):
        load_path(lay(tmp_path, lines), {}, SplitChoice(0))


def test_a_declared_first_number_must_be_that_of_the_file(tmp_path):
    lines = "1\ta\n2\tb\n3\tc\n"
    with pytest.raises(DataError, match=r"labels\.txt numbers its names from 1, but first under \[labels\] is 0"):
        load_path(lay(tmp_path, lines, (1, 2, 3), "labels.first = 0\n"), {}, SplitChoice(0))
    (tmp_path / "dataset.toml").write_text("title = 'no first'\n")
    assert load_path(tmp_path, {"quotes": "plain"}, SplitChoice(0)).labels == ("a", "b", "c")
