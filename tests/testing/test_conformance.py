"""Every objective passes the conformance kit; one that breaks a rule fails exactly the check of that rule."""

import json
import os
import time
from time import perf_counter

import numpy as np
import pytest
import torch
from pydantic import field_validator
from torch import nn
from torch.nn.functional import cross_entropy

from fecbench import BatchNeeds, Config, Objective, Player, Predictor, Update
from fecbench.core import registry
from fecbench.core.files import read_tensors
from fecbench.data.datasets.builtin import demo
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.testing import NotConforming, ObjectiveConformance
from fecbench_supcon import SupCon

pytestmark = pytest.mark.slow

CHECKS = list(ObjectiveConformance.checks())
KITS = {name: type("Kit", (ObjectiveConformance,), {"name": name})() for name in registry.objectives}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", KITS)
def test_every_registered_objective_conforms(name, check):
    getattr(KITS[name], check)()


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
    """How many batches it has seen isn't saved, and changes what it does."""

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


OFFENCES = {
    Doubling: ("test_options_go_to_the_command_line_and_to_toml_and_back", r"found:    .*k=8"),
    OneClass: ("test_losses_are_finite", "finite losses, logs and weights on a batch of one class"),
    AloneOnly: ("test_losses_are_finite", "finite losses, logs and weights on a batch of one text"),
    Spread: ("test_losses_are_finite", "finite losses, logs and weights on a batch of one text"),
    Aftermeddling: ("test_gradients_reach_exactly_the_player_named", r"found:    objective\.critic\.bias"),
    NeverPlayed: (
        "test_gradients_reach_exactly_the_player_named",
        r"none for objective\.critic\.bias, objective\.critic\.weight in an epoch",
    ),
    CountingSupCon: ("test_a_resumed_run_equals_an_unbroken_one", "differ after resuming"),
    Meddling: ("test_gradients_reach_exactly_the_player_named", r"found:    objective\.critic\.bias"),
    Idle: (
        "test_gradients_reach_exactly_the_player_named",
        r"none for objective\.forgotten\.bias, objective\.forgotten\.weight",
    ),
    Writing: ("test_inputs_are_left_unchanged", "rows changed"),
    Undecided: ("test_the_same_seed_gives_the_same_numbers", "equal numbers from equal seeds"),
    Forgetful: ("test_state_survives_saving_and_loading", "keep state in parameters and buffers"),
    Overflowing: ("test_bf16_stays_finite", "on a batch under bf16 autocast"),
    Counting: ("test_a_resumed_run_equals_an_unbroken_one", "differ after resuming"),
    Backwards: ("test_it_learns", r"validation accuracy above 0\.137"),
    Reading: ("test_predictions_need_no_labels_and_no_row_numbers", "with other labels"),
    Numbering: ("test_predictions_need_no_labels_and_no_row_numbers", "with other rows"),
    Peeping: ("test_no_rows_are_read_but_those_given", "a data set was loaded"),
    Opening: ("test_no_rows_are_read_but_those_given", r"demo\.csv was opened"),
    Seeding: ("test_random_generators_are_not_seeded", "the same state of torch from different seeds"),
    SeedingNumPy: ("test_random_generators_are_not_seeded", "the same state of NumPy from different seeds"),
    Shrinking: ("test_the_trainer_alone_makes_the_steps", "parameters that only the trainer's steps move"),
    Stealthy: ("test_the_trainer_alone_makes_the_steps", "parameters that only the trainer's steps move"),
    SelfMade: ("test_the_trainer_alone_makes_the_steps", "gradients that only the trainer computes"),
    Undropped: ("test_the_trainer_alone_makes_the_steps", "losses computed in train mode"),
    Late: ("test_counters_in_plain_python_change_nothing", r"when objective\.seen is 100 larger"),
    LateByList: ("test_counters_in_plain_python_change_nothing", r"when objective\.sizes is 100 larger"),
    LateByClass: ("test_counters_in_plain_python_change_nothing", r"when LateByClass\.seen is 100,000 larger"),
    Overwriting: ("test_inputs_are_left_unchanged", r"tokens\.ids changed"),
    Sociable: ("test_predictions_do_not_depend_on_the_rest_of_the_batch", "with smaller batches"),
    Adapting: ("test_predictions_change_no_state", r"objective/asked changed|objective\.asked changed"),
    Punctual: ("test_the_same_seed_gives_the_same_numbers", "equal numbers at any time of the day"),
    Impatient: ("test_the_same_seed_gives_the_same_numbers", "equal numbers at any time of the day"),
}


