"""Tokenised once; batches in an order that is a function of seed and epoch; needs met or refused."""

import copy
import os
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.core.errors import EncoderError, NeedsError
from fecbench.data.batch import Batch, BatchNeeds
from fecbench.data.batches import TokenisedSplit, TrainingBatches, text_batches, tokenize_split
from fecbench.data.datasets.load import get_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.datasets.rows import split_from_columns
from fecbench.data.tokenize import TokenColumn, token_column, unknown_share
from fecbench.data.tokens import Tokens
from fecbench.data.transfer import _copied_together

GENERATOR = np.random.default_rng(0)


def split(rows: int, columns=("text",)) -> TokenisedSplit:
    """Random token ids: row r holds 1 to 9 ids, the first of them r."""
    lengths = GENERATOR.integers(1, 10, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = GENERATOR.integers(100, 200, offsets[-1])
    ids[offsets[:-1]] = np.arange(rows)
    return TokenisedSplit({name: TokenColumn(ids, offsets, 0) for name in columns}, GENERATOR.integers(0, 3, rows))


def test_take_is_what_a_loop_takes():
    column = split(20).columns["text"]
    rows = np.array([3, 3, 19, 0, 7])
    tokens = column.take(rows)
    expected = [column.ids[column.offsets[row] : column.offsets[row + 1]].tolist() for row in rows]
    assert tokens.ids.tolist() == [one for ids in expected for one in ids]
    assert tokens.lengths.tolist() == [len(ids) for ids in expected]
    assert tokens.owners.tolist() == [n for n, ids in enumerate(expected) for _ in ids]
    assert tokens.positions.tolist() == [position for ids in expected for position in range(len(ids))]
    assert tokens.sizes.tolist() == list(map(len, expected))


@pytest.mark.parametrize("bucketed", [False, True])
def test_every_row_once_an_epoch_in_an_order_of_seed_and_epoch(bucketed):
    rows = split(203)
    batches = TrainingBatches(rows, 16, seed=1, bucketed=bucketed)
    orders = [[batch.rows.tolist() for batch in batches.epoch(epoch)] for epoch in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != [batch.rows.tolist() for batch in TrainingBatches(rows, 16, seed=2, bucketed=bucketed).epoch(1)]
    assert [len(batch) for batch in orders[0]] == [16] * 12 + [11]
    assert len(batches) == 13
    assert sorted(row for batch in orders[0] for row in batch) == list(range(203))


def test_bucketed_batches_hold_texts_of_similar_length():
    rows = split(1600)
    spread = []
    for bucketed in (False, True):
        batches = TrainingBatches(rows, 16, seed=0, bucketed=bucketed).epoch(1)
        spread.append(np.mean([batch.tokens.lengths.float().std().item() for batch in batches]))
    assert spread[1] < 0.3 * spread[0]


def test_a_batch_belongs_together():
    rows = split(50, ("text", "aug_text"))
    for batch in TrainingBatches(rows, 8, seed=0).epoch(3):
        assert batch.labels.tolist() == rows.labels[batch.rows].tolist()
        assert batch.tokens.first(batch.tokens.ids[:, None])[:, 0].tolist() == batch.rows.tolist()
        view = batch.view("aug_text")
        assert view.tokens.ids.tolist() == batch.tokens.ids.tolist()
        assert view.labels is batch.labels


def test_a_last_batch_that_is_too_short_is_left_out_and_counted():
    batches = TrainingBatches(split(21), 8, seed=0, needs=BatchNeeds(min_size=6))
    assert [len(batch) for batch in batches.epoch(1)] == [8, 8]
    assert (len(batches), batches.left_out) == (2, 5)
    assert TrainingBatches(split(21), 8, seed=0, needs=BatchNeeds(min_size=5)).left_out == 0


def test_generators_are_functions_of_seed_epoch_step_and_stream():
    rows = split(40)
    one, other = list(TrainingBatches(rows, 16, seed=5).epoch(2))[:2]
    again = next(iter(TrainingBatches(rows, 16, seed=5).epoch(2)))
    cases = ((one, "a"), (again, "a"), (other, "a"), (one, "b"))
    draw = [torch.rand(3, generator=batch.generator(stream)).tolist() for batch, stream in cases]
    assert draw[0] == draw[1]
    assert len({tuple(values) for values in draw}) == 3


def test_evaluation_goes_from_long_to_short_and_misses_no_row():
    rows = split(70)
    batches = list(rows.by_length(16))
    lengths = rows.columns["text"].lengths[np.concatenate(batches)]
    assert (np.diff(lengths) <= 0).all()
    assert sorted(np.concatenate(batches)) == list(range(70))


@pytest.mark.parametrize("batch_size", [1, 7, 16, 100])
def test_an_evaluation_batch_has_the_tokens_of_the_longest_texts_at_most(batch_size):
    rows = split(70)
    lengths = rows.columns["text"].lengths
    longest = np.sort(lengths)[::-1][:batch_size]
    batches = list(rows.by_length(batch_size))
    assert len(batches[0]) == min(batch_size, 70)
    assert len(batches) <= -(-70 // batch_size)

    def fits(batch: np.ndarray) -> bool:
        return lengths[batch].sum() <= longest.sum() and len(batch) * lengths[batch].max() <= batch_size * longest[0]

    assert all(map(fits, batches))
    for batch, following in pairwise(batches):
        assert len(batch) >= batch_size
        assert not fits(np.append(batch, following[0]))


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_a_batch_and_agree_on_all_else(ranks):
    rows = split(10)
    whole = next(iter(TrainingBatches(rows, 7, seed=0).epoch(1)))
    parts = [next(iter(TrainingBatches(rows, 7, seed=0, rank=rank, ranks=ranks).epoch(1))) for rank in range(ranks)]
    assert sorted(place for part in parts for place in part.share.tolist()) == list(range(7))
    for part in parts:
        assert part.rows.tolist() == whole.rows.tolist()
        assert part.tokens.first(part.tokens.ids[:, None])[:, 0].tolist() == whole.rows[part.share].tolist()


def test_a_rank_without_a_row_holds_one_but_no_place():
    batch = split(5).batch(np.array([4]), rank=1, ranks=2)
    assert (len(batch), len(batch.tokens), len(batch.share)) == (1, 1, 0)


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


def tensors(batch: Batch) -> list[torch.Tensor]:
    """All tensors of a batch that has a view ``pair`` with segments, and a share."""
    parts = [batch.labels, batch.rows, batch.share]
    for tokens in (batch.tokens, batch.views["pair"]):
        parts += [tokens.ids, tokens.positions, tokens.owners, tokens.lengths]
    return [*parts, batch.views["pair"].segments]


def test_a_batch_that_is_on_the_gpu_already_stays_and_comes_back_whole():
    """Without a GPU: fake tensors know their device and have no values."""
    mode, cuda = FakeTensorMode(), torch.device("cuda", 0)

    def on_gpu(tensor: torch.Tensor) -> FakeTensor:
        return FakeTensor(mode, tensor.to("meta"), cuda)

    def there(tokens: Tokens) -> Tokens:
        moved = [on_gpu(part) for part in (tokens.ids, tokens.positions, tokens.owners, tokens.lengths)]
        return Tokens(*moved, tokens.sizes, None if tokens.segments is None else on_gpu(tokens.segments))

    pair = Tokens.from_flat(np.array([5, 6, 7]), np.array([2, 1]), np.array([0, 1, 0]))
    labels = on_gpu(torch.tensor([0, 1]))
    batch = Batch(there(Tokens.pack([[5, 6], [7]])), labels, labels, views={"pair": there(pair)}, share=labels)
    with mode:
        again, back = tensors(batch.to(cuda)), tensors(batch.to(torch.device("cpu")))
    assert all(one is other for one, other in zip(again, tensors(batch), strict=True))
    assert {tensor.device.type for tensor in back} == {"cpu"}


class Copies(TorchDispatchMode):
    """Counts copies to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default:
            self.count += found.device != args[0].device
        return found


def test_a_batch_travels_in_one_copy_and_a_view_when_it_is_read():
    pair = TokenColumn(np.arange(30), np.arange(0, 31, 3), segments=np.arange(30) % 2)
    rows = TokenisedSplit({"text": split(10).columns["text"], "pair": pair, "unread": pair}, np.arange(10) % 3)
    meta = torch.device("meta")
    with Copies() as copies:
        batch = rows.batch(np.arange(7), rank=1, ranks=2).to(meta)
        assert copies.count == 1
        assert {tensor.device for tensor in tensors(batch)} == {meta}
        assert copies.count == 2
        assert batch.to(meta).view("pair").tokens is batch.view("pair").tokens
        assert copies.count == 2
    host = rows.batch(np.arange(7), rank=1, ranks=2)
    assert [tensor.shape for tensor in tensors(batch)] == [tensor.shape for tensor in tensors(host)]
    assert host.to(torch.device("cpu")).tokens is host.tokens


def test_parts_of_one_copy_hold_what_was_sent_and_are_written_to_one_by_one():
    sent = [torch.arange(3), torch.arange(4).view(2, 2), torch.tensor([], dtype=torch.int64)]
    got = _copied_together(sent, torch.device("cpu"))
    assert all(torch.equal(one, other) for one, other in zip(got, sent, strict=True))
    got[0].zero_()
    assert [part._version for part in got] == [1, 0, 0]


def test_an_unread_view_is_never_packed(monkeypatch):
    packed, take = [], TokenColumn.take
    monkeypatch.setattr(TokenColumn, "take", lambda self, rows: packed.append(self) or take(self, rows))
    rows = split(10, ("text", "word", "label"))
    batch = rows.batch(np.arange(4)).to(torch.device("cpu"))
    assert packed == [rows.columns["text"]]
    assert list(batch.views) == ["word", "label"]
    assert "word" in batch.views
    assert "aug_text" not in batch.views
    assert len(packed) == 1
    assert batch.view("label").tokens is batch.view("label").tokens
    assert packed == [rows.columns["text"], rows.columns["label"]]
    with pytest.raises(KeyError, match="aug_text"):
        batch.view("aug_text")


def test_texts_in_order(tokenizer):
    texts = [f"text {n}" for n in range(5)]
    batches = list(text_batches(texts, tokenizer, 10, 2, torch.device("cpu")))
    assert [batch.texts for batch in batches] == [("text 0", "text 1"), ("text 2", "text 3"), ("text 4",)]
    assert [batch.rows.tolist() for batch in batches] == [[0, 1], [2, 3], [4]]


def data(rows: int, columns: list[str]):
    labels = {"text": ["a"] * rows, "label": [row % 3 for row in range(rows)]}
    return SimpleNamespace(name="toys", columns=columns, splits={"train": split_from_columns(labels)})


def test_needs_are_met_or_refused_with_requirement_and_finding():
    BatchNeeds(2, ("aug_text",)).check(data(10, ["text", "aug_text", "label"]), 2, None, "objective x")
    with pytest.raises(
        NeedsError,
        match=r"objective x needs the column aug_text, but toys has text, label .* choose a data set that has it",
    ):
        BatchNeeds(columns=("aug_text",)).check(data(10, ["text", "label"]), 2, None, "objective x")
    with pytest.raises(NeedsError, match="objective x needs at least 4 texts in a batch, found --batch-size 2"):
        BatchNeeds(4).check(data(10, ["text", "label"]), 2, None, "objective x")
    with pytest.raises(NeedsError, match="needs at least 4 texts in a batch, but there are 3 training rows"):
        BatchNeeds(4).check(data(3, ["text", "label"]), 8, None, "objective x")
    with pytest.raises(NeedsError, match="needs at least 4 texts in a batch, but there are 2 training rows"):
        BatchNeeds(4).check(data(10, ["text", "label"]), 8, 2, "objective x")
    with pytest.raises(NeedsError, match="needs at least 6 texts in a batch, found --batch-size 4"):
        BatchNeeds(per_label=6).check(data(10, ["text", "label"]), 4, None, "objective x")
    with pytest.raises(
        NeedsError, match="needs 6 texts in groups of 6 of a label, but only 0 rows can be grouped; use more rows"
    ):
        BatchNeeds(per_label=6).check(data(10, ["text", "label"]), 8, None, "objective x")
    with pytest.raises(NeedsError, match="needs at least 12 texts in a batch, found --batch-size 10"):
        BatchNeeds(9, per_label=4).check(data(40, ["text", "label"]), 10, None, "objective x")
    with pytest.raises(NeedsError, match="needs 8 texts in groups of 4 of a label, but only 4 rows can be grouped"):
        BatchNeeds(8, per_label=4).check(data(10, ["text", "label"]), 10, None, "objective x")
    with pytest.raises(NeedsError, match="needs the column aug_text, but toys has text, label"):
        BatchNeeds(second_view="augmented").check(data(10, ["text", "label"]), 8, None, "objective x")


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        ({"columns": "aug_text"}, "columns must be a tuple of names, found the string 'aug_text'"),
        ({"second_view": "augmentd"}, "second_view must be one of none, auto, augmented, dropout, found 'augmentd'"),
        ({"per_label": 0}, "min_size and per_label must be at least 1, found 1 and 0"),
        ({"min_size": -3}, "min_size and per_label must be at least 1, found -3 and 1"),
    ],
)
def test_needs_that_mean_nothing_are_refused(needs, message):
    with pytest.raises(ValueError, match=message):
        BatchNeeds(**needs)


def test_which_columns_come_as_views():
    both = ["text", "aug_text", "label"]
    cases = {
        "none": ((), ()),
        "dropout": ((), ()),
        "auto": (("aug_text",), ()),
        "augmented": (("aug_text",), ("aug_text",)),
    }
    for second_view, expected in cases.items():
        assert (
            BatchNeeds(second_view=second_view).views(both),
            BatchNeeds(second_view=second_view).views(["text"]),
        ) == expected
    assert BatchNeeds(columns=("note", "aug_text"), second_view="auto").views(both) == ("note", "aug_text")


@pytest.mark.parametrize(
    ("second_view", "there", "paraphrased"),
    [("augmented", True, True), ("auto", True, True), ("auto", False, False), ("dropout", True, False)],
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_doubled_holds_every_text_and_then_its_second_view(second_view, there, paraphrased, ranks):
    columns = {"text": split(9).columns["text"], "aug_text": split(9).columns["text"]}
    rows = TokenisedSplit(
        columns if there else {"text": columns["text"]}, np.arange(9) % 3, [f"t{n}" for n in range(9)], second_view
    )
    for rank in range(ranks):
        batch = next(iter(TrainingBatches(rows, 5, seed=0, rank=rank, ranks=ranks).epoch(1)))
        both = batch.doubled()
        second = batch.views["aug_text"] if paraphrased else batch.tokens
        assert both.tokens.ids.tolist() == batch.tokens.ids.tolist() + second.ids.tolist()
        assert both.tokens.lengths.tolist() == batch.tokens.lengths.tolist() + second.lengths.tolist()
        assert both.labels.tolist() == batch.labels.tolist() * 2
        assert both.texts is None
        assert len(both) == 10
        assert (both.share is None) == (ranks == 1)
        if ranks > 1:
            assert both.share.tolist() == [*batch.share.tolist(), *(place + 5 for place in batch.share.tolist())]


def test_doubling_unasked_is_refused():
    with pytest.raises(NeedsError, match="set second_view in the objective's needs"):
        split(5).batch(np.array([1, 2])).doubled()


LONG_TAIL = np.repeat(np.arange(6), [150, 61, 20, 7, 2, 1])


@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize(("size", "batch_size", "min_size"), [(2, 16, 1), (3, 16, 1), (4, 16, 9), (8, 8, 1)])
def test_grouped_batches_over_whole_epochs(size, batch_size, min_size, bucketed):
    """Labels come in whole groups, rows at most once an epoch, and only rows that can't be grouped are left out."""
    rows = TokenisedSplit(split(len(LONG_TAIL)).columns, LONG_TAIL)
    needs = BatchNeeds(min_size, per_label=size)
    batches = TrainingBatches(rows, batch_size, seed=3, bucketed=bucketed, needs=needs)
    seen = []
    for epoch in (1, 2, 3):
        drawn = [batch.rows.numpy() for batch in batches.epoch(epoch)]
        assert len(drawn) == len(batches)
        assert all(len(part) == batch_size // size * size for part in drawn[:-1])
        assert len(drawn[-1]) >= min_size
        for part in drawn:
            assert (np.bincount(LONG_TAIL[part]) % size == 0).all()
        together = np.concatenate(drawn)
        assert len(np.unique(together)) == len(together) == len(LONG_TAIL) - batches.left_out
        if min_size == 1:
            assert (
                np.bincount(LONG_TAIL[together], minlength=6).tolist()
                == (np.bincount(LONG_TAIL) // size * size).tolist()
            )
        if batch_size // size >= 4:  # groups of all labels stand in any order
            assert np.mean([len(np.unique(LONG_TAIL[part])) for part in drawn]) > 1.8
        seen.append(together.tolist())
    assert seen[0] != seen[1]
    assert set(seen[0]) != set(seen[2])  # other rows are left out in another epoch
    assert [batch.rows.tolist() for batch in batches.epoch(1)] == [
        batch.rows.tolist()
        for batch in TrainingBatches(rows, batch_size, seed=3, bucketed=bucketed, needs=needs).epoch(1)
    ]


def test_what_is_left_out_is_said_with_its_reason():
    rows = TokenisedSplit(split(len(LONG_TAIL)).columns, LONG_TAIL)
    assert TrainingBatches(rows, 16, seed=0, needs=BatchNeeds(per_label=4)).notes == (
        "9 rows of each epoch are left out: they fill no group of 4 texts of a label",
    )
    assert TrainingBatches(split(21), 8, seed=0, needs=BatchNeeds(min_size=6)).notes == (
        "5 rows of each epoch are left out: they are in a last batch that is too short",
    )
    assert TrainingBatches(split(21), 8, seed=0).notes == ()


@pytest.mark.skipif(
    not os.environ.get("FECBENCH_TEST_DATA"), reason="FECBENCH_TEST_DATA names no folder with the real files"
)
def test_groups_hold_on_the_long_tail_of_goemotions(tokenizer, tmp_path):
    train = get_dataset("ge-prepared").load(DataLocations(Path(os.environ["FECBENCH_TEST_DATA"]))).splits["train"]
    rows = tokenize_split(train, ["text"], tokenizer, 40, tmp_path)
    batches = TrainingBatches(rows, 64, seed=0, needs=BatchNeeds(per_label=4))
    for epoch in (1, 2):
        drawn = [batch.rows.numpy() for batch in batches.epoch(epoch)]
        assert all((np.bincount(rows.labels[part]) % 4 == 0).all() for part in drawn)
        together = np.concatenate(drawn)
        assert len(np.unique(together)) == len(together) == len(rows) - batches.left_out
    assert batches.left_out == (np.bincount(rows.labels) % 4).sum() > 0


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
