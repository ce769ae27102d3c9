"""A toy game for the trainer protocol: the player ``model`` is a linear layer, the player ``rival`` a vector."""

import torch
from torch import nn

from fecbench import Config, Objective, Player, Task, Update
from fecbench.core.settings import RunSettings
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.training.devices import Precision
from fecbench.training.optimizers import assign_parameters
from fecbench.training.stepper import Stepper

TASK = Task("toy", ("a", "b"), ("a", "b"), 4, 4, 0)
BATCH = Batch(Tokens.pack([[1, 2], [3]]), torch.tensor([0, 1]), torch.tensor([0, 1]))


class ToyModel(nn.Module):
    """Features of two fixed inputs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inputs = torch.randn(2, 4)
        self.layer = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

    def encode(self, batch):
        return self.layer(self.inputs)


class Game(Objective):
    """``model`` and ``rival`` in turn; ``record`` keeps what the generator sees."""

    def __init__(self, rounds=(1, 1)):
        super().__init__(Config(), TASK)
        torch.manual_seed(1)
        self.rival = nn.Parameter(torch.randn(4))
        self.rounds, self.record = rounds, []

    def players(self):
        return {"rival": Player([self.rival], lr=0.1)}

    def updates(self, batch, model):
        z = model.encode(batch)
        for _ in range(self.rounds[0]):
            self.record.append(self.rival.detach().clone())
            yield Update((z.detach() * self.rival).sum().square(), "rival", {"seen": self.rival.detach().norm()})
        self.record.append(self.rival.detach().clone())
        for turn in range(self.rounds[1]):
            z = z if turn == 0 else model.encode(batch)
            self.record.append(model.layer[0].weight.detach().clone())
            yield Update((z * self.rival).sum().square())
        self.record.append(model.layer[0].weight.detach().clone())


class Shared(Game):
    """The rival is stepped by two players, each with an optimiser of its own: a slow one, and one beside the model."""

    def players(self):
        slow = Player([self.rival], lr_scale=0.1, shared=True, schedule=lambda step, steps: 1.0)
        return {"rival": slow, "beside": Player([self.rival], shared=True)}

    def updates(self, batch, model):
        yield Update((model.encode(batch).detach() * self.rival).sum().square(), "rival")
        yield Update((model.encode(batch) * self.rival).sum().square(), ("model", "beside"))


def playing(updates=None, objective=None, precision=None, **settings):
    """A stepper over the toy game, or over ``updates(self, batch, model)``."""
    objective = objective or Game()
    if updates:
        objective.updates = updates.__get__(objective)
    model = ToyModel()
    chosen = RunSettings(dataset="toy", lr=0.1, **settings)
    return Stepper(
        objective,
        model,
        assign_parameters(objective, model, chosen, "toy"),
        precision or Precision(torch.device("cpu")),
        "toy",
        chosen.clip,
    )


def copy_state(one: Stepper, other: Stepper) -> dict[str, torch.Tensor]:
    """Give ``other`` the weights and optimiser states of ``one``; return the optimiser states, by name."""
    state = {name: value.clone() for player in one.players.values() for name, value in player.state().items()}
    other.model.load_state_dict(one.model.state_dict())
    other.objective.load_state_dict(one.objective.state_dict())
    for player in other.players.values():
        player.load(state)
    return state


def snapshot(game: Stepper) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for player in game.players.values() for name, p in player.parameters.items()}


def moved(before: dict[str, torch.Tensor], game: Stepper) -> set[str]:
    return {name for name, value in snapshot(game).items() if not torch.equal(value, before[name])}
