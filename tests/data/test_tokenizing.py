"""Texts are tokenised once: cached ids are those of the very tokenizer, and texts that were cut are counted."""

import copy

import numpy as np
import pytest
from tokenizers.processors import TemplateProcessing

from fecbench.core.errors import EncoderError
from fecbench.data.batches import tokenize_split
from fecbench.data.datasets.rows import split_from_columns
from fecbench.data.tokenize import token_column, unknown_share


def test_tokens_are_cached_and_cut_texts_counted(tokenizer, tmp_path):
    rows = split_from_columns({"text": ["what a lovely day", "sad"], "label": [0, 1]})
    first = tokenize_split(rows, ["text"], tokenizer, 4, tmp_path)
    assert first.columns["text"].cut == 1
    assert first.columns["text"].lengths.max() == 4
    expected = tokenizer("what a lovely day", truncation=True, max_length=4)["input_ids"]
    assert first.columns["text"].take(np.array([0])).ids.tolist() == expected
    files = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    again = tokenize_split(rows, ["text"], tokenizer, 4, tmp_path, keep_texts=True)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == files
    assert again.columns["text"].ids.tolist() == first.columns["text"].ids.tolist()
    assert again.columns["text"].cut == 1
    assert again.texts == ["what a lovely day", "sad"]
    longer = tokenize_split(rows, ["text"], tokenizer, 50, tmp_path)
    assert longer.columns["text"].cut == 0
    assert len(list(tmp_path.iterdir())) == len(files) + 1


def left(tokenizer):
    tokenizer.truncation_side = "left"


def uncased_specials(tokenizer):
    tokenizer.split_special_tokens = True


def template(tokenizer):
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[SEP] $A", special_tokens=[("[SEP]", tokenizer.sep_token_id)]
    )


class Doubling:
    """A tokenizer's own Python, which no file of it tells of."""

    def __call__(self, texts, **how):
        return super().__call__([f"{text} {text}" for text in texts], **how)


def own_code(tokenizer):
    tokenizer.__class__ = type("Doubled", (Doubling, type(tokenizer)), {})


@pytest.mark.parametrize("change", [left, uncased_specials, template, own_code])
def test_tokens_of_a_tokenizer_that_was_changed_are_made_anew(tokenizer, tmp_path, change):
    rows = split_from_columns({"text": ["sunshine at [SEP] last", "sad"], "label": [0, 1]})
    changed = copy.deepcopy(tokenizer)
    change(changed)
    columns = [
        tokenize_split(rows, ["text"], one, 5, tmp_path).columns["text"] for one in (tokenizer, changed, tokenizer)
    ]
    expected = changed(rows["text"][:], truncation=True, max_length=5)["input_ids"]
    assert columns[1].take(np.arange(2)).ids.tolist() == [*expected[0], *expected[1]] != columns[0].ids.tolist()
    assert columns[2].ids.tolist() == columns[0].ids.tolist()


def test_a_text_without_a_token_is_named(tokenizer, tmp_path):
    bare = copy.deepcopy(tokenizer)
    bare.backend_tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    with pytest.raises(
        EncoderError, match="every text must have a token, but the encoder's tokenizer finds none in ' '"
    ):
        tokenize_split(split_from_columns({"text": ["glad", " "], "label": [0, 1]}), ["text"], bare, 9, tmp_path)


def test_unknown_tokens_are_counted_of_a_texts_own_in_fresh_and_cached_ids(tokenizer, tmp_path):
    for _ in ("fresh", "cached"):
        column = token_column(["lovely ሉ ሉ [MASK]", "ሉ"], tokenizer, 50, tmp_path)
        assert unknown_share(column, tokenizer) == 3 / (3 + len(tokenizer.tokenize("lovely")))
    assert unknown_share(token_column(["lovely"], tokenizer, 50, tmp_path), tokenizer) == 0


def test_an_unknown_token_with_another_part_is_not_counted(tokenizer, tmp_path):
    """GPT-2's is its end of text too."""
    other = copy.deepcopy(tokenizer)
    other.unk_token = other.sep_token
    assert unknown_share(token_column(["lovely"], other, 50, tmp_path), other) == 0


def test_a_damaged_or_unwritable_cache_costs_nothing_but_time(tokenizer, tmp_path):
    rows = split_from_columns({"text": ["what a lovely day", "sad"] * 50, "label": [0, 1] * 50})
    expected = tokenize_split(rows, ["text"], tokenizer, 9, tmp_path).columns["text"].ids.tolist()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    flipped = bytes([whole[4] ^ 1])  # a token that is another
    for damaged in (whole[: len(whole) // 2], whole[:4] + flipped + whole[5:], b""):
        file.write_bytes(damaged)
        assert tokenize_split(rows, ["text"], tokenizer, 9, tmp_path).columns["text"].ids.tolist() == expected
        assert file.read_bytes() == whole
    (tmp_path / "file").write_text("no folder")
    assert (
        tokenize_split(rows, ["text"], tokenizer, 9, tmp_path / "file" / "cache").columns["text"].ids.tolist()
        == expected
    )
