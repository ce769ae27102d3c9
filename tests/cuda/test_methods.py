"""Every method works on a CUDA device, waits for it as declared, and makes no more operations than were recorded."""

import pytest

from tests.support.device_cases import LABELS, ON_LABEL_SETS, counts, recorded

pytestmark = pytest.mark.slow

TOLERANCE = 1.02  # share of the recorded operations that a step may make
PARTS = ["before_training", "first step", "step", "logs", "weights", "after_training", "prediction"]


@pytest.mark.parametrize("label", LABELS)
def test_every_part_of_a_run_works_on_the_device(reports, label):
    assert reports[label].faulty is None
    assert list(reports[label].parts) == PARTS


@pytest.mark.parametrize("label", LABELS)
def test_a_step_waits_for_the_device_as_often_as_declared(reports, label):
    report = reports[label]
    assert report.waits() == report.declared, report.parts["step"].waits


@pytest.mark.parametrize("label", ON_LABEL_SETS)
def test_a_step_on_sets_of_labels_waits_as_often_as_declared(reports, label):
    report = reports[label]
    assert report.faulty is None
    assert report.waits() == report.declared, report.parts["step"].waits


@pytest.mark.parametrize("label", LABELS)
def test_a_step_makes_no_more_operations_than_recorded(reports, label):
    assert reports[label].operations() <= TOLERANCE * recorded()[label]["operations"], (
        "if they pay, record them: python -m tests.cuda.record_operations"
    )


@pytest.mark.parametrize("label", LABELS)
def test_copies_and_waits_are_no_more_than_recorded(reports, label):
    found, allowed = counts(reports[label]), recorded()[label]
    for kind in ("copies", "blocking_copies", "pageable_copies", "waits", "prediction_waits"):
        assert found[kind] <= allowed[kind], kind


def test_every_record_is_of_a_method():
    assert list(recorded()) == LABELS


def test_waits_are_declared_by_methods_that_cluster_on_the_host(reports):
    assert {label: reports[label].declared for label in LABELS if reports[label].declared} == {
        "aml-released": 1,
        "taco": 1,
    }
