"""The parameters that players claim: disjoint unless shared, and the model's where no player claims them."""

import pytest
import torch
from torch import nn

from fecbench import Player
from fecbench.core.errors import ProtocolError
from fecbench.core.settings import RunSettings
from fecbench.training.optimizers import assign_parameters
from tests.support.toy_game import Game, ToyModel


def test_what_no_player_claims_belongs_to_model():
    game = Game()
    game.extra = nn.Linear(2, 2)
    found = assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")
    assert list(found) == ["model", "rival"]
    assert "objective.extra.weight" in found["model"].parameters
    assert set(found["rival"].parameters) == {"objective.rival"}


@pytest.mark.parametrize(
    ("players", "message"),
    [
        (lambda g: {"model": Player([g.rival])}, "the player name 'model' is taken"),
        (lambda g: {"rival": Player([])}, "'rival' must claim parameters, but claims none; return"),
        (
            lambda g: {"rival": Player([nn.Parameter(torch.ones(1))])},
            "claims a parameter that neither the objective nor the model holds",
        ),
        (
            lambda g: {"one": Player([g.rival]), "two": Player([g.rival])},
            r"'one' and 'two' both claim objective\.rival",
        ),
    ],
)
def test_players_are_disjoint_and_own_something(players, message):
    game = Game()
    game.players = lambda: players(game)
    with pytest.raises(ProtocolError, match=message):
        assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")


def test_a_player_claims_a_parameter_once():
    game = Game()
    game.players = lambda: {"one": Player([game.rival, game.rival], shared=True)}
    with pytest.raises(ProtocolError, match="players must be disjoint"):
        assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")


@pytest.mark.parametrize("shared", [(True, False), (False, True)])
def test_sharing_is_said_by_both(shared):
    game = Game()
    game.players = lambda: {
        name: Player([game.rival], shared=said) for name, said in zip(("one", "two"), shared, strict=True)
    }
    with pytest.raises(
        ProtocolError,
        match=r"'one' and 'two' both claim objective\.rival; leave it to one of them, or give both shared=True",
    ):
        assign_parameters(game, ToyModel(), RunSettings(dataset="toy"), "toy")
