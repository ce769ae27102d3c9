"""Results cached on disk: the same numbers as without a cache, told apart by all that determines them."""

import pickle
import stat
from dataclasses import dataclass

import pytest
import torch
from platformdirs import user_cache_path

from fecbench import cached_on_disk
from fecbench.core import tensor_cache


@dataclass(frozen=True)
class Tree:
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    nodes: tuple[object, ...]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder, which the cache makes itself."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return user_cache_path("fecbench") / "tensors"


@pytest.fixture
def calls():
    return []


@pytest.fixture
def slow(folder, calls):
    @cached_on_disk
    def noise(tree, *, seed, scale=1.0):
        """Draw numbers."""
        calls.append((tree, seed, scale))
        return scale * torch.randn(len(tree.nodes), 3, generator=torch.Generator().manual_seed(seed)).double()

    return noise


TREE = Tree(("glad", "sad"))


def test_a_result_is_computed_once_and_is_the_same_to_the_last_bit(slow, calls, folder):
    first, second = slow(TREE, seed=7), slow(TREE, scale=1.0, seed=7)
    assert calls == [(TREE, 7, 1.0)]
    assert first.equal(second)
    assert first.equal(slow.__wrapped__(TREE, seed=7))
    assert (first.dtype, first.stride()) == (second.dtype, second.stride())
    assert len(list(folder.iterdir())) == 1
    assert slow.__doc__ == "Draw numbers."


def test_a_result_may_be_changed_by_its_receiver(slow):
    slow(TREE, seed=7)
    slow(TREE, seed=7).zero_()
    assert slow(TREE, seed=7).any()


@pytest.mark.parametrize("kind", [torch.bool, torch.int64, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_every_type_and_shape_comes_back(folder, kind, shape):
    @cached_on_disk
    def ones(kind, shape):
        return torch.ones(shape, dtype=getattr(torch, kind))

    name = str(kind).removeprefix("torch.")
    assert ones(name, shape).equal(ones(name, shape))
    assert ones(name, shape).dtype == kind


def test_a_transposed_result_is_laid_out_as_the_one_that_is_read(folder):
    @cached_on_disk
    def transposed(rows):
        return torch.arange(6.0, requires_grad=True).view(rows, -1).T

    fresh, read = transposed(2), transposed(2)
    assert fresh.stride() == read.stride()
    assert not fresh.requires_grad


@pytest.mark.parametrize(
    ("tree", "options"),
    [(Tree(("glad", "mad")), {"seed": 7}), (TREE, {"seed": 8}), (TREE, {"seed": 7, "scale": 1.0000001})],
)
def test_another_argument_is_another_result(slow, calls, tree, options):
    slow(TREE, seed=7)
    slow(tree, **options)
    assert len(calls) == 2


@pytest.mark.parametrize(("one", "other"), [(Tree(()), Chain(())), (Tree((Tree(()),)), Tree((Chain(()),)))])
def test_classes_with_equal_fields_are_told_apart(slow, calls, one, other):
    slow(one, seed=7)
    slow(other, seed=7)
    assert len(calls) == 2


def test_a_key_that_json_would_turn_into_a_text_is_refused(slow, calls):
    with pytest.raises(TypeError, match=r"dicts with texts as keys.*, found the key 1; pass what it is made from"):
        slow(Chain(({1: "glad"},)), seed=7)
    slow(Chain(({"1": "glad"},)), seed=7)
    assert len(calls) == 1


@pytest.mark.parametrize("what", ["sources", "torch", "processor"])
def test_code_version_and_processor_are_part_of_what_makes_a_result(slow, calls, monkeypatch, what):
    slow(TREE, seed=7)
    if what == "sources":
        monkeypatch.setattr(tensor_cache, "source_digest", lambda package: "edited")
    elif what == "torch":
        monkeypatch.setattr(torch, "__version__", "3.0.0")
    else:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX9")
    slow(TREE, seed=7)
    assert len(calls) == 2


def test_functions_of_one_name_are_told_apart(folder):
    def made(value):
        def constant(count):
            return torch.full((count,), value)

        constant.__qualname__ = f"constant_{value}"
        return cached_on_disk(constant)

    assert made(1.0)(2).tolist() == [1, 1]
    assert made(2.0)(2).tolist() == [2, 2]


def test_a_function_typed_into_an_interpreter_is_not_cached(slow, calls, folder, monkeypatch):
    monkeypatch.setattr(tensor_cache, "source_digest", lambda package: tensor_cache.INTERACTIVE)
    assert slow(TREE, seed=7).equal(slow(TREE, seed=7))
    assert len(calls) == 2
    assert not folder.exists()


@pytest.mark.parametrize("argument", [torch.ones(2), object(), {1, 2}, Tree], ids=["tensor", "object", "set", "class"])
def test_arguments_that_cannot_be_told_apart_are_refused(slow, calls, argument):
    with pytest.raises(
        TypeError, match=r"must be numbers, texts, None, or tuples.* found .*; pass what it is made from"
    ):
        slow(argument, seed=7)
    assert calls == []


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "a flipped bit": lambda content: flipped(content, len(content) - 9),
    "another type": lambda content: content.replace(b'"F64"', b'"I64"'),
    "a pickle": lambda content: pickle.dumps(print),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_anew(slow, calls, folder, damage):
    expected = slow(TREE, seed=7)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    assert damage(whole) != whole
    file.write_bytes(damage(whole))
    assert slow(TREE, seed=7).equal(expected)
    assert len(calls) == 2
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_no_error(slow, calls, folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in the folder's place")
    assert slow(TREE, seed=7).equal(slow(TREE, seed=7))
    assert len(calls) == 2


def test_a_link_to_elsewhere_is_neither_read_nor_written(slow, calls, folder, tmp_path):
    expected = slow(TREE, seed=7)
    (file,) = folder.iterdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    file.unlink()
    file.symlink_to(elsewhere)
    assert slow(TREE, seed=7).equal(expected)
    assert elsewhere.read_text() == "mine"


def test_nothing_unfinished_is_left_and_others_may_read(slow, folder):
    slow(TREE, seed=7)
    (file,) = folder.iterdir()
    assert file.suffix == ".safetensors"
    assert stat.S_IMODE(file.stat().st_mode) & 0o400


def test_a_fake_tensor_is_not_cached(slow, folder):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        slow(TREE, seed=7)
    assert not list(folder.glob("*"))
