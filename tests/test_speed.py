"""Count the operations that keep training fast, without timing them, and run the speed benchmarks."""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from types import ModuleType

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from fecbench import Task
from fecbench.core import registry
from fecbench.core.files import read_tensors
from fecbench.data.datasets.locations import DataLocations
from fecbench.data.layout import attention_layout, group_ends
from fecbench.data.tokens import Tokens
from fecbench.objective.check import get_objective
from fecbench.objective.overlap import background_pairs, overlap
from fecbench.runs import experiment
from fecbench.runs.plan import plan
from fecbench.testing.subject import Subject
from fecbench.training.checkpoints import BEST, state_of
from fecbench_aml import AML, AMLConfig, mine_hard_pairs
from fecbench_aml.mining import STRATEGIES
from tests.support.benchmark_modules import SPEED, benchmark_modules

WIDTH = 128


class Largest(TorchDispatchMode):
    """Remembers the number of values in the greatest tensor that any operation gave."""

    values = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        self.values = max([self.values, *(leaf.numel() for leaf in tree_leaves(found) if isinstance(leaf, Tensor))])
        return found


def largest(call: Callable[[], object]) -> int:
    """The greatest tensor of a call, its backward passes included."""
    with Largest() as mode:
        call()
    return mode.values


def batch(size: int) -> tuple[Tensor, Tensor]:
    """Features and labels."""
    torch.manual_seed(0)
    return torch.randn(size, WIDTH, requires_grad=True), torch.randint(7, (size,))


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"threshold"}))
def test_mining_holds_nothing_beyond_all_similarities_and_the_pairs_features(strategy):
    for size in (16, 64, 256):
        z, labels = batch(size)
        for k in (1, 8, 64):
            found = largest(
                lambda k=k, z=z, labels=labels: mine_hard_pairs(z, labels, k_pos=k, k_neg=k, strategy=strategy)
            )
            assert found <= size**2 + size * k * WIDTH


@pytest.mark.parametrize("family", ["metric", "mlp"])
def test_judging_pairs_never_holds_the_four_blocks_of_their_features(family):
    aml = AML(AMLConfig(family=family), Task("", (), (), WIDTH, WIDTH, 0))
    parameters = list(aml.discriminator.parameters())
    weights = max(parameter.numel() for parameter in parameters)
    for size, k in ((16, 1), (16, 64), (128, 8)):
        z, labels = batch(size)
        pairs = mine_hard_pairs(z, labels, k_pos=k, k_neg=k)

        def updates(z=z, pairs=pairs):
            aml.discriminator_update(z.detach(), pairs).loss.backward(inputs=parameters)
            aml.pair_loss(aml.judge(z, pairs), pairs).backward(inputs=[z])

        assert largest(updates) <= max(
            2 * WIDTH * len(pairs.i), weights
        )  # 256, the width of the mlp, is twice that of the features


class NoQuestions(TorchDispatchMode):
    """Fails if the host must know an operation's result or its shape: a GPU would have to finish everything first."""

    ASKING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "bincount")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().removeprefix("aten::").split(".")[0]
        assert not name.startswith(self.ASKING), f"{func.name()} waits for the device"
        if name in ("index", "index_put", "index_put_", "_index_put_impl_"):
            assert not any(index is not None and index.dtype == torch.bool for index in args[1]), (
                "an index of bools is counted first"
            )
        return func(*args, **(kwargs or {}))


ASKING = {
    "taco": "clusters on the host",
    "aml-released": "clusters on the host, as taco",
    "sacl": "tosses a coin on the host",
}


TRAINED = [name for name in registry.objectives if get_objective(name).trains and name not in ASKING]
ON_LABEL_SETS = [name for name in TRAINED if "multi" in get_objective(name).labellings]


@pytest.mark.parametrize(
    ("method", "dataset"),
    [*[(name, "demo") for name in TRAINED], *[(name, "demo-multi") for name in ON_LABEL_SETS]],
)
def test_a_training_step_asks_the_device_nothing(method, dataset, monkeypatch):
    subject = Subject(plan(method, {"dataset": dataset}), {})
    stepper, (first, second) = subject.stepper(), subject.batches(2)
    stepper.step(first, 1.0, audit=True)

    def refused(*_: object) -> None:
        raise AssertionError("a tensor's values were fetched")

    with monkeypatch.context() as patched, NoQuestions():
        for fetching in ("tolist", "numpy", "__array__"):
            patched.setattr(torch.Tensor, fetching, refused)
        stepper.step(second, 0.5)


