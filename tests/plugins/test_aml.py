"""AML: mining, discriminator, loss and objective against slow loops written from the equations."""

import itertools
import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fecbench import Task
from fecbench.batching import Batch
from fecbench.packing import Tokens
from fecbench.players import claim
from fecbench.settings import RunSettings
from fecbench.stepper import Precision, Stepper
from fecbench_aml import AML, AMLConfig, PairDiscriminator, aml_loss, mine_hard_pairs

# Mining


def slow_pairs(z, labels, k_pos, k_neg):
    """The paper's H+ and H- for each anchor, lower index first among equals."""
    z = z.double()
    pairs = []
    for i in range(len(z)):

        def similarity(j, i=i):
            return round(float(z[i] @ z[j] / max(float(z[i].norm() * z[j].norm()), 1e-12)), 5)

        same = [j for j in range(len(z)) if j != i and labels[j] == labels[i]]
        other = [j for j in range(len(z)) if labels[j] != labels[i]]
        pairs += [(i, j, 1.0) for j in sorted(same, key=lambda j: (similarity(j), j))[:k_pos]]
        pairs += [(i, j, 0.0) for j in sorted(other, key=lambda j: (-similarity(j), j))[:k_neg]]
    return sorted(pairs)


def valid_pairs(pairs):
    return sorted((i, j, t) for i, j, t, v in zip(*(part.tolist() for part in pairs), strict=True) if v)


def separate(rows, width, seed=0):
    """Random features whose cosines differ by more than rounding."""
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


LABELS = {
    "random": [0, 1, 2, 0, 1, 2, 0, 0, 1, 1],
    "one class": [3] * 7,
    "all distinct": list(range(7)),
    "one": [0],
    "two alike": [1, 1],
    "two unlike": [1, 2],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize(("k_pos", "k_neg"), [(1, 1), (2, 3), (0, 2), (20, 20)])
def test_mining_is_the_papers(labels, k_pos, k_neg):
    z = separate(len(labels), 8)
    pairs = mine_hard_pairs(z, torch.tensor(labels), k_pos=k_pos, k_neg=k_neg)
    assert valid_pairs(pairs) == slow_pairs(z, labels, k_pos, k_neg)
    assert len(pairs.i) == len(pairs.j) == len(pairs.target) == len(pairs.valid) == len(labels) * (k_pos + k_neg)
    assert (pairs.i.dtype, pairs.j.dtype, pairs.valid.dtype) == (torch.int64, torch.int64, torch.bool)
    assert int(pairs.j.amax()) < len(labels)


def test_of_equal_similarities_the_lower_index_comes_first():
    z = torch.tensor([[1.0, 0.0]] * 6)
    pairs = mine_hard_pairs(z, torch.tensor([0, 0, 0, 1, 1, 1]), k_pos=1, k_neg=2)
    assert valid_pairs(pairs) == slow_pairs(z, [0, 0, 0, 1, 1, 1], 1, 2)
    assert (5, 3, 1.0) in valid_pairs(pairs)
    assert (0, 3, 0.0) in valid_pairs(pairs)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 5), st.integers(0, 5), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_mining_on_random_batches(rows, classes, k_pos, k_neg, seed):
    generator = torch.Generator().manual_seed(seed)
    z, labels = torch.randn(rows, 16, generator=generator), torch.randint(0, classes, (rows,), generator=generator)
    assert valid_pairs(mine_hard_pairs(z, labels, k_pos=k_pos, k_neg=k_neg)) == slow_pairs(z, labels.tolist(), k_pos, k_neg)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_mining_in_any_float_type_and_without_gradient(dtype):
    z = separate(10, 8).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pairs = mine_hard_pairs(z, torch.tensor(LABELS["random"]), k_pos=2, k_neg=2)
    assert valid_pairs(pairs) == slow_pairs(z.detach(), LABELS["random"], 2, 2)
    assert not pairs.target.requires_grad


def test_a_zero_feature_is_no_trouble():
    z = torch.cat([torch.zeros(1, 4), separate(3, 4)])
    pairs = mine_hard_pairs(z, torch.tensor([0, 0, 1, 1]), k_pos=1, k_neg=1)
    assert torch.isfinite(pairs.target).all()


