"""AML on sets and shares of labels: on one-hot targets it is AML on labels, and what it does beyond."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import one_hot

from fecbench import LabelSetBatch, OverlapConfig, Task, background_pairs, overlap
from fecbench.core.errors import UsageError
from fecbench.core.settings import RunSettings
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.runs.plan import plan
from fecbench.training.devices import Precision
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper
from fecbench_aml import AML, AMLConfig, aml_excess, mine_hard_pairs
from fecbench_aml.pair_targets import PairTargets
from fecbench_aml.released import AMLReleased, AMLReleasedConfig
from tests.support.tiny_model import TinyModel

NAMES = ("a", "b", "c", "neutral")
TASK = Task("toy", NAMES, (), 8, 8, 0)
SEVERAL = replace(TASK, labelling="multi", background=("neutral",))
LABELS = torch.tensor([0, 1, 2, 3] * 3)
TOKENS = Tokens.pack([[1]] * 12)
ONE_HOT = one_hot(LABELS, 4).float()
SETS = torch.tensor(
    [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]] * 2, dtype=torch.float32
)


def single(labels=LABELS):
    return Batch(TOKENS, labels, torch.arange(12), classes=4)


def several(targets=SETS):
    return LabelSetBatch(TOKENS, rows=torch.arange(12), targets=targets)


def playing(task=SEVERAL, **options):
    torch.manual_seed(1)
    objective, model = AML(AMLConfig(k_pos=3, k_neg=3, **options), task), TinyModel(4)
    players = assign_parameters(objective, model, RunSettings(dataset="toy", lr=1e-2), "aml")
    return Stepper(objective, model, players, Precision(torch.device("cpu")), "aml")


def mined(pairs):
    """The valid pairs, with kind and target."""
    return [
        (i, j, t, positive)
        for i, j, t, valid, positive in zip(*(part.tolist() for part in pairs), strict=True)
        if valid
    ]


CHOICES = pytest.mark.parametrize(
    "options",
    [
        {},
        {"strategy": "uniform"},
        {"strategy": "threshold", "threshold": 0.1},
        {"strategy": "batch-topk"},
        {"adversary": "confuse", "slope": "linear"},
        {"adversary": "cooperate", "family": "mlp", "w_pos": 0.3},
        {"overlap": "agreement"},
        {"overlap": "bhattacharyya"},
        {"weight": 0.0},
    ],
    ids=str,
)


@CHOICES
def test_shares_of_one_label_a_text_train_as_labels_do(options):
    """The classification is that of exclusive labels too, so that every loss and log must agree."""
    hard, soft = (playing(task, **options) for task in (TASK, replace(TASK, soft=True)))
    for step in range(3):
        expected = dict(hard.step(replace(single(), key=(0, 1, step)), 1.0))
        found = dict(soft.step(replace(several(ONE_HOT), key=(0, 1, step)), 1.0))
        excess = found.pop("aml_excess", None)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5, msg=name)
        assert excess is None or excess.equal(found["aml"])


@given(
    st.sampled_from(["topk", "threshold", "uniform", "batch-topk"]),
    st.sampled_from(["jaccard", "dice", "cosine", "bhattacharyya", "agreement"]),
    st.sampled_from(["batch", "linear"]),
    st.lists(st.integers(0, 3), min_size=12, max_size=12),
    st.integers(0, 999),
)
@settings(max_examples=60, deadline=None)
def test_sets_of_one_label_have_the_pairs_of_labels_to_the_index(strategy, kind, slope, labels, seed):
    z, y = torch.randn(12, 8, generator=torch.Generator().manual_seed(seed)), torch.tensor(labels)
    options = AMLConfig(k_pos=3, k_neg=4, strategy=strategy, threshold=0.1, overlap=kind, slope=slope)
    ours = AML(options, replace(TASK, labelling="multi")).mine(z, replace(several(one_hot(y, 4).float()), key=(seed,)))
    theirs = AML(options, TASK).mine(z, replace(single(y), key=(seed,)))
    assert mined(ours) == mined(theirs)


def test_a_batch_of_labels_needs_no_overlap_and_logs_no_excess():
    game = playing(TASK)
    assert not game.objective.pair_targets.graded
    assert game.objective.state_dict().keys() == {"discriminator.preference"}
    batch = single()
    assert "aml_excess" not in dict(game.step(batch, 1.0))
    assert "targets" not in vars(batch)  # no one-hot matrix was made


def test_the_targets_of_pairs_are_the_overlaps_of_their_labels():
    z = torch.randn(12, 8)
    for kind in ("jaccard", "dice", "cosine", "bhattacharyya", "agreement"):
        t = overlap(SETS, kind)
        pairs = AML(AMLConfig(overlap=kind), SEVERAL).mine(z, several())
        torch.testing.assert_close(pairs.target[pairs.valid], t[pairs.i, pairs.j][pairs.valid])
    assert {0.5} < {t for _, _, t, _ in mined(AML(AMLConfig(), SEVERAL).mine(z, several()))} <= {0.0, 0.5, 1.0}


def test_pairs_that_share_neutral_alone_are_apart_unless_neutral_is_a_label():
    z, apart = torch.randn(12, 8), background_pairs(SETS, torch.tensor([False, False, False, True]))
    options = {"k_pos": 11, "k_neg": 11}
    kept = mined(AML(AMLConfig(**options), SEVERAL).mine(z, several()))
    assert not any(apart[i, j] for i, j, *_ in kept)
    assert any(positive for *_, positive in kept)
    all_pairs = mined(AML(AMLConfig(**options, neutral="label"), SEVERAL).mine(z, several()))
    shared = {(i, j) for i, j, _, positive in all_pairs if positive and apart[i, j]}
    assert {(3, 4), (5, 11)} <= shared


def test_pairs_of_two_texts_without_labels_are_apart_without_a_background_too():
    no_background = replace(SEVERAL, background=())
    pairs = mined(AML(AMLConfig(k_pos=11, k_neg=11), no_background).mine(torch.randn(12, 8), several()))
    assert not {(5, 11), (11, 5)} & {(i, j) for i, j, *_ in pairs}
    assert (3, 4) in {(i, j) for i, j, *_ in pairs}


def test_the_background_of_single_labels_is_apart_too():
    task = replace(TASK, background=("neutral",))
    pairs = mined(AML(AMLConfig(k_pos=11, k_neg=11), task).mine(torch.randn(12, 8), single()))
    assert not any(LABELS[i] == LABELS[j] == 3 for i, j, *_ in pairs)
    assert any(LABELS[i] == 3 for i, *_ in pairs)


def test_the_slope_is_that_of_the_batch_or_asks_for_cosines_from_minus_one_to_one():
    z, t = torch.randn(12, 8), overlap(SETS)
    for slope, line in (("batch", {}), ("linear", {"alpha": -1.0, "beta": 2.0})):
        ours = AML(AMLConfig(slope=slope, neutral="label"), SEVERAL).mine(z, several())
        assert mined(ours) == mined(mine_hard_pairs(z, t, k_pos=10, k_neg=10, **line))
    assert len({tuple(mined(AML(AMLConfig(slope=s), SEVERAL).mine(z, several()))) for s in ("batch", "linear")}) == 2


@pytest.mark.parametrize("w_pos", [0.5, 0.2])
def test_the_excess_is_logged_beside_the_loss(w_pos):
    game = playing(w_pos=w_pos)
    z = game.model.project(game.model.encode(several())).detach()
    pairs = game.objective.mine(z, several())
    logs = game.objective.encoder_update(z, game.model.classify(z), several(), pairs).logs
    excess = aml_excess(
        game.objective.judge(z, pairs), pairs.target, positive=pairs.positive, w_pos=w_pos, valid=pairs.valid
    )
    torch.testing.assert_close(logs["aml_excess"], excess)
    assert 0 < logs["aml_excess"] < logs["aml"]
    assert not logs["aml_excess"].requires_grad


def test_the_loss_is_the_likelihood_of_the_label_set_and_the_pair_loss():
    game = playing(weight=0.3)
    z = game.model.project(game.model.encode(several()))
    pairs, logits = game.objective.mine(z, several()), game.model.classify(z)
    update = game.objective.encoder_update(z, logits, several(), pairs)
    p = logits.sigmoid()
    likelihood = (SETS * p.log() + (1 - SETS) * (1 - p).log()).sum(1).mean()
    torch.testing.assert_close(update.logs["cross_entropy"], -likelihood)
    torch.testing.assert_close(update.loss, update.logs["cross_entropy"] + 0.3 * update.logs["aml"])


def test_the_adversary_that_confuses_flips_graded_targets():
    """The adversary's loss is the pair loss on flipped targets."""
    game = playing(adversary="confuse", regularization=0.0)
    z = torch.randn(12, 8)
    pairs = game.objective.mine(z, several())
    flipped = pairs._replace(target=1 - pairs.target)
    logits = game.objective.judge(z, pairs)
    expected = game.objective.pair_loss(logits, flipped)
    torch.testing.assert_close(game.objective.discriminator_update(z, pairs).loss, expected)


@CHOICES
@pytest.mark.parametrize(
    "targets",
    [SETS, torch.zeros(12, 4), torch.ones(12, 4), SETS * 0.3],
    ids=["sets", "nothing", "everything", "shares"],
)
def test_a_step_on_any_sets_and_shares_is_finite(options, targets):
    logs = playing(**options).step(several(targets), 1.0, audit=True)
    assert all(torch.isfinite(value) for _, value in logs)


class TinyLabelModel(TinyModel):
    """A label head over fixed states."""

    def __init__(self):
        super().__init__(4)
        self.head = nn.Module()
        self.head.labels, self.head.label_states = nn.Parameter(torch.randn(4, 8)), None

    def encode(self, batch):
        self.head.label_states = self.head.labels * 1.0
        return self.inputs

    def classify(self, z):
        return z @ self.layer(self.head.label_states).T


def test_the_released_code_trains_on_shares_of_one_label_as_on_labels():
    found = []
    for task, batch in ((TASK, single()), (replace(TASK, soft=True), several(ONE_HOT))):
        torch.manual_seed(1)
        config = AMLReleasedConfig(k_pos=4, k_neg=5, strategy="batch-topk")
        objective, model = AMLReleased(config, task), TinyLabelModel()
        players = assign_parameters(objective, model, RunSettings(dataset="toy", lr=1e-2), "aml-released")
        game = Stepper(objective, model, players, Precision(torch.device("cpu")), "aml-released")
        found.append(dict(game.step(batch, 1.0)))
    labels, shares = found
    for name, value in labels.items():
        torch.testing.assert_close(shares[name], value, rtol=1e-5, atol=1e-6, msg=name)


def test_a_split_has_the_targets_of_its_texts_taken_together():
    for task, kind in ((SEVERAL, "jaccard"), (SEVERAL, "agreement"), (replace(TASK, soft=True), "dice")):
        pair_targets = PairTargets(OverlapConfig(overlap=kind), task)
        q = SETS if task is SEVERAL else torch.rand(12, 4).softmax(1)
        (of_split, left_out), (of_batch, expected) = pair_targets.of_split(q), pair_targets.of_batch(several(q))
        torch.testing.assert_close(of_split, of_batch)
        assert (left_out is None) == (expected is None)
        assert left_out is None or left_out.equal(expected)
    labels, left_out = PairTargets(OverlapConfig(), TASK).of_split(ONE_HOT)
    assert labels.equal(LABELS)
    assert left_out is None


@pytest.mark.parametrize("name", ["aml", "aml-threshold", "aml-mlp-confuse", "aml-released"])
def test_all_forms_take_sets_and_shares(name):
    kind = plan(name, {"dataset": "demo-multi"}).objective
    assert (kind.labellings, kind.soft) == (("single", "multi"), True)


def test_goemotions_with_several_labels_has_the_papers_numbers_of_pairs():
    options = plan("aml", {"dataset": "ge-multi"}).options
    assert (options.k_pos, options.k_neg) == (20, 20)


@pytest.mark.parametrize(
    "options", [{"cooccurrence_weight": 0.1}, {"cooccurrence_from": "ge-multi"}, {"cooccurrence_rows": "several"}]
)
def test_options_of_cooccurrence_need_it(options):
    (name,) = options
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(UsageError, match=rf"{flag}.*it is dice; add"):
        plan("aml", {"dataset": "demo-multi", "overlap": "dice", **options})
