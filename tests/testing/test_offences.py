"""An objective that breaks a rule fails exactly the check of that rule."""

import pytest

from fecbench.testing import NotConforming, ObjectiveConformance
from fecbench.testing.subject import Subject
from tests.support.offenders import (
    Adapting,
    Aftermeddling,
    AloneOnly,
    Backwards,
    Counting,
    CountingSupCon,
    Doubling,
    Forgetful,
    Idle,
    Impatient,
    Late,
    LateByClass,
    LateByList,
    Meddling,
    NeverPlayed,
    Numbering,
    OneClass,
    Opening,
    Overflowing,
    Overwriting,
    Peeping,
    Punctual,
    Reading,
    Seeding,
    SeedingByTask,
    SeedingNumPy,
    SelfMade,
    Shrinking,
    Sociable,
    Spread,
    Stealthy,
    Undecided,
    Undropped,
    Writing,
)

pytestmark = pytest.mark.slow

CHECKS = list(ObjectiveConformance.checks())


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
    SeedingByTask: ("test_random_generators_are_not_seeded", "the same state of torch from different seeds"),
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
    assert f"{'objective' if kind is CountingSupCon else 'offenders'}.py:" in str(caught.value)
    for other in ("test_inputs_are_left_unchanged", "test_bf16_stays_finite"):
        if other != check:
            getattr(kit, other)()


@pytest.mark.parametrize("check", ["test_it_learns", "test_a_resumed_run_equals_an_unbroken_one"])
def test_ctrl_c_ends_a_check(check, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Subject, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        getattr(type("Kit", (ObjectiveConformance,), {"name": "ce"})(), check)()


def test_every_check_has_an_offender():
    assert {check for check, _ in OFFENCES.values()} == set(CHECKS)
