"""Messages name the key or flag that mends the fault."""

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice

TRAIN = "text,label\n" + "".join(f"some text {n},{'ab'[n % 2]}\n" for n in range(20))


def load(folder, toml="", flags=None, train=TRAIN, **files):
    for name, content in {"train": train, **files}.items():
        path = folder / f"{name.replace('_gz', '.csv.gz')}{'' if name.endswith('_gz') else '.csv'}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if toml:
        (folder / "dataset.toml").write_text(toml)
    return load_path(folder, flags or {}, SplitChoice(0))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('labels.drop = ["a", "b"]', r"train must hold at least one row, but drop under \[labels\] .* leaves out"),
        ('labels.keep = ["a"]', r"at least two labels are needed, but keep under \[labels\] .* leaves a;"),
        ('labels.map = { c = ["a", "b"] }', r"at least two labels are needed, but map under \[labels\] .* leaves c;"),
        ('replace = { "some text 3" = "" }', r"line 5: the text must not be empty, but replace in dataset\.toml"),
        ('format.header = false\ncolumns.text = "text"', r"numbers \(1, 2\); if the first line names"),
        ("columns.where = { majority = 1 }", r"the column 'majority' is missing.*; correct where under \[columns\]"),
        (
            'format.columns = ["text", "label", "id"]',
            r"needed \(text, label, id\), found 2; correct columns under \[fo",
        ),
        ('labels.names = ["a", "c"]', r"add it to the names \(under \[labels\] in dataset\.toml, or in"),
    ],
)
def test_the_key_that_mends_it_is_named(tmp_path, toml, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, f"{toml}\n")


def test_a_test_split_without_rows_names_what_left_them_out(tmp_path):
    with pytest.raises(DataError, match=r"test must hold at least one row, but drop under \[labels\] in dataset\.toml"):
        load(tmp_path, 'labels.drop = ["c"]\n', train=TRAIN + "some,c\n", test="text,label\nwords,c\n")
    with pytest.raises(DataError, match=r'train must hold .*, but empty = "drop" under \[columns\] leaves out all'):
        load(tmp_path, 'columns.empty = "drop"\n', train="text,label\n ,a\n ,b\n")


def test_a_0_where_names_count_from_1(tmp_path):
    toml = 'labels = { names = ["a", "b", "c"], first = 1 }\n'
    with pytest.raises(DataError, match=r"'0' isn't one of .*; the numbers of the names begin with 1 here: leave"):
        load(tmp_path, toml, train="text,label\n" + "".join(f"some {n},{n % 3}\n" for n in range(12)))


def test_a_remark_above_the_names_of_columns(tmp_path):
    with pytest.raises(DataError, match=r"the first line \(# made by hand\) must name the columns: remove it if"):
        load(tmp_path, train="# made by hand\n" + TRAIN)


def test_a_file_of_utf_16_is_recognised(tmp_path):
    with pytest.raises(DataError, match=r'line 1: the file must be UTF-8 .*; .*: write encoding = "utf-16" under'):
        load(tmp_path, train=TRAIN.encode("utf-16"))
    assert load(tmp_path, 'format.encoding = "utf-16"\n', train=TRAIN.encode("utf-16")).labels == ("a", "b")


def test_a_file_that_is_not_packed(tmp_path):
    with pytest.raises(DataError, match=r"test\.csv\.gz can't be unpacked: not a gzipped file .*; .* or rename it if"):
        load(tmp_path, test_gz=TRAIN)


def test_a_tab_is_named_as_by_the_flag(tmp_path):
    assert load(tmp_path, 'format.delimiter = "tab"\n', train=TRAIN.replace(",", "\t")).labels == ("a", "b")


def test_the_note_on_numbers_names_the_place_that_counts(tmp_path):
    data = load(tmp_path, train=TRAIN.replace(",a", ",0").replace(",b", ",1"))
    assert "(0, 1): names under [labels] in dataset.toml can name them, or labels.txt" in "".join(data.notes)
