"""Streams: their order is a function of seed, name and number, and a resumed run finds the same batches."""

import numpy as np
import pytest
import torch

from fecbench import TokenColumn, TokenisedSplit
from fecbench.data.batches import TrainingBatches
from fecbench.data.streams import StreamBatches, with_streams


def split(rows: int, first: int = 0) -> TokenisedSplit:
    """Rows of one token each, whose ids tell them apart."""
    ids = np.arange(first, first + rows)
    return TokenisedSplit({"text": TokenColumn(ids, np.arange(rows + 1))}, np.zeros(rows, dtype=np.int64))


def batches(name="pairs", seed=0, rank=0, ranks=1, size=4):
    return StreamBatches(
        name, lambda number: split(10, 100 * number), TrainingBatches(split(64), size, seed, rank=rank, ranks=ranks)
    )


def ids(batches, number):
    return batches(number, (0, 1, number)).tokens.ids.tolist()


def test_a_pass_holds_every_row_once_and_the_next_is_made_anew():
    stream = batches()
    first, second = ([i for number in range(start, start + 3) for i in ids(stream, number)] for start in (0, 3))
    assert sorted(first) == list(range(10))
    assert sorted(second) == list(range(100, 110))
    assert [i % 100 for i in second] != first


def test_order_depends_on_seed_and_name_alone():
    assert ids(batches(), 7) == ids(batches(), 7)  # asked for at once, as by a resumed run
    assert len({tuple(ids(batches(name, seed), 0)) for name in ("pairs", "others") for seed in (0, 1)}) == 4


@pytest.mark.parametrize("rate", [0.0, 0.3, 3 / 7, 1.0, 7 / 3, 9.0])
def test_at_any_rate_batches_follow_one_another_from_any_start(rate):
    stream, counted = batches(), []
    for number in range(50):
        beside = list(stream.beside(number, (0, 1, number), rate))
        assert [len(batch.key) for batch in beside] == [3, *[4] * (len(beside) - 1)][: len(beside)]
        counted += [(batch.tokens.ids.tolist(), batch.key) for batch in beside]
    assert [found for found, _ in counted] == [ids(batches(), number) for number in range(len(counted))]
    assert len(counted) == pytest.approx(50 * rate, abs=1)
    assert len({key for _, key in counted}) == len(counted)
    resumed = [
        batch.tokens.ids.tolist()
        for number in range(25, 50)
        for batch in batches().beside(number, (0, 1, number), rate)
    ]
    assert resumed == [found for found, _ in counted][len(counted) - len(resumed) :]


def test_ranks_share_a_batch():
    whole = ids(batches(), 1)
    shares = [batches(rank=rank, ranks=2)(1, (0, 1, 1)) for rank in (0, 1)]
    assert sorted(i for share in shares for i in share.tokens.ids.tolist()) == sorted(whole)
    assert all(len(share) == len(whole) for share in shares)


def test_a_batch_of_a_stream_is_made_when_asked_for():
    made = []
    stream = StreamBatches("pairs", lambda number: made.append(number) or split(10), TrainingBatches(split(64), 4, 0))
    batch = with_streams(split(64).batch(np.arange(4), (0, 1, 2)), {"pairs": stream}, 2)
    assert not made
    assert batch.stream("pairs").key == (0, 1, 2)
    assert made == [0]


def test_fewer_rows_than_a_batch_are_one_batch():
    stream = StreamBatches("pairs", lambda number: split(3), TrainingBatches(split(64), 8, 0))
    assert sorted(ids(stream, 5)) == [0, 1, 2]


def test_a_stream_comes_on_the_batch_s_device():
    batch = with_streams(split(8).batch(np.arange(4)), {"pairs": batches()}, 0).to(torch.device("meta"))
    assert batch.stream("pairs").tokens.ids.device.type == "meta"
