"""A user's own files: every format, other columns, odd texts."""

import pytest

from fecbench.data.datasets.dataset import SPLITS
from fecbench.data.datasets.own.load_path import load_path
from fecbench.data.datasets.splits.missing_splits import SplitChoice
from tests.support.own_data import COLUMNS, ROWS, columns, write


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_reads_the_same(tmp_path, suffix):
    for split in SPLITS:
        write(tmp_path / "own" / f"{split}{suffix}")
    data = load_path(tmp_path / "own", COLUMNS, SplitChoice(0))
    assert data.labels == ("fear", "joy")
    assert data.splits["test"]["text"][:] == [text for text, _ in ROWS]
    assert [data.labels[label] for label in data.splits["test"]["label"][:]] == [label for _, label in ROWS]


def test_other_columns_can_be_named(tmp_path):
    write(tmp_path / "train.csv", [(f"t{n}", str(n % 2), "x") for n in range(40)], ("utterance", "emotion", "more"))
    assert load_path(tmp_path / "train.csv", columns("utterance", "emotion"), SplitChoice(0)).labels == ("0", "1")


def test_given_splits_are_kept_as_they_are(tmp_path):
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv", ROWS[:4])
    data = load_path(tmp_path, COLUMNS, SplitChoice(0))
    assert data.splits["test"]["text"][:] == [text for text, _ in ROWS[:4]]
    assert len(data.splits["train"]) + len(data.splits["validation"]) == len(ROWS)


def test_a_byte_order_mark_and_odd_texts_are_fine(tmp_path):
    texts = [
        "emoji \U0001f600",
        "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",
        "\u4f60\u597d\u4e16\u754c",
        "line\u2028separator",
        'a "quoted" word',
    ] * 4
    quoted = [text.replace('"', '""') for text in texts]
    content = "text,label\n" + "".join(f'"{text}",{"xy"[n % 2]}\n' for n, text in enumerate(quoted))
    (tmp_path / "train.csv").write_bytes(b"\xef\xbb\xbf" + content.encode())
    data = load_path(tmp_path, COLUMNS, SplitChoice(0))
    assert sorted(text for split in SPLITS for text in data.splits[split]["text"][:]) == sorted(texts)


def test_further_text_columns_are_kept_where_every_row_has_them(tmp_path):
    rows = [(f"t{n}", "xy"[n % 2], f"paraphrase {n}", "" if n == 3 else "z") for n in range(40)]
    write(tmp_path / "train.csv", rows, ("text", "label", "aug_text", "note"))
    data = load_path(tmp_path / "train.csv", COLUMNS, SplitChoice(0))
    assert data.columns == ["text", "aug_text", "label"]
    assert all(row["aug_text"].split()[1] == row["text"][1:] for split in SPLITS for row in data.splits[split])
    write(tmp_path / "test.csv", [("t", "x"), ("u", "y")])
    data = load_path(tmp_path, COLUMNS, SplitChoice(0))  # paraphrases are used in training alone
    assert data.columns == ["text", "aug_text", "label"]
    assert data.splits["test"].column_names == ["text", "label"]


def test_a_folder_named_like_a_data_set_is_not_taken_for_it(tmp_path):
    write(tmp_path / "ge" / "train.csv", [(f"{text} {n}", label) for n in range(10) for text, label in ROWS])
    assert load_path(tmp_path / "ge", COLUMNS, SplitChoice(0)).name == "ge (own)"