@pytest.mark.parametrize("kind", OFFENCES)
def test_an_offence_fails_the_check_of_its_rule(kind, registered):
    check, reason = OFFENCES[kind]
    kit = type("Kit", (ObjectiveConformance,), {"name": registered(kind.__name__.lower(), kind)})()
    with pytest.raises(NotConforming, match=reason) as caught:
        getattr(kit, check)()
    assert f"{'objective' if kind is CountingSupCon else 'test_conformance'}.py:" in str(caught.value)
    for other in ("test_inputs_are_left_unchanged", "test_bf16_stays_finite"):
        if other != check:
            getattr(kit, other)()


def test_every_check_has_an_offender():
    assert {check for check, _ in OFFENCES.values()} == set(CHECKS)


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


class Silent(Base):
    """It only predicts."""

    trains = False

    def updates(self, batch, model):
        raise AssertionError("never called")


class Picky(Base):
    """Big batches, groups of a label, further texts."""

    needs = BatchNeeds(min_size=20, columns=("aug_text",), second_view="augmented", per_label=6)

    def loss(self, batch, model):
        assert len(batch) >= 24
        assert (batch.labels.bincount() % 6 == 0).all()
        return super().loss(batch.doubled(), model) + 0 * super().loss(batch.view("aug_text"), model)


class Fitted(Base):
    """What it found before training, and a teacher that isn't trained."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.teacher = nn.Linear(3, 3).requires_grad_(False)
        self.register_buffer("prior", torch.full((task.classes,), torch.nan))

    def before_training(self, stage):
        counts = torch.bincount(stage.labels["train"], minlength=self.task.classes)
        self.prior.copy_((counts / counts.sum()).log())

    def loss(self, batch, model):
        return cross_entropy(model.classify(model.project(model.encode(batch))).float() + self.prior, batch.labels)


class Worded(Base):
    class Config(Config):
        mark: str = '\N{SMILING FACE WITH OPEN MOUTH} -- "so"'
        shift: int = -3
        limit_to: float | None = None


@pytest.mark.parametrize("kind", [Silent, Picky, Fitted, Worded])
def test_what_is_unusual_but_legal_conforms(kind, registered):
    kit = type("Kit", (ObjectiveConformance,), {"name": registered(kind.__name__.lower(), kind)})()
    for check in CHECKS:
        if check != "test_it_learns" or kind is Silent:
            getattr(kit, check)()


class Ensemble(Base):
    """A second network with a label head predicts."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.other = task.new_model("label")

    def loss(self, batch, model):
        return super().loss(batch, model) + super().loss(batch, self.other)

    def predict(self, batch, model):
        return super().predict(batch, self.other)


def test_a_further_model_with_a_label_head_predicts_as_it_was_tested(registered, toy, tmp_path):
    chosen = plan(
        registered("ensemble", Ensemble), {"dataset": str(toy), "encoder": "scratch", "epochs": 6, "device": "cpu"}
    )
    record = run(chosen, RunContext(DataLocations(), tmp_path / "run"))
    rows = load_dataset(chosen.settings, DataLocations()).splits["test"]["text"][:]
    logits = read_tensors(record.folder / "predictions.safetensors")[0]["logits"]
    torch.testing.assert_close(Predictor.load(record).probabilities(rows), logits.softmax(1), rtol=1e-4, atol=1e-5)
    assert logits.softmax(1).std() > 0.01
