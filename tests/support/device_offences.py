"""Objectives that each break one rule of a CUDA device, in the text of a module that is installed for the tests."""

from pathlib import Path

from fecbench.testing.device_check.measure import Case

CODE = """
import torch
from torch.nn.functional import cross_entropy

from fecbench import Objective, Update


class Base(Objective):
    def updates(self, batch, model):
        z = model.project(model.encode(batch))
        yield Update(self.loss(cross_entropy(model.classify(z).float(), batch.labels), z, batch))

    def loss(self, loss, z, batch):
        return loss


class Item(Base):
    def loss(self, loss, z, batch):
        return loss if loss.item() < 1e9 else loss * 0


class Condition(Base):
    def loss(self, loss, z, batch):
        return loss if (batch.labels == 0).any() else loss * 2


class List(Base):
    def loss(self, loss, z, batch):
        return loss * len(set(batch.labels.tolist()))


class NumPy(Base):
    def loss(self, loss, z, batch):
        return loss + float(z.detach().float().cpu().numpy().sum()) * 0


class Mask(Base):
    def loss(self, loss, z, batch):
        return loss + z[batch.labels == 1].sum() * 0


class Nonzero(Base):
    def loss(self, loss, z, batch):
        return loss + z[(batch.labels == 1).nonzero()].sum() * 0


class Unique(Base):
    def loss(self, loss, z, batch):
        return loss * len(batch.labels.unique())


class Copied(Base):
    def loss(self, loss, z, batch):
        return loss * torch.tensor(2.0, device=z.device)


class HostIndex(Base):
    def loss(self, loss, z, batch):
        return loss + z[torch.arange(2)].sum() * 0


class Declared(Item):
    host_waits = {"looks at its loss": 1}


class HostTensor(Base):
    def loss(self, loss, z, batch):
        return loss + (z.sum(1) * torch.arange(len(batch))).sum() * 0


class HostGenerator(Base):
    def loss(self, loss, z, batch):
        noise = torch.empty_like(z).uniform_(generator=batch.generator("noise"))
        return loss + (z * noise).sum() * 0


class Stage(Base):
    def after_training(self, stage):
        for batch in stage.batches(stage.texts["validation"][:4]):
            stage.model.encode(batch) + torch.zeros(1, 1).expand(4, 16)


class Pinned(Base):
    def loss(self, loss, z, batch):
        return loss + batch.labels.pin_memory().sum() * 0


class Predicting(Base):
    def predict(self, batch, model):
        logits = super().predict(batch, model)
        return logits + 0 * (float(logits.max()) + float(logits.min()) + float(logits.sum()))


class Wasteful(Base):
    def loss(self, loss, z, batch):
        for row in z:
            loss = loss + row.square().sum() * 0
        return loss
"""
NAMES = [line.split()[1].partition("(")[0] for line in CODE.splitlines() if line.startswith("class ")]


def case(name: str) -> Case:
    """A small run of an offence."""
    flags = {"dataset": "demo", "encoder": "tiny-bert", "device": "cpu", "limit": 64, "batch_size": 32}
    return Case(f"offence-{name}", flags)


def install(folder: Path) -> None:
    """Write the module and the metadata of its distribution to ``folder``."""
    info = folder / "offences-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "device_offences_module.py").write_text(CODE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: offences\nVersion: 1.0\n", encoding="utf-8")
    points = [f"offence-{name} = device_offences_module:{name}\n" for name in NAMES]
    (info / "entry_points.txt").write_text(f"[fecbench_objectives]\n{''.join(points)}", encoding="utf-8")
