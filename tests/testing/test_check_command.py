"""``fecbench check`` says which checks hold, which fail, and where to look."""

import json

import pytest
from torch.nn.functional import cross_entropy

from fecbench import Update
from fecbench.testing import LabelSetConformance, ObjectiveConformance
from tests.support.offenders import Base, OneClass

pytestmark = pytest.mark.slow

CHECKS = [*ObjectiveConformance.checks(), *LabelSetConformance.checks()]  # ce takes several labels a text too


def test_the_command_tells_what_holds_and_what_does_not(fecbench, registered):
    code, out, err = fecbench("check", "ce", "--json")
    assert code == 0
    assert [row["failure"] for row in json.loads(out)] == [""] * len(CHECKS)
    assert f"ce: {len(CHECKS)} of {len(CHECKS)} checks hold" in err
    code, out, err = fecbench("check", registered("oneclass", OneClass))
    assert code == 1
    assert (
        "FAILED losses are finite\n  required: finite losses, logs and weights on a batch of one class\n"
        "  found:    model_loss inf" in out
    )


def test_checking_what_is_not_there(fecbench):
    code, _, err = fecbench("check", "alm")
    assert code == 2
    assert "no plugin is called 'alm'; did you mean 'aml'?" in err


class Raising(Base):
    def updates(self, batch, model):
        yield Update(cross_entropy(model.encode(batch), batch.labels + 1000))


def test_an_exception_is_a_failed_check_with_its_place_in_the_plugin(fecbench, registered):
    code, out, _ = fecbench("check", registered("raising", Raising))
    assert code == 1
    assert "found:    IndexError: Target" in out
    assert f"look at:  {__file__}:" in out
    assert "(updates)" in out
