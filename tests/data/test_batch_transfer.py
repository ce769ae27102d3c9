"""A batch travels to the device in one copy, and a view only when it is read."""

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from fecbench.data.batch import Batch
from fecbench.data.batches import TokenisedSplit
from fecbench.data.tokenize import TokenColumn
from fecbench.data.tokens import Tokens
from fecbench.data.transfer import _copied_together
from tests.support.splits import random_split


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
    rows = TokenisedSplit({"text": random_split(10).columns["text"], "pair": pair, "unread": pair}, np.arange(10) % 3)
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
    rows = random_split(10, ("text", "word", "label"))
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
