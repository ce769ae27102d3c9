"""The kit for texts with several labels tells right objectives from wrong ones."""

import json

import pytest
from torch.nn.functional import cross_entropy

from fecbench import Objective, Update
from fecbench.core.errors import LabellingError, ProtocolError
from fecbench.core.registry import objectives
from fecbench.testing import DeviceConformance, LabelSetConformance, LabelSetDeviceConformance, ObjectiveConformance
from fecbench.testing.findings import NotConforming
from fecbench.testing.running import kits_of

CHECKS, SINGLE_CHECKS = list(LabelSetConformance.checks()), list(ObjectiveConformance.checks())
FINITE, EVERY = "test_losses_are_finite_for_any_number_of_labels", "test_every_label_of_a_text_counts"


class Right(Objective):
    """The likelihood of the labels."""

    labellings = ("multi",)

    def updates(self, batch, model):
        yield Update(self.loss(model.classify(model.project(model.encode(batch))).float(), batch))

    def loss(self, logits, batch):
        return self.task.nll(logits, batch)


class Both(Right):
    labellings = ("single", "multi")


class FirstLabel(Right):
    """Of several labels it reads the first."""

    def loss(self, logits, batch):
        return cross_entropy(logits, batch.targets.argmax(1))


class LastLabel(Right):
    """Of several labels it reads the last."""

    def loss(self, logits, batch):
        return cross_entropy(logits, logits.shape[1] - 1 - batch.targets.flip(1).argmax(1))


class Shared(Right):
    """It divides by the number of a text's labels."""

    def loss(self, logits, batch):
        return cross_entropy(logits, batch.targets / batch.targets.sum(1, keepdim=True))


class OneLabel(Right):
    """It declares several labels, and reads one."""

    def loss(self, logits, batch):
        return cross_entropy(logits, batch.labels)


class NoTraining(Right):
    trains = False


class Kept(Objective):
    """For one label a text."""

    def updates(self, batch, model):
        yield Update(cross_entropy(model.classify(model.project(model.encode(batch))), batch.labels))


def kit(kind, registered):
    return type("Kit", (LabelSetConformance,), {"name": registered(kind.__name__.lower(), kind)})()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "check", "reason"),
    [
        (FirstLabel, EVERY, "found:    the same losses without the last label of texts with several"),
        (LastLabel, EVERY, "found:    the same losses without the first label of texts with several"),
        (Shared, FINITE, "finite losses, logs and weights on a batch of texts without labels"),
    ],
)
def test_an_offence_fails_the_check_of_its_rule(kind, check, reason, registered):
    offender = kit(kind, registered)
    with pytest.raises(NotConforming, match=reason) as caught:
        getattr(offender, check)()
    assert "test_label_set_kit.py:" in str(caught.value)
    offender.test_inputs_are_left_unchanged()


@pytest.mark.slow
def test_reading_one_label_a_text_fails_with_the_way_out(registered):
    with pytest.raises(ProtocolError, match=r"one label a text is needed .*read targets \(\[B, C\]\)"):
        kit(OneLabel, registered).test_losses_are_finite()


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS)
def test_a_right_objective_conforms(check, registered):
    getattr(kit(Right, registered), check)()


@pytest.mark.parametrize("check", [FINITE, EVERY, "test_it_learns"])
def test_what_does_not_train_has_no_losses_to_check(check, registered):
    getattr(kit(NoTraining, registered), check)()


def test_an_objective_for_one_label_is_refused_by_the_kit(registered):
    with pytest.raises(LabellingError, match="is for data with one label a text, and demo-multi gives several"):
        kit(Kept, registered).test_losses_are_finite()


@pytest.mark.parametrize(
    ("kind", "bases", "device_bases"),
    [
        (Kept, [ObjectiveConformance], [DeviceConformance]),
        (Right, [LabelSetConformance], [LabelSetDeviceConformance]),
        (Both, [ObjectiveConformance, LabelSetConformance], [DeviceConformance, LabelSetDeviceConformance]),
    ],
)
def test_an_objective_is_checked_on_all_data_that_it_takes(kind, bases, device_bases, registered):
    name = registered(kind.__name__.lower(), kind)
    assert [type(kit).__bases__ for kit in kits_of(objectives.kind, name)] == [(base,) for base in bases]
    assert [type(kit).__bases__ for kit in kits_of(objectives.kind, name, "cuda")] == [(base,) for base in device_bases]


@pytest.mark.slow
def test_the_command_checks_on_texts_with_several_labels_too(fecbench, registered):
    code, out, err = fecbench("check", registered("both", Both), "--json")
    rows = json.loads(out)
    assert code == 0, [row["failure"] for row in rows if row["failure"]]
    named = [row["check"] for row in rows if row["check"].endswith(" (several labels a text)")]
    assert (len(rows), len(named)) == (len(SINGLE_CHECKS) + len(CHECKS), len(CHECKS))
    assert f"both: {len(rows)} of {len(rows)} checks hold" in err
