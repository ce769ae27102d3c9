"""The contrastive methods' updates on sets and shares of labels: they reduce to those of labels, and stay finite."""

import math

import pytest
import torch
from torch.nn.functional import one_hot

from fecbench import Batch, FecbenchError, HeadTask, LabelSetBatch, Task, Tokens
from fecbench.core.errors import UsageError
from fecbench.model.model import build_model
from fecbench_lcl import LCL, LCLConfig
from fecbench_rdrop import RDrop, RDropConfig
from fecbench_sacl import SACL, SACLConfig
from fecbench_supcon import SupCon, SupConConfig
from fecbench_taco import TACO, TACOConfig

METHODS = {
    "supcon": (SupCon, SupConConfig, "linear"),
    "sacl": (SACL, SACLConfig, "linear"),
    "taco": (TACO, TACOConfig, "label"),
    "lcl": (LCL, LCLConfig, "lcl"),
    "r-drop": (RDrop, RDropConfig, "label"),
}
CONTRASTIVE = [name for name in METHODS if name != "r-drop"]
LABELS = ("joy", "love", "anger", "neutral")
TEXTS = ["my dog died", "what a lovely day it was", "he broke it", "rain", "we laughed and sang", "stop it", "so", "no"]
ONE_EACH = torch.tensor([0, 1, 2, 0, 1, 2, 0, 3])
# joy and love; joy; neutral; neutral; anger and neutral; nothing; nothing; joy, love and anger
SETS = torch.tensor(
    [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]]
).float()


@pytest.fixture
def updates(source, tokenizer):
    """Return the losses of a method's updates on a batch, its logs and the model's last gradients.

    ``updates("supcon", truth, labelling="multi")``; ``truth`` are labels ``[B]`` or targets ``[B, C]``.
    """

    def make(name, truth, labelling="single", soft=False, background=(), prior=None, **options):
        kind, config, head = METHODS[name]
        heads = HeadTask(LABELS, LABELS, labelling=labelling)
        model = build_model(source("bert", 0.1), head, heads).train()

        def new_model(head):
            return build_model(source("bert", 0.1), head, heads)

        facts = {"labelling": labelling, "soft": soft, "background": background, "prior": prior, "new_model": new_model}
        objective = kind(config(**options), Task("toy", LABELS, LABELS, 16, model.head.features, 0, **facts)).train()
        tokens, rows = Tokens.pack(tokenizer(TEXTS[: len(truth)])["input_ids"]), torch.arange(len(truth))
        if truth.dim() == 1:
            batch = Batch(tokens, truth, rows, classes=4, second_view="dropout")
        else:
            batch = LabelSetBatch(tokens, rows=rows, targets=truth, second_view="dropout")
        torch.manual_seed(1)
        losses, logs = [], {}
        for update in objective.updates(batch, model):
            update.loss.backward()
            losses.append(update.loss.item())
            logs |= {key: float(value) for key, value in update.logs.items()}
        return losses, logs, {key: p.grad for key, p in model.named_parameters() if p.grad is not None}

    return make


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in METHODS),
        *((name, {"overlap": "agreement"}) for name in CONTRASTIVE),
        ("supcon", {"contrast_mode": "one", "divide_by": "count"}),
        ("supcon", {"contrastive_weight": 0.0}),
        ("sacl", {"scl": "supcon", "focal_gamma": 1.5}),
        ("taco", {"label_weights": "clamped"}),
        ("lcl", {"detach_weights": True, "empty_anchor": "skip"}),
    ],
    ids=str,
)
def test_one_hot_shares_are_labels(updates, name, options):
    losses, logs, gradients = updates(name, ONE_EACH, **options)
    graded = updates(name, one_hot(ONE_EACH, 4).float(), soft=True, **options)
    assert graded[0] == pytest.approx(losses, rel=1e-5)
    assert graded[1] == pytest.approx(logs, rel=1e-5, abs=1e-6)
    assert graded[2].keys() == gradients.keys()
    for key, value in gradients.items():
        torch.testing.assert_close(graded[2][key], value, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    "truth",
    [SETS, SETS[:1], SETS[5:7], SETS[2:4], SETS * 0.5, torch.ones(8, 4)],
    ids=["sets", "one text", "no labels", "neutral", "shares", "all labels"],
)
@pytest.mark.parametrize("background", [(), ("neutral",)])
@pytest.mark.parametrize("name", METHODS)
def test_sets_and_shares_have_finite_losses_and_gradients(updates, name, background, truth):
    losses, logs, gradients = updates(name, truth, labelling="multi", soft=True, background=background)
    values = torch.tensor([*losses, *logs.values()])
    assert values.isfinite().all()
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.parametrize("name", ["sacl", "taco"])  # the others have a second view of each text
@pytest.mark.parametrize("truth", [SETS[2:4], SETS[5:7]], ids=["neutral", "no labels"])
def test_texts_that_share_neutral_alone_or_have_no_labels_have_no_contrast(updates, name, truth):
    _, logs, _ = updates(name, truth, labelling="multi", background=("neutral",))
    assert logs["contrastive"] == 0


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_neutral_counts_as_a_label_if_asked_for(updates, name):
    task = {"labelling": "multi", "background": ("neutral",)}
    apart, label = (updates(name, SETS, neutral=neutral, **task)[1]["contrastive"] for neutral in ("apart", "label"))
    assert apart != label


@pytest.mark.parametrize(
    ("name", "given", "other"),
    [
        *((name, {}, {"overlap": kind}) for name in CONTRASTIVE for kind in ("dice", "cosine", "any", "exact")),
        ("supcon", {}, {"divide_by": "count"}),
        ("sacl", {}, {"focal_gamma": 1.0}),
        ("sacl", {}, {"scl": "supcon"}),
        ("sacl", {"scl": "supcon"}, {"overlap": "dice"}),
    ],
    ids=str,
)
def test_another_value_makes_other_updates_on_sets(updates, name, given, other):
    found, changed = (updates(name, SETS, labelling="multi", **options)[0] for options in (given, {**given, **other}))
    assert found != changed


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_cooccurrence_is_refused_where_texts_have_one_label(updates, name):
    with pytest.raises(UsageError, match="--overlap cooccurrence needs texts with several labels"):
        updates(name, ONE_EACH, overlap="cooccurrence")


@pytest.mark.parametrize("task", [{"labelling": "multi"}, {"soft": True}])
def test_class_weights_of_sacl_need_one_label_a_text(updates, task):
    with pytest.raises(FecbenchError, match=r"--weigh-classes needs one label a text, .* but toy gives several labels"):
        updates("sacl", SETS, weigh_classes=True, **task)


def test_the_head_of_lcl_starts_at_base_rates_where_labels_go_together(source):
    prior = torch.tensor([0.5, 0.2, 0.1, 0.3])
    heads = [
        build_model(source(), "lcl", HeadTask(LABELS, LABELS, labelling=labelling, prior=prior)).head
        for labelling in ("single", "multi")
    ]
    torch.testing.assert_close(heads[1].classifier[-1].bias.sigmoid(), prior)
    assert not torch.allclose(heads[0].classifier[-1].bias.sigmoid(), prior, atol=0.01)


def test_the_weighting_network_starts_at_base_rates_where_labels_go_together(updates):
    rare = torch.tensor([0.02, 0.02, 0.02, 0.02])
    _, logs, _ = updates("lcl", torch.zeros(8, 4), labelling="multi", prior=rare)
    assert logs["weighting_cross_entropy"] == pytest.approx(-4 * math.log(0.98), abs=0.05)