def test_a_question_is_noticed():
    values = torch.ones(3)
    for asks in (
        lambda: values.sum().item(),
        lambda: bool(values.all()),
        lambda: values[values > 0],
        lambda: values.nonzero(),
    ):
        with NoQuestions(), pytest.raises(AssertionError):
            asks()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_mining_by_overlap_asks_the_device_nothing_and_holds_no_more(strategy):
    z, labels = batch(64)
    q = torch.nn.functional.one_hot(labels, 7)
    background = torch.arange(7) == 6

    def mine() -> object:
        left_out = background_pairs(q, background)
        t = overlap(q, background=background)
        with NoQuestions():
            return mine_hard_pairs(z, t, k_pos=8, k_neg=8, strategy=strategy, left_out=left_out)

    assert largest(mine) <= 64**2 * 7
    with NoQuestions():
        overlap(q, "cooccurrence", torch.eye(7), background)
        overlap(q, "bhattacharyya")


def places(sizes: np.ndarray, grid_cost: float) -> int:
    """Places of scores in the grids of texts of these lengths."""
    layout = attention_layout(Tokens.pack([[7] * size for size in sizes]), torch.float32, grid_cost)
    return sum(bias.numel() * bias.shape[-1] for bias in layout.biases)


def test_one_long_text_does_not_widen_the_scores_of_all():
    sizes = np.array([20] * 127 + [200])
    assert places(sizes, np.inf) == 128 * 200**2
    assert places(sizes, 4_000) == 127 * 20**2 + 200**2


def test_another_grid_is_made_only_where_it_pays():
    sizes = np.sort(np.random.default_rng(0).integers(3, 60, 64))
    costs = [0, 100, 1_000, 10_000, 1e9]
    counts = [len(group_ends(sizes, cost)) for cost in costs]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (len(set(sizes.tolist())), 1)
    totals = [places(sizes, cost) + cost * count for cost, count in zip(costs, counts, strict=True)]
    assert all(total <= places(sizes, np.inf) + cost for total, cost in zip(totals, costs, strict=True))


@pytest.fixture
def part(monkeypatch) -> Iterator[Callable[[str], ModuleType]]:
    """A speed benchmark's module by name."""
    with benchmark_modules(monkeypatch) as module:
        yield module


def run(command: object, *arguments: object) -> str:
    """Return the output of a part."""
    found = CliRunner().invoke(command, [*map(str, arguments), "--device", "cpu"], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_the_limit_of_a_step_worked_by_hand(part):
    limit = part("limit")
    work = limit.operations([3, 5], layers=2, width=4)
    assert work == 3 * (24 * 2 * 16 * 8 + 4 * 2 * 4 * (9 + 25)) == 21_696
    assert limit.share_of_limit(work, 1_000, rate=1e4, bandwidth=1e5, seconds=4.8992) == pytest.approx(0.5)


def test_a_step_on_single_labels_has_the_same_texts_as_that_on_sets(part):
    graded = part("graded")
    trainee = part("trainee").Trainee.of("aml", {"dataset": "demo-multi", "device": "cpu"}, steps=2)
    (batch, _) = trainee.first_batches()
    single = graded.single_label(batch)
    assert single.tokens is batch.tokens
    assert batch.targets[torch.arange(len(batch)), single.labels].min() == 1
    stepper = graded.stepper_of_single_labels(trainee)
    assert stepper.model is trainee.stepper.model
    assert not stepper.objective.pair_targets.graded
    assert len(graded.compare(trainee, [batch])) == 1


def test_the_timed_functions_of_a_start_exist(part):
    for module, name in part("second").PARTS.values():
        assert callable(attrgetter(name)(importlib.import_module(module)))


def test_peak_memory_is_exact(part):
    growth = part("growth")

    def call() -> Tensor:
        one = torch.empty(1_000_000)
        other = torch.empty(500_000)
        del one
        return other.sum() + torch.empty(750_000)[0]

    assert growth.peak_bytes(call, torch.device("cpu")) == pytest.approx(6_000_000, abs=10_000)


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "kind_of_batch"), [((), "packed"), (("--no-packing",), "padded")])
def test_limit_runs(part, flags, kind_of_batch):
    small = ("--encoder", "tiny-roberta", "--dataset", "demo", "--batch-size", 8, "--steps", 2)
    printed = run(part("limit").main, *small, *flags)
    assert "% of the limit" in printed
    assert f"tiny-roberta, {kind_of_batch}: " in printed
    assert re.search(r"in the first epoch, of new widths: [0-9.]+ s a step; [0-9,]+ operations a step", printed)
    for kind in ("attention", "linear", "optimiser", "embedding"):
        assert kind in printed


