"""Objectives that each break one rule of the conformance kit."""

import os
import time
from time import perf_counter

import numpy as np
import torch
from pydantic import field_validator
from torch import nn
from torch.nn.functional import cross_entropy

from fecbench import Config, Objective, Player, Update
from fecbench.data.datasets.builtin import demo
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.plan import plan
from fecbench_supcon import SupCon


class Base(Objective):
    """Cross-entropy with a critic, for offences."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.critic = nn.Linear(task.features, 1)

    def players(self):
        return {"critic": Player(self.critic.parameters())}

    def loss(self, batch, model):
        return cross_entropy(model.classify(model.project(model.encode(batch))).float(), batch.labels)

    def updates(self, batch, model):
        z = model.project(model.encode(batch))
        yield Update(self.critic(z.detach()).square().mean(), "critic")
        yield Update(self.loss(batch, model))


class Doubling(Base):
    class Config(Config):
        k: int = 2

        @field_validator("k")
        @classmethod
        def double(cls, value):
            return 2 * value


class OneClass(Base):
    def loss(self, batch, model):
        return super().loss(batch, model) / (batch.labels != batch.labels[0]).any()


class AloneOnly(Base):
    def loss(self, batch, model):
        return super().loss(batch, model) * (1 + 0 * batch.labels.sum() / (len(batch) - 1))


class Spread(Base):
    """Its loss is finite for one text, and its gradient isn't."""

    def loss(self, batch, model):
        h = model.encode(batch)
        return super().loss(batch, model) + (h - h.mean(0)).square().sum().sqrt()


class Meddling(Base):
    def updates(self, batch, model):
        yield Update(self.loss(batch, model))
        with torch.no_grad():
            self.critic.bias.add_(1)
        yield Update(self.loss(batch, model))


class Aftermeddling(Base):
    def updates(self, batch, model):
        yield from super().updates(batch, model)
        with torch.no_grad():
            self.critic.bias.add_(1)


class NeverPlayed(Base):
    def updates(self, batch, model):
        yield Update(self.loss(batch, model))


class Idle(Base):
    def __init__(self, config, task):
        super().__init__(config, task)
        self.forgotten = nn.Linear(3, 3)


class Writing(Base):
    def updates(self, batch, model):
        yield from super().updates(batch, model)
        batch.rows[0] = -1


class Undecided(Base):
    def loss(self, batch, model):
        return super().loss(batch, model) * (1 + int.from_bytes(os.urandom(2)) / 2**16)


class Forgetful(Base):
    """The class priors that it predicts with aren't saved."""

    def updates(self, batch, model):
        self.prior = torch.bincount(batch.labels, minlength=self.task.classes)
        yield from super().updates(batch, model)

    def predict(self, batch, model):
        return super().predict(batch, model) + getattr(self, "prior", 0)


class Overflowing(Base):
    def loss(self, batch, model):
        return super().loss(batch, model) / (0 if torch.is_autocast_enabled("cpu") else 1)


class Counting(Base):
    """Counts its batches, doesn't save the count, and trains differently by it."""

    seen = 0

    def loss(self, batch, model):
        self.seen += 1
        return super().loss(batch, model) + self.seen / 10 * model.encode(batch).square().mean()


class CountingSupCon(SupCon):
    """The same offence where the first epoch can stay the best."""

    seen = 0

    def contrast(self, h, labels):
        self.seen += 1
        return super().contrast(h, labels) * (1 + self.seen / 100)


class Backwards(Base):
    def loss(self, batch, model):
        return -super().loss(batch, model)


class Reading(Base):
    """Gold labels."""

    def predict(self, batch, model):
        return 9.0 * nn.functional.one_hot(batch.labels, self.task.classes)


class Numbering(Base):
    """Row numbers."""

    def predict(self, batch, model):
        return super().predict(batch, model) + batch.rows[:, None] % 2 * torch.arange(self.task.classes)


class Peeping(Base):
    """Test rows in a stage."""

    def after_training(self, stage):
        load_dataset(plan("ce", {"dataset": self.task.dataset}).settings, DataLocations())


class Opening(Base):
    """The data set's file in a stage."""

    def before_training(self, stage):
        demo.FILE.read_text(encoding="utf-8")


class Seeding(Base):
    def updates(self, batch, model):
        torch.manual_seed(0)
        yield from super().updates(batch, model)


class SeedingByTask(Base):
    """It seeds each batch with the run's seed."""

    def updates(self, batch, model):
        torch.manual_seed(self.task.seed)
        yield from super().updates(batch, model)


class SeedingNumPy(Base):
    def updates(self, batch, model):
        np.random.seed(0)
        yield from super().updates(batch, model)


class Shrinking(Base):
    """It moves a parameter of the very player that is stepped next."""

    def updates(self, batch, model):
        with torch.no_grad():
            next(model.head.parameters()).mul_(0.99)
        yield from super().updates(batch, model)


class Stealthy(Base):
    """The same where no version counter sees it."""

    def updates(self, batch, model):
        next(model.head.parameters()).data.mul_(0.99)
        yield from super().updates(batch, model)


class SelfMade(Base):
    def updates(self, batch, model):
        self.loss(batch, model).backward()
        self.zero_grad()
        model.zero_grad()
        yield from super().updates(batch, model)


class Undropped(Base):
    def loss(self, batch, model):
        model.eval()
        loss = super().loss(batch, model)
        model.train()
        return loss


class Late(Base):
    """It has a counter, and another loss after sixty batches."""

    seen = 0

    def loss(self, batch, model):
        self.seen += 1
        return super().loss(batch, model) * (2 if self.seen > 60 else 1)


class LateByList(Base):
    def __init__(self, config, task):
        super().__init__(config, task)
        self.sizes = []

    def loss(self, batch, model):
        self.sizes.append(len(batch))
        return super().loss(batch, model) * (2 if len(self.sizes) > 60 else 1)


class LateByClass(Base):
    seen = 0

    def loss(self, batch, model):
        type(self).seen += 1
        return super().loss(batch, model) * (2 if self.seen > 60_000 else 1)


class Overwriting(Base):
    def predict(self, batch, model):
        logits = super().predict(batch, model)
        batch.tokens.ids.zero_()
        return logits


class Sociable(Base):
    """It predicts a text relative to the others of its batch."""

    def predict(self, batch, model):
        logits = super().predict(batch, model)
        return logits - logits.mean(0)


class Adapting(Base):
    def __init__(self, config, task):
        super().__init__(config, task)
        self.register_buffer("asked", torch.zeros(()))

    def predict(self, batch, model):
        self.asked += 1
        return super().predict(batch, model)


class Punctual(Base):
    """It trains otherwise in the afternoon."""

    def loss(self, batch, model):
        return super().loss(batch, model) * (1 + time.localtime().tm_hour)


class Impatient(Base):
    """It trains otherwise once ten minutes are over, by a name imported of its own."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.began = perf_counter()

    def loss(self, batch, model):
        return super().loss(batch, model) * (1 + (perf_counter() - self.began > 600))
