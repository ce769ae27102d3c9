"""Texts line by line as published: parallel label files, several texts on a line, and patterns."""

import pytest

from fecbench.core.errors import DataError
from fecbench.data.datasets.files.source_files import SourceFile
from tests.support.raw_rows import positions, put, rows_of


def pair(folder, texts: str, labels: str, encoding="utf-8") -> SourceFile:
    """A file of texts with its file of labels."""
    labels = SourceFile(put(folder / "train_labels.txt", labels, encoding))
    return SourceFile(put(folder / "train_text.txt", texts, encoding), labels=labels)


def test_texts_and_labels_of_parallel_files_are_paired_line_by_line(tmp_path):
    texts = ['so "happy', "a\tTAB, and more", " spaces ", "line\u2028separator", "a\rb", "next\x85line"]
    file = pair(tmp_path, "".join(f"{text}\n" for text in texts), "0\n1\r\n2\n3\n4\n5")
    assert rows_of(file) == [
        {"text": text, "label": str(number), "line": number + 1} for number, text in enumerate(texts)
    ]
    assert positions(file)[-1] == "train_text.txt, line 6"
    assert rows_of(file.path, kind="lines") == [{"text": text, "line": n + 1} for n, text in enumerate(texts)]


def test_blank_lines_are_left_out_and_counted(tmp_path):
    file = pair(tmp_path, "a\n\nb\n\n \n", "x\n\ny\n")
    assert rows_of(file) == [{"text": "a", "label": "x", "line": 1}, {"text": "b", "label": "y", "line": 3}]
    assert positions(SourceFile(file.path), kind="lines") == ["train_text.txt, line 1", "train_text.txt, line 3"]
    file = pair(tmp_path, "a\n\nb\n", "x\ny\nz\n")
    assert rows_of(file)[1] == {"text": "", "label": "y", "line": 2}  # for a check of texts to name


@pytest.mark.parametrize(("texts", "labels"), [("a\nb\nc\n", "x\ny\n"), ("a\n", "x\ny\n"), ("", "x\n"), ("a\n", "")])
def test_files_of_other_lengths_are_refused_with_both_counts(tmp_path, texts, labels):
    counts = rf"has {texts.count(chr(10))} lines for {labels.count(chr(10))};"
    with pytest.raises(
        DataError, match=rf"train_text\.txt must have a line for each line of .*train_labels\.txt, but {counts}"
    ):
        rows_of(pair(tmp_path, texts, labels))


DIALOGUES = 'The kitchen stinks . __eou__ I\'ll throw out the garbage . __eou__\nSo , "Dick" ? __eou__ OK !\n'


def test_turns_of_a_line_have_labels_of_a_line(tmp_path):
    file = pair(tmp_path, DIALOGUES, "2 0 \n1 4\n")
    expected = [
        ("The kitchen stinks .", "2", 1),
        ("I'll throw out the garbage .", "0", 1),
        ('So , "Dick" ?', "1", 2),
        ("OK !", "4", 2),
    ]
    assert rows_of(file, turns="__eou__") == [
        {"text": text, "label": label, "line": line} for text, label, line in expected
    ]
    assert positions(file, turns="__eou__")[1] == "train_text.txt, line 1, text 2"
    unlabelled = rows_of(SourceFile(file.path), turns="__eou__")
    assert unlabelled == [{"text": text, "line": line} for text, _, line in expected]


def test_a_line_with_fewer_labels_than_texts_is_named(tmp_path):
    with pytest.raises(
        DataError,
        match=r"train_text\.txt, line 2: every text needs a label, but the line holds 2 texts \(between '__eou__'\) "
        r"and line 2 of .*train_labels\.txt 1 labels",
    ):
        rows_of(pair(tmp_path, DIALOGUES, "2 0\n1\n"), turns="__eou__")


TREC = r"(?P<label>\w+):(?P<fine>\w+) (?P<text>.+)"


def test_a_pattern_names_the_parts_of_a_line(tmp_path):
    path = put(tmp_path / "train_5500.label", 'DESC:manner How did \xe9 ?\nENTY:cremat What\'s "it"\n', "latin-1")
    assert rows_of(path, pattern=TREC, encoding="latin-1") == [
        {"label": "DESC", "fine": "manner", "text": "How did \xe9 ?"},
        {"label": "ENTY", "fine": "cremat", "text": 'What\'s "it"'},
    ]
    with pytest.raises(DataError, match=r"train_5500\.label, line 1: the file must be UTF-8"):
        rows_of(path, pattern=TREC)


def test_a_line_that_does_not_match_is_named(tmp_path):
    path = put(tmp_path / "train.label", "DESC:manner How ?\n\nDESC manner\n")
    with pytest.raises(DataError, match=r"train\.label, line 3: every line must match the pattern .*'DESC manner'"):
        rows_of(path, pattern=TREC)
    with pytest.raises(DataError, match=r"pattern must be a regular expression: .* at position 0; correct it"):
        rows_of(path, pattern="(")
    with pytest.raises(DataError, match=r"pattern must have groups named as columns, such as .*, found \(a\)"):
        rows_of(path, pattern="(a)")


@pytest.mark.parametrize("form", [{"pattern": "(?P<text>.+)", "turns": "x"}, {"kind": "csv", "turns": "x"}])
def test_options_for_other_formats_are_refused(tmp_path, form):
    with pytest.raises(DataError, match=r"train\.txt: .*leave .*out"):
        rows_of(put(tmp_path / "train.txt", "a"), **form)
