"""Objectives that tests vary."""

from torch.nn.functional import cross_entropy

from fecbench import Objective, Update


class Plain(Objective):
    """Cross-entropy, for variations."""

    def updates(self, batch, model):
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))
