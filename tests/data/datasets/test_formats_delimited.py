"""CSV and TSV as published, read as pandas reads them: any delimiter, ending, header, quotes and encoding."""

import csv
import io

import pandas
import pytest

from fecbench.core.errors import DataError
from tests.support.raw_rows import positions, put, rows_of

NUMBERS = {"text": 1, "label": 2}


def as_pandas(path, **how):
    """The rows as pandas reads them, all cells as text."""
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False, **how)
    frame.columns = [str(name + 1) if isinstance(name, int) else name for name in frame.columns]
    return frame.to_dict("records")


HEADLESS = {
    "go_emotions.tsv": ("My favourite food\t27\teebbqej\nSo proud, you know\t21\tabc\n", "\t", {}, NUMBERS),
    "ag_news.csv": (
        '"3","Wall St. Bears, again","Short-sellers, and more"\n"4","Title ""quoted""","over\ntwo lines"\n',
        ",",
        {},
        {"text": [2, 3], "label": 1},
    ),
    "isear.csv": ('joy,"On days when I feel\n close",\nfear,"Every time",\n', ",", {}, {"text": 2, "label": 1}),
    "xed.tsv": ("Turn over there!\t1\nI'm blind!\t1, 4, 7\n", "\t", {}, NUMBERS),
    "kaggle.txt": ("i didnt feel humiliated;sadness\ni can, or not;sadness\n", ";", {"delimiter": ";"}, NUMBERS),
    "found.txt": ("i didnt feel humiliated;sadness\ni can, or not;joy\n", ";", {"header": False}, NUMBERS),
}


@pytest.mark.parametrize(("content", "mark", "form", "columns"), HEADLESS.values(), ids=HEADLESS)
def test_a_file_without_a_header_has_numbered_columns(tmp_path, request, content, mark, form, columns):
    path = put(tmp_path / request.node.callspec.id, content)
    found = rows_of(path, columns, **{"header": False, **form})
    assert found == as_pandas(path, sep=mark, header=None)
    assert len(found) == 2


def test_columns_of_a_file_without_a_header_can_be_named(tmp_path):
    path = put(tmp_path / "train.tsv", "so proud\t21\tid1\n\nso sad\t25\tid2\n")
    names = ["text", "label", "id"]
    assert rows_of(path, columns=names) == as_pandas(path, sep="\t", header=None, names=names)
    assert positions(path, columns=names) == ["train.tsv, line 1", "train.tsv, line 3"]


def test_a_text_file_with_a_header_is_recognised_by_its_columns(tmp_path):
    content = (
        "id\tturn1\tturn2\tturn3\tlabel\r\n0\tDon't worry\tI'm \"girl\"\thmm\tothers\r\n1\tBy, me\tsee\tBy\tangry\r\n"
    )
    path = put(tmp_path / "train.txt", content)
    turns = {"text": ["turn1", "turn2", "turn3"]}
    assert rows_of(path, turns) == as_pandas(path, sep="\t")
    put(path, content.replace("\tlabel", "").replace("\tothers", "").replace("\tangry", ""))
    assert rows_of(path, turns) == as_pandas(path, sep="\t")
    for ending in ("\n", "\r"):
        put(tmp_path / "train", content.replace("\r\n", ending))
        assert len(rows_of(tmp_path / "train", turns)) == 2
    for columns in (None, {"text": "turn4"}, {"text": 2}):
        with pytest.raises(
            DataError, match=r"train\.txt: the format must be one of .*, found \.txt; .*--delimiter for a CSV file"
        ):
            rows_of(path, columns)


def test_prose_and_other_content_are_not_taken_for_rows(tmp_path):
    for content in ("text\nlabel\n", "a text, a label\n", b"\x80\x04\x95text,label\n", ""):
        with pytest.raises(DataError, match=r"odd\.pkl: the format must be one of"):
            rows_of(put(tmp_path / "odd.pkl", content))


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "#", ":"])
def test_any_delimiter_can_be_given(tmp_path, mark):
    cells = [["text", "label"], [f"a {mark} b", "joy"], ['"so" he said', "fear"]]
    content = io.StringIO()
    csv.writer(content, delimiter=mark).writerows(cells)
    path = put(tmp_path / "train.txt", content.getvalue())
    assert rows_of(path, delimiter=mark) == [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def test_a_delimiter_that_is_given_is_used_even_if_another_mark_finds_the_columns(tmp_path):
    path = put(tmp_path / "train.csv", "text,label;mood\na,b;joy\n")
    assert rows_of(path, delimiter=";") == [{"text,label": "a,b", "mood": "joy"}]
    with pytest.raises(DataError, match="the delimiter must not be a line break or a quote, found '\\\\n'"):
        rows_of(path, delimiter="\n")


def test_plain_quotes_are_characters(tmp_path):
    content = 'text\tlabel\n"open\tjoy\nthe "best" day"\tfear\n'
    path = put(tmp_path / "train.tsv", content)
    assert rows_of(path, quotes="plain") == as_pandas(path, sep="\t", quoting=csv.QUOTE_NONE)
    assert rows_of(path, quotes="plain")[0] == {"text": '"open', "label": "joy"}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_break_ends_a_row_and_lines_are_counted(tmp_path, ending):
    path = put(tmp_path / "train.csv", ending.join(["", " , ", "text,label", '"a', 'b",joy', "", "c,fear", ""]))
    assert rows_of(path) == [{"text": f"a{ending}b", "label": "joy"}, {"text": "c", "label": "fear"}]
    assert positions(path) == ["train.csv, line 4", "train.csv, line 7"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "gb18030"])
