"""Labels of a user's own data: names, numbers, their order, and labels.txt."""

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.own_data import COLUMNS, write


def test_labels_txt_names_numbers(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", n % 2) for n in range(40)])
    (tmp_path / "labels.txt").write_text("joy\nfear\n")
    data = load_path(tmp_path, COLUMNS, SplitChoice(0))
    assert data.labels == ("joy", "fear")
    write(tmp_path / "train.csv", [(f"t{n}", n % 3) for n in range(40)])
    with pytest.raises(DataError, match=r"line 4: the label '2' isn't one of 0, 1, joy, fear"):
        load_path(tmp_path, COLUMNS, SplitChoice(0))


def test_a_line_of_labels_txt_ends_where_a_line_ends(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", n % 2) for n in range(40)])
    (tmp_path / "labels.txt").write_text("joy\u2028ful\r\nfear\x0b!\r\n", newline="")
    assert load_path(tmp_path, COLUMNS, SplitChoice(0)).labels == ("joy\u2028ful", "fear\x0b!")


def test_labels_txt_may_have_the_encoding_of_the_files_or_be_utf_8(tmp_path):
    (tmp_path / "train.csv").write_bytes("".join(f"caf\xe9 {n},{n % 2}\n" for n in range(40)).encode("latin-1"))
    (tmp_path / "dataset.toml").write_text('format = { encoding = "latin-1", columns = ["text", "label"] }\n')
    for encoding in ("latin-1", "utf-8"):
        (tmp_path / "labels.txt").write_text("d\xe9go\xfbt\njoie\n", encoding)
        assert load_path(tmp_path, COLUMNS, SplitChoice(0)).labels == ("d\xe9go\xfbt", "joie")
    (tmp_path / "dataset.toml").unlink()
    write(tmp_path / "train.csv", [(f"t{n}", n % 2) for n in range(40)])
    (tmp_path / "labels.txt").write_bytes(b"d\xe9go\xfbt\njoie\n")
    with pytest.raises(DataError, match=r"labels\.txt, line 1: the file must be UTF-8 .*; save it as UTF-8, or name"):
        load_path(tmp_path, COLUMNS, SplitChoice(0))


@pytest.mark.parametrize("twin", ["cafe\u0301", "caf\xe9\u200b", "\uff43af\xe9", "caf\xe9\ufe0f", "ca\u034ff\xe9"])
def test_labels_that_look_alike_are_told_and_not_made_two_classes(tmp_path, twin):
    write(tmp_path / "train.csv", [(f"t{n}", ("caf\xe9", twin)[n % 2]) for n in range(40)])
    with pytest.raises(DataError, match=r"labels must look different, but '.*' and '.*' don't; write them alike"):
        load_path(tmp_path, COLUMNS, SplitChoice(0))


def test_flags_that_differ_in_tags_look_different(tmp_path):
    flags = [
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in region) + "\U000e007f" for region in ("gbeng", "gbsct")
    ]
    write(tmp_path / "train.csv", [(f"t{n}", flags[n % 2]) for n in range(40)])
    assert load_path(tmp_path, COLUMNS, SplitChoice(0)).labels == tuple(flags)


def test_numbers_are_labels_by_value_and_never_taken_for_positions(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", (1, 2, 10)[n % 3]) for n in range(60)])
    assert load_path(tmp_path, COLUMNS, SplitChoice(0)).labels == ("1", "2", "10")
    write(tmp_path / "test.csv", [("t", 0)])
    with pytest.raises(DataError, match=r"the label '0' isn't one of 1, 2, 10"):
        load_path(tmp_path, COLUMNS, SplitChoice(0))


def test_whole_numbers_are_ordered_by_value_and_ties_by_how_they_are_written():
    from fecbench.data.datasets.labels.label_names import ordered

    assert ordered({"10", "9", "1", "01", "0"}) == ("0", "01", "1", "9", "10")
