"""Objectives that tests vary: one as a class, one as source code."""

from torch.nn.functional import cross_entropy

from fecbench import Objective, Update

OBJECTIVE = """
import sys, torch
from torch import nn
from torch.nn.functional import cross_entropy
from fecbench import BatchNeeds, Config, Objective, Player, Update

class Thing(Objective):
    def loss(self, batch, model):
        return cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels)
    def updates(self, batch, model):
        yield Update(self.loss(batch, model))
{body}
"""


class Plain(Objective):
    """Cross-entropy, for variations."""

    def updates(self, batch, model):
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))