@pytest.mark.slow
def test_growth_runs(part):
    printed = run(part("growth").main, "--encoder", "tiny-bert", "--range", "batch", "--range", "k", "--sizes", "4,8")
    assert printed.count("exponent of the last step") == 2


@pytest.mark.slow
def test_throughput_runs(part, monkeypatch):
    arguments = [
        "--encoder",
        "tiny-bert",
        "--dataset",
        "demo",
        "--contender",
        "Trainer",
        "--batch-size",
        8,
        "--steps",
        2,
        "--rounds",
        1,
    ]
    printed = run(part("throughput").main, *arguments, "--threads", torch.get_num_threads())
    assert "1.00 (1.00-1.00)" in printed


@pytest.fixture
def settings(part, tmp_path) -> dict[str, object]:
    """The settings of a contender."""
    rows = part("material").excerpt("demo", None, 16, tmp_path / "rows")
    return {"dataset": str(rows), "encoder": "tiny-bert", "limit": 16, "batch_size": 8, "epochs": 1, "device": "cpu"}


@pytest.mark.slow
def test_a_contender_trains_as_a_run_does_and_writes_nothing(part, settings, tmp_path):
    contender = part("contender")
    trained = contender.trained("aml", settings, tmp_path / "nothing", contender.EpochSeconds())
    record = experiment.run(plan("aml", settings), experiment.RunContext(DataLocations(), tmp_path / "run"))
    expected, _ = read_tensors(record.folder / BEST)
    weights = state_of({"model": trained.stepper.model, "objective": trained.stepper.objective})
    assert weights.keys() == expected.keys()
    assert all(weights[name].equal(expected[name]) for name in expected)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.slow
def test_a_contender_has_figures(part, settings, tmp_path):
    figures = part("contender").fecbench("ce", settings, tmp_path / "nothing")
    assert all(value > 0 for value in figures.values())


def test_a_table_compares_within_rounds(part, capsys):
    def speeds(*found: float) -> list[dict[str, float]]:
        return [
            {
                "texts_per_second": one,
                "first_epoch_texts_per_second": 5,
                "peak_mib": 7,
                "predicted_per_second": 9,
            }
            for one in found
        ]

    part("throughput").table(
        "title", {"Trainer": speeds(10, 20), "ce": speeds(20, 60), "aml": speeds(10, 40)}, 64, {"mining": 0.032}
    )
    printed = capsys.readouterr().out
    assert "2.50 (2.00-3.00)" in printed
    assert "an iteration of aml costs 1.75 (1.50-2.00) times one of ce" in printed
    assert "mining alone: 32.0 ms, 1.2% of an iteration" in printed


PARTS = {
    "startup": ("--rounds 1", "fecbench plugins"),
    "second": ("--datasets demo --encoder tiny-bert --rounds 1", "second run"),
    "side_by_side": ("--dataset demo --encoder tiny-bert --rows 64 --runs 2 --at-once 1 2", "runs / hour"),
    "operations": ("--encoder tiny-bert --method ce", "| ce, padded |"),
    "graded": ("--dataset demo-multi --encoder tiny-bert --steps 4", "wanted at most 1.05"),
    "paper": (
        f"--spec {SPEED.parent / 'demo.toml'} --encoder tiny-bert --steps 12 --scored 20",
        "the whole, if no run stops early",
    ),
}


@pytest.mark.slow
@pytest.mark.trust
@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_measures_other_processes_runs(name):
    options, says = PARTS[name]
    done = subprocess.run([sys.executable, SPEED, name, *options.split()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout
