"""An objective says the data that it is for; tasks and heads know of labels that go together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from fecbench import Batch, DatasetInfo, Objective, Task, Tokens
from fecbench.core.errors import PluginError, UsageError
from fecbench.data.batch import LabelSetBatch
from fecbench.data.datasets.rows import label_shares, split_from_columns
from fecbench.model.heads import HeadTask, LabelHead, LinearHead, start_at
from fecbench.objective.check import check_objective
from fecbench.runs.plan import plan

TOKENS = Tokens.pack([[1], [2]])
LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]])
PRIOR = torch.tensor([0.5, 0.2, 0.1])
TASK = Task("toy", ("a", "b", "c"), ("a", "b", "c"), 4, 4, 0)


def single():
    return Batch(TOKENS, torch.tensor([0, 2]), torch.arange(2), classes=3)


def several():
    return LabelSetBatch(TOKENS, rows=torch.arange(2), targets=torch.tensor([[1.0, 1, 0], [0, 0, 0]]))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_nll_of_one_label_a_text_is_the_cross_entropy_bit_for_bit(smoothing):
    expected = cross_entropy(LOGITS, torch.tensor([0, 2]), label_smoothing=smoothing)
    assert TASK.nll(LOGITS, single(), smoothing=smoothing).equal(expected)


def test_the_nll_of_several_labels_is_summed_over_labels():
    task = replace(TASK, labelling="multi")
    p = LOGITS.sigmoid()
    expected = -(p[0, 0].log() + p[0, 1].log() + (1 - p[0, 2]).log()), -(1 - p[1]).log().sum()
    torch.testing.assert_close(task.nll(LOGITS, several(), "none"), torch.stack(expected))
    torch.testing.assert_close(task.nll(LOGITS, several()), torch.stack(expected).mean())


def test_smoothing_of_several_labels_moves_each_to_a_half():
    task = replace(TASK, labelling="multi")
    smoothed = replace(several(), targets=several().targets * 0.9 + 0.05)
    torch.testing.assert_close(task.nll(LOGITS, several(), smoothing=0.1), task.nll(LOGITS, smoothed))


def test_shares_of_exclusive_labels_are_the_targets_of_a_softmax():
    batch = replace(several(), targets=torch.tensor([[0.7, 0.3, 0], [0, 0, 1]]))
    task = replace(TASK, soft=True)
    expected = -(batch.targets * LOGITS.log_softmax(1)).sum(1)
    torch.testing.assert_close(task.nll(LOGITS, batch, "none"), expected)


def test_a_task_decides_by_its_labelling():
    assert TASK.decide(TASK.probabilities(LOGITS)).tolist() == [0, 0]
    task = replace(TASK, labelling="multi")
    assert task.decide(task.probabilities(LOGITS), torch.tensor([0.5, 0.6, 0.6])).tolist() == [
        [True, False, False],
        [True, True, True],
    ]


def test_an_objective_is_for_one_label_a_text_unless_it_says_otherwise():
    assert Objective.labellings == ("single",)
    assert not Objective.soft


def test_an_objective_for_one_label_refuses_data_with_several_before_anything_is_loaded():
    with pytest.raises(
        UsageError, match=r"hypemo \(fecbench\) is for data with one label a text, and ge-multi gives sev"
    ):
        plan("hypemo", {"dataset": "ge-multi"})
    assert plan("ce", {"dataset": "ge-multi"}).name == "ce"


def test_the_refusal_names_objectives_that_are_for_such_data():
    with pytest.raises(UsageError, match=r"use another data set, or one of .*\bce\b"):
        plan("hypemo", {"dataset": "demo-multi"})


def test_an_objective_for_whole_labels_refuses_shares():
    info = DatasetInfo("votes", "", "", "", soft=True)
    with pytest.raises(UsageError, match="is for whole labels, and votes gives shares of labels"):
        plan("hypemo", {"dataset": "demo"}).check_labelling(info)
    plan("ce", {"dataset": "demo"}).check_labelling(info)


@pytest.mark.parametrize("named", ["multi", (), ("several",), ["single"]])
def test_labellings_must_name_the_two_kinds(named):
    class Odd(Objective):
        labellings = named

        def updates(self, batch, model):
            yield

    with pytest.raises(PluginError, match="must have labellings"):
        check_objective(Odd)


def test_a_prior_is_the_share_of_rows_and_never_0_or_1():
    rows = split_from_columns({"text": list("abcd"), "labels": [[0], [0, 1], [0], [0]]})
    assert label_shares(rows, 3).tolist() == [0.875, 0.25, 0.125]
    soft = split_from_columns({"text": list("ab"), "labels": [[0, 1], [1]], "weights": [[0.5, 0.25], [1.0]]})
    assert label_shares(soft, 2).tolist() == [0.25, 0.625]
    one = split_from_columns({"text": list("abcd"), "label": [0, 1, 0, 0]})
    np.testing.assert_array_equal(label_shares(one, 2), [0.75, 0.25])


def test_biases_start_at_the_base_rates_of_labels_that_go_together():
    head = LinearHead(4, 3)
    before = head.classifier[1].bias.detach().clone()
    start_at(head.classifier, HeadTask("abc", "abc", prior=PRIOR))
    assert head.classifier[1].bias.equal(before)
    start_at(head.classifier, HeadTask("abc", "abc", labelling="multi", prior=PRIOR))
    torch.testing.assert_close(head.classifier[1].bias.sigmoid(), PRIOR)


def test_the_label_head_has_biases_only_where_labels_go_together():
    plain, biased = (LabelHead(4, Tokens.pack([[1], [2], [3]]), 4, biased) for biased in (False, True))
    assert "bias" not in dict(plain.named_parameters())
    assert "bias" not in plain.state_dict()
    biased.bias.data.copy_(PRIOR.logit())
    torch.testing.assert_close(biased.classify(torch.zeros(2, 4)).sigmoid(), PRIOR.expand(2, 3))