def test_another_encoding_can_be_named(tmp_path, encoding):
    path = put(tmp_path / "train.csv", "text,label\nna\xefve caf\xe9,joy\n", encoding)
    assert rows_of(path, encoding=encoding) == [{"text": "na\xefve caf\xe9", "label": "joy"}]


def test_a_wrong_encoding_names_the_line_and_the_way_to_name_another(tmp_path):
    content = "text,label\n" + "fine,x\n" * 30_000 + "na\xefve,y\n"
    path = put(tmp_path / "train.csv", content, "latin-1")
    with pytest.raises(
        DataError, match=r'train\.csv, line 30002: the file must be UTF-8 .*; save it as UTF-8, or .* "latin-1"'
    ):
        rows_of(path)
    assert len(rows_of(path, encoding="latin-1")) == 30_001
    with pytest.raises(DataError, match=r"line 30002: the file must be ASCII .*; name another encoding"):
        rows_of(path, encoding="ascii")
    for unknown in ("latin-x", "base64", "a\0b"):
        with pytest.raises(DataError, match="the encoding must be one that Python knows, such as utf-8"):
            rows_of(path, encoding=unknown)


RAGGED = {
    "a header": ("text,label\na,b,joy\n", {}, r"line 2: 2 columns are needed, found 3; quote texts that hold ','"),
    "names": (
        "a,joy\nb,c,joy\n",
        {"columns": ["text", "label"]},
        r"line 2: 2 columns are needed \(text, label\), found 3; quote texts",
    ),
    "numbers": (
        '"a\nb",joy\nb,c,joy\n',
        {"header": False},
        r"line 3: 2 columns are needed, as in the first row, found 3; quote texts",
    ),
    "too few names": ("a,joy,id\n", {"columns": ["text", "label"]}, r"line 1: 2 columns are needed .*, found 3"),
    "plain quotes": (
        'text,label\n"a,b",joy\n',
        {"quotes": "plain"},
        r"line 2: 2 columns are needed, found 3; with --quotes plain no cell can hold ','",
    ),
}


@pytest.mark.parametrize(("content", "form", "says"), RAGGED.values(), ids=RAGGED)
def test_a_ragged_row_is_named_with_its_line(tmp_path, content, form, says):
    path = put(tmp_path / "train.csv", content)
    with pytest.raises(DataError, match=rf"train\.csv, {says}"):
        rows_of(path, NUMBERS, **form)


def test_names_that_the_first_line_has_too_are_refused(tmp_path):
    path = put(tmp_path / "train.csv", "text,label\na,joy\n")
    with pytest.raises(DataError, match=r"line 1: columns must name .* this line has the same names; remove columns"):
        rows_of(path, columns=["text", "label"])
    with pytest.raises(DataError, match=r"line 1: every column must be named once, but 'text' appears twice"):
        rows_of(path, columns=["text", "text"])


@pytest.mark.parametrize(
    "columns", [{"text": 2, "label": 1}, {"text": "2", "label": "1"}, {"text": 2, "label": [1, 3]}]
)
def test_swallowed_rows_are_found_without_a_header(tmp_path, columns):
    rows = [f"{number % 3}\ttext {number}\t{number}" for number in range(12)]
    rows[3], rows[8] = rows[3].replace("text", '"text'), rows[8].replace("text 8", 'text 8"')
    path = put(tmp_path / "train.tsv", "\n".join(rows) + "\n")
    with pytest.raises(DataError, match=r"train\.tsv, line 4: the quoted cell .* to line 9 and holds what look like"):
        rows_of(path, columns, header=False)
    assert len(rows_of(path, columns, header=False, quotes="plain")) == 12


def test_an_empty_file_has_no_rows(tmp_path):
    for content in ("", "\n \n", "text,label\n"):
        assert rows_of(put(tmp_path / "train.csv", content)) == []
