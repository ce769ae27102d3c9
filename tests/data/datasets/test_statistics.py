"""The statistics of a data set: classes, equal texts, contradictory labels, lengths."""

import tracemalloc

import numpy as np
import pytest

from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.measures.statistics import measure, statistics, texts_to_read
from fecbench.data.datasets.measures.tokens import Encoding
from fecbench.data.datasets.rows import split_from_columns

LABELS = ("anger", "joy", "grief")


def data_of(labels=LABELS, **splits) -> EmotionData:
    """A data set of ``(text, label number)`` rows."""
    made = {
        name: split_from_columns({"text": [text for text, _ in rows], "label": [label for _, label in rows]})
        for name, rows in splits.items()
    }
    return EmotionData(DatasetInfo("made", "A made set", "CC0", "https://example.org"), labels, made, "here")


@pytest.fixture
def made() -> EmotionData:
    return data_of(
        train=[("so glad", 1), ("So  GLAD ", 1), ("so glad", 0), ("no", 0), ("I miss him", 2), ("what a day", 1)],
        validation=[("no", 1), ("fine", 1)],
        test=[("WHAT A DAY", 1), ("what a day", 1), ("never", 0), ("quite a long text of words", 0)],
    )


def test_classes_are_listed_most_frequent_in_train_first(made):
    found = statistics(made)
    assert found["classes"] == [
        {"label": "joy", "rows": {"train": 3, "validation": 2, "test": 2}},
        {"label": "anger", "rows": {"train": 2, "validation": 0, "test": 2}},
        {"label": "grief", "rows": {"train": 1, "validation": 0, "test": 0}},
    ]
    assert found["majority"] == {"label": "joy", "share": {"train": 0.5, "validation": 1.0, "test": 0.5}}
    assert found["missing_classes"] == {"train": [], "validation": ["anger", "grief"], "test": ["grief"]}
    assert found["smallest_class"] == {"label": "grief", "train_rows": 1}
    assert found["largest_class"] == {"label": "joy", "train_rows": 3}
    assert (found["title"], found["licence"], found["homepage"]) == ("A made set", "CC0", "https://example.org")


def test_equal_texts_are_counted_as_written_and_without_case_and_white_space(made):
    found = statistics(made)
    assert found["duplicates"] == {"train": 1, "validation": 0, "test": 0}
    assert found["shared"] == {"train/validation": 1, "train/test": 1, "validation/test": 0}
    assert found["equal_texts"] == {
        "duplicates": {"train": 2, "validation": 0, "test": 1},
        "shared": {"train/validation": 1, "train/test": 1, "validation/test": 0},
    }


def test_contradictory_labels_of_equal_texts_are_counted_with_examples(made):
    found = statistics(made)["contradictions"]
    assert (found["texts"], found["rows"]) == (2, 5)  # "so glad" in train; "no" in train and validation
    assert found["within"] == {"train": 1, "validation": 0, "test": 0}
    assert found["examples"] == [
        {"text": "so glad", "labels": {"joy": 2, "anger": 1}},
        {"text": "no", "labels": {"anger": 1, "joy": 1}},
    ]


def test_few_of_many_contradictions_are_shown():
    rows = [(f"text {number}", label) for number in range(30) for label in (0, 1)]
    found = statistics(data_of(LABELS[:2], train=rows, validation=rows[:2], test=rows[2:4]))["contradictions"]
    assert (found["texts"], found["rows"], len(found["examples"])) == (30, 64, 5)
    assert [example["text"] for example in found["examples"]] == [f"text {number}" for number in range(5)]


def test_counts_are_those_of_pandas():
    pandas = pytest.importorskip("pandas")
    draw = np.random.default_rng(3)
    rows = [
        (f"{'Text' if draw.random() < 0.5 else 'text'} {draw.integers(40)}", int(draw.integers(3))) for _ in range(300)
    ]
    frame = pandas.DataFrame(rows, columns=["text", "label"]).assign(split=["train", "validation", "test"] * 100)
    splits = {
        split: list(part[["text", "label"]].itertuples(index=False, name=None))
        for split, part in frame.groupby("split")
    }
    found = statistics(data_of(**{split: splits[split] for split in ("train", "validation", "test")}))
    frame["folded"] = frame["text"].str.casefold()
    kinds = frame.groupby("folded")["label"].agg(["nunique", "size"]).query("nunique > 1")
    assert (found["contradictions"]["texts"], found["contradictions"]["rows"]) == (len(kinds), kinds["size"].sum())
    assert found["duplicates"] == {split: part.duplicated("text").sum() for split, part in _parts(frame)}
    assert found["equal_texts"]["duplicates"] == {
        split: part.duplicated("folded").sum() for split, part in _parts(frame)
    }
    counts = frame.groupby(["label", "split"]).size()
    assert {one["label"]: one["rows"] for one in found["classes"]} == {
        name: {split: counts.get((number, split), 0) for split, _ in _parts(frame)}
        for number, name in enumerate(LABELS)
    }


def _parts(frame):
    return [(split, frame[frame["split"] == split]) for split in ("train", "validation", "test")]


def test_lengths_in_tokens_count_special_ones_and_the_whole_text(made, tokenizer):
    found = measure(made, Encoding("scratch", tokenizer, 5)).as_dict()["tokens"]
    whole = {
        split: [len(tokenizer(text)["input_ids"]) for text in made.splits[split]["text"][:]] for split in made.splits
    }
    every = [length for lengths in whole.values() for length in lengths]
    assert (found["encoder"], found["special"], found["max_length"]) == ("scratch", 2, 5)
    assert (found["mean"], found["max"]) == (round(float(np.mean(every)), 2), max(every))
    assert found["cut_texts"] == {split: sum(length > 5 for length in lengths) for split, lengths in whole.items()}
    assert found["cut"]["train"] == pytest.approx(found["cut_texts"]["train"] / 6)


def test_the_share_of_unknown_tokens_leaves_special_ones_out(tokenizer):
    rows = [("愤怒 glad", 0), ("glad", 1)]  # the tokenizer knows no Chinese
    found = measure(data_of(LABELS[:2], train=rows, validation=rows, test=rows[1:]), Encoding("scratch", tokenizer, 9))
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text, _ in rows]
    unknown = sum(part.count(tokenizer.unk_token_id) for part in ids)
    assert unknown >= 1
    assert found.tokens.unknown == {
        "train": pytest.approx(unknown / sum(map(len, ids))),
        "validation": pytest.approx(unknown / sum(map(len, ids))),
        "test": 0.0,
    }


def test_every_text_that_is_read_is_reported(made, tokenizer):
    for encoding in (None, Encoding("scratch", tokenizer, 5)):
        read: list[int] = []
        measure(made, encoding, read.append)
        assert sum(read) == texts_to_read(made, encoding)


@pytest.mark.slow
def test_a_row_costs_a_few_numbers():
    def peak(number: int) -> int:
        rows = split_from_columns(
            {
                "text": [f"a text of some length, number {place}" for place in range(number)],
                "label": [0, 1] * (number // 2),
            }
        )
        few = split_from_columns({"text": ["one", "two"], "label": [0, 1]})
        data = EmotionData(
            DatasetInfo("made", "", "", ""), LABELS[:2], {"train": rows, "validation": few, "test": few}, "here"
        )
        tracemalloc.start()
        try:
            statistics(data)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # imports
    few, many = peak(20_000), peak(60_000)
    assert (many - few) / 40_000 < 20 * 8  # the texts alone would take as much again