@pytest.mark.parametrize("arguments", [{"k_pos": -1, "k_neg": 1}, {"k_pos": 1, "k_neg": 1, "strategy": "hardest"}])
def test_mining_refuses_what_it_does_not_know(arguments):
    with pytest.raises(ValueError, match="must be"):
        mine_hard_pairs(torch.ones(2, 2), torch.tensor([0, 1]), **arguments)


# Discriminator


def slow_score(d: PairDiscriminator, a, b):
    """The mean score of both orders, by the paper's features [a; b; |a - b|; a * b]."""

    def score(a, b):
        x = torch.cat([a, b, (a - b).abs(), a * b])
        return torch.sigmoid(d.last(torch.relu(d.second(torch.relu(d.first(x))))))

    return (score(a, b) + score(b, a)) / 2 if d.symmetric else score(a, b)


@pytest.mark.parametrize("symmetric", [True, False])
def test_discriminator_is_the_papers_on_every_pair(symmetric):
    torch.manual_seed(0)
    d = PairDiscriminator(6, hidden=8, symmetric=symmetric).double()
    z = torch.randn(5, 6, dtype=torch.float64)
    i, j = (torch.tensor(part) for part in zip(*itertools.product(range(5), repeat=2), strict=True))
    found = d.between(z, i, j)
    expected = torch.stack([slow_score(d, z[a], z[b]) for a, b in zip(i, j, strict=True)]).squeeze()
    torch.testing.assert_close(torch.sigmoid(found), expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(d(z[i], z[j]), found)
    assert torch.allclose(d(z[j], z[i]), found) == symmetric


def test_discriminator_gradients_are_those_of_the_slow_form():
    torch.manual_seed(0)
    d = PairDiscriminator(4, hidden=6).double()
    z = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    i, j = torch.tensor([0, 0, 1, 3]), torch.tensor([1, 0, 2, 1])
    fast = torch.autograd.grad(torch.sigmoid(d.between(z, i, j)).sum(), [z, *d.parameters()])
    slow = torch.autograd.grad(sum(slow_score(d, z[a], z[b]).sum() for a, b in zip(i, j, strict=True)), [z, *d.parameters()])
    for found, expected in zip(fast, slow, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("u", "v"), [(300.0, 300.0), (-300.0, -300.0), (300.0, -300.0), (40.0, 41.0), (0.0, 0.0), (1.0, -2.0)])
def test_the_logit_of_the_mean_score_does_not_cancel(u, v):
    from fecbench_aml.discriminator import mean_score_logit

    found = mean_score_logit(torch.tensor(u), torch.tensor(v))
    log_half = math.log(0.5)
    exact = {
        (300.0, 300.0): 300.0,
        (-300.0, -300.0): -300.0,
        (300.0, -300.0): 0.0,
        (40.0, 41.0): -log_half + 41 - math.log1p(math.e) + 0.0,
        (0.0, 0.0): 0.0,
    }.get((u, v))
    if exact is None:
        mean = (1 / (1 + math.exp(-u)) + 1 / (1 + math.exp(-v))) / 2
        exact = math.log(mean / (1 - mean))
    assert found.item() == pytest.approx(exact, abs=1e-4)
    assert mean_score_logit(torch.tensor(u).bfloat16(), torch.tensor(v).bfloat16()).dtype == torch.float32


def test_no_tensor_of_four_widths_a_pair_exists():
    """Of everything autograd keeps for the backward pass, nothing is [P, 4d]."""
    d, z = PairDiscriminator(32, hidden=16), torch.randn(10, 32, requires_grad=True)
    i, j = torch.randint(0, 10, (2, 500))
    sizes = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
        d.between(z, i, j)
    assert max(sizes) <= 500 * 32


# Loss


def slow_loss(logits, target, w_pos, valid):
    positives = [-math.log(1 / (1 + math.exp(-a))) for a, t, v in zip(logits, target, valid, strict=True) if v and t]
    negatives = [-math.log(1 - 1 / (1 + math.exp(-a))) for a, t, v in zip(logits, target, valid, strict=True) if v and not t]
    means = [(w, sum(kind) / len(kind)) for w, kind in ((w_pos, positives), (1 - w_pos, negatives)) if kind]
    return sum(w * mean for w, mean in means) / sum(w for w, _ in means) if means else 0.0


@given(st.lists(st.tuples(st.floats(-15, 15), st.booleans(), st.booleans()), min_size=1, max_size=12), st.floats(0.05, 0.95))
@settings(deadline=None)
def test_loss_against_a_slow_loop(rows, w_pos):
    logits, target, valid = zip(*rows, strict=True)
    a = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss = aml_loss(a, torch.tensor(target, dtype=torch.float64), w_pos=w_pos, valid=torch.tensor(valid))
    assert loss.item() == pytest.approx(slow_loss(logits, target, w_pos, valid), abs=1e-9)
    (gradient,) = torch.autograd.grad(loss, a)
    assert torch.isfinite(gradient).all()
    assert (gradient[~torch.tensor(valid)] == 0).all()


@pytest.mark.parametrize("value", [300.0, -300.0, math.inf])
def test_loss_is_stable_for_any_logit_and_ignores_empty_slots(value):
    logits = torch.tensor([value, -value, 1.0], requires_grad=True)
    target = torch.tensor([1.0, 0.0, 1.0])
    loss = aml_loss(logits, target, valid=torch.tensor([abs(value) <= 300, abs(value) <= 300, True]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_a_kind_without_pairs_drops_out_and_none_gives_zero_on_the_graph():
    logits = torch.tensor([0.5, 2.0], requires_grad=True)
    only_positive = aml_loss(logits, torch.ones(2), w_pos=0.1)
    assert only_positive.item() == pytest.approx((math.log1p(math.exp(-0.5)) + math.log1p(math.exp(-2.0))) / 2, abs=1e-6)
    none = aml_loss(logits, torch.ones(2), valid=torch.zeros(2, dtype=torch.bool))
    assert none.item() == 0
    (gradient,) = torch.autograd.grad(none, logits)
    assert gradient.tolist() == [0, 0]


@pytest.mark.parametrize("w_pos", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_loss_refuses_other_weights(w_pos):
    with pytest.raises(ValueError, match="w_pos must lie between 0 and 1"):
        aml_loss(torch.zeros(1), torch.ones(1), w_pos=w_pos)


def test_precision_of_the_loss():
    for dtype, expected in ((torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float64, torch.float64)):
        assert aml_loss(torch.zeros(2, dtype=dtype), torch.tensor([1.0, 0.0])).dtype == expected


# Objective

TASK = Task("toy", ("a", "b", "c"), (), 8, 8, 0)
BATCH = Batch(Tokens.pack([[1]] * 12), torch.tensor([0, 1, 2] * 4), torch.arange(12))


class TinyModel(nn.Module):
    """Features of fixed inputs, counted."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inputs = torch.randn(12, 8)
        self.layer, self.head = nn.Linear(8, 8), nn.Linear(8, 3)
        self.encoded = 0

    def encode(self, batch):
        self.encoded += 1
        return self.inputs

    def project(self, h):
        return self.layer(h)

    def classify(self, z):
        return self.head(z)


def playing(lr=1e-2, **options) -> Stepper:
    torch.manual_seed(1)
    objective, model = AML(AMLConfig(k_pos=3, k_neg=3, hidden=16, **options), TASK), TinyModel()
    settings = RunSettings(dataset="toy", lr=lr)
    return Stepper(objective, model, claim(objective, model, settings, "aml"), Precision(torch.device("cpu")), "aml")


def parameters(game: Stepper, player: str):
    return {name: p.detach().clone() for name, p in game.players[player].parameters.items()}


@pytest.mark.parametrize("adversary", ["maximize", "confuse", "cooperate"])
def test_each_update_moves_its_own_player_and_sees_the_step_before(adversary):
    game = playing(adversary=adversary)
    generator = game.objective.updates(BATCH, game.model)
    states = [[parameters(game, player) for player in ("discriminator", "model")]]
    for number, update in enumerate(generator, 1):
        player = game._checked(update, number)
        game._backward(update.loss, player, number)
        game._move(player)
        states.append([parameters(game, player) for player in ("discriminator", "model")])

    def equal(a, b):
        return all(torch.equal(a[name], b[name]) for name in a)

    (start, after_d, after_e) = states
    assert equal(start[1], after_d[1])  # the discriminator's update leaves encoder and head bit-equal
    assert not equal(start[0], after_d[0])
    assert equal(after_d[0], after_e[0])  # the encoder's update leaves the discriminator bit-equal
    assert not equal(after_d[1], after_e[1])
    assert all(p.grad is None for module in (game.model, game.objective) for p in module.parameters())


@pytest.mark.parametrize(("t_d", "t_e"), [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_steps_of_each_player_and_encoder_passes(t_d, t_e):
    game = playing(discriminator_steps=t_d, encoder_steps=t_e)
    names = [name for name, _ in game.step(BATCH, 1.0, audit=True)]
    assert names.count("discriminator_loss") == t_d
    assert names.count("model_loss") == t_e
    assert game.model.encoded == t_e  # one pass when T_E is 1


def pair_loss(game: Stepper) -> float:
    with torch.no_grad():
        z = game.model.project(game.model.encode(BATCH))
        pairs = mine_hard_pairs(z, BATCH.labels, k_pos=3, k_neg=3)
        return aml_loss(game.objective.judge(z, pairs), pairs.target, valid=pairs.valid).item()


@pytest.mark.parametrize(("adversary", "sign"), [("maximize", 1), ("confuse", 1), ("cooperate", -1)])
def test_what_the_adversary_does_to_the_pair_loss(adversary, sign):
    """``maximize`` and ``confuse`` raise L_aml on a fixed batch, ``cooperate`` lowers it."""
    game = playing(adversary=adversary, discriminator_steps=20, regularization=0.0, discriminator_lr=1e-2)
    before = pair_loss(game)
    for update in itertools.islice(game.objective.updates(BATCH, game.model), 20):
        player = game._checked(update, 1)
        game._backward(update.loss, player, 1)
        game._move(player)
    assert sign * (pair_loss(game) - before) > 0.01


def test_the_adversarys_loss_by_hand():
    for adversary in ("maximize", "confuse", "cooperate"):
        game = playing(adversary=adversary, weight=0.7, regularization=2.0, w_pos=0.8)
        z = game.model.project(game.model.encode(BATCH)).detach()
        pairs = mine_hard_pairs(z, BATCH.labels, k_pos=3, k_neg=3)
        logits = game.objective.judge(z, pairs)
        penalty = 2.0 * 5e-4 * sum(p.square().sum() for p in game.objective.discriminator.parameters())
        loss = aml_loss(logits, pairs.target, w_pos=0.8, valid=pairs.valid)
        expected = {
            "maximize": -0.7 * loss,
            "confuse": aml_loss(-logits, pairs.target, w_pos=0.8, valid=pairs.valid),
            "cooperate": loss,
        }[adversary] + penalty
        torch.testing.assert_close(game.objective.discriminator_update(z, pairs).loss, expected)


def test_the_encoders_loss_by_hand():
    game = playing(weight=0.3, w_pos=0.8)
    z = game.model.project(game.model.encode(BATCH))
    pairs = mine_hard_pairs(z, BATCH.labels, k_pos=3, k_neg=3)
    logits = game.model.classify(z)
    update = game.objective.encoder_update(z, logits, BATCH.labels, pairs)
    unit = torch.nn.functional.normalize(z)
    pair = aml_loss(game.objective.discriminator.between(unit, pairs.i, pairs.j), pairs.target, w_pos=0.8, valid=pairs.valid)
    expected = torch.nn.functional.cross_entropy(logits, BATCH.labels) + 0.3 * pair
    torch.testing.assert_close(update.loss, expected)
    ours, theirs = (torch.autograd.grad(loss, game.model.layer.weight, retain_graph=True)[0] for loss in (update.loss, expected))
    torch.testing.assert_close(ours, theirs)  # the pair loss reaches the encoder
    assert not torch.allclose(ours, torch.autograd.grad(expected - 0.3 * pair, game.model.layer.weight)[0])


def test_what_is_logged():
    logs = dict(playing().step(BATCH, 1.0))
    assert set(logs) == {
        "discriminator_loss",
        "discriminator_loss_after",
        "aml_before",
        "model_loss",
        "cross_entropy",
        "aml",
        "positive_score",
        "positive_pairs",
        "negative_score",
        "negative_pairs",
    }
    assert logs["positive_pairs"].item() == logs["negative_pairs"].item() == 36
    assert logs["aml"] < logs["aml_before"]  # the discriminator cooperated in between
    assert logs["discriminator_loss_after"] < logs["discriminator_loss"]


def test_scores_and_counts_by_hand():
    game = playing()
    game.objective.config = AMLConfig(k_pos=2, k_neg=3, hidden=16)
    z = game.model.project(game.model.encode(BATCH)).detach()
    pairs = game.objective.mine(z, BATCH)
    scores = torch.sigmoid(game.objective.judge(z, pairs))
    found = game.objective.encoder_update(z, game.model.classify(z), BATCH.labels, pairs).logs
    assert (found["positive_pairs"].item(), found["negative_pairs"].item()) == (24, 36)  # k_pos and k_neg aren't mistaken for one another
    torch.testing.assert_close(found["positive_score"], scores[pairs.valid & (pairs.target == 1)].mean())
    torch.testing.assert_close(found["negative_score"], scores[pairs.valid & (pairs.target == 0)].mean())


@pytest.mark.parametrize("option", [{"normalize": False}, {"symmetric": False}])
def test_normalize_and_symmetric_change_what_is_judged(option):
    z = torch.randn(12, 8, generator=torch.Generator().manual_seed(2)) * 3
    one, other = playing(), playing(**option)
    pairs = one.objective.mine(z, BATCH)
    assert not torch.allclose(one.objective.judge(z, pairs), other.objective.judge(z, pairs))
    if "normalize" in option:
        torch.testing.assert_close(other.objective.judge(z, pairs), other.objective.discriminator.between(z, pairs.i, pairs.j))


def test_later_encoder_steps_keep_the_mined_pairs(monkeypatch):
    game = playing(encoder_steps=3)
    mined, original = [], AML.mine
    monkeypatch.setattr(AML, "mine", lambda self, z, batch: mined.append(original(self, z, batch)) or mined[-1])
    game.step(BATCH, 1.0)
    assert len(mined) == 1


def test_presets_of_the_paper():
    from fecbench.planning import plan

    for name, k in (("ge", 20), ("ge-prepared", 20), ("ed", 10), ("ed-prepared", 10)):
        options = plan("aml", {"dataset": name}).options
        assert (options.k_pos, options.k_neg) == (k, k)


@pytest.mark.parametrize("labels", [[0] * 12, list(range(12)), [0]])
def test_a_batch_of_one_class_of_all_distinct_and_of_one(labels):
    game = playing()
    game.model.head = nn.Linear(8, 12)
    game.model.inputs = game.model.inputs[: len(labels)]
    batch = SimpleNamespace(labels=torch.tensor(labels))
    for name, value in game.step(batch, 1.0):
        assert math.isfinite(value), name


def test_the_discriminators_rate_and_decay():
    assert playing(lr=2e-5).players["discriminator"].lr == pytest.approx(2e-6)
    assert playing(discriminator_lr=0.5).players["discriminator"].lr == 0.5
    assert playing().players["discriminator"].optimizer.param_groups[0]["weight_decay"] == 0


def test_an_iteration_asks_the_device_for_nothing(monkeypatch):
    game = playing()
    game.step(BATCH, 1.0)

    def forbidden(*_, **__):
        raise AssertionError("host synchronisation")

    for name in ("item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, forbidden)
    game.step(BATCH, 1.0)
