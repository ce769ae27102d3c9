"""AML works on a CUDA device with graded pairs too, and waits for it as declared."""

import pytest

from fecbench.testing.device_check.measure import Case
from fecbench.testing.subject import subject_of
from tests.support.device_cases import ENCODER

pytestmark = pytest.mark.slow

SETS = {"dataset": "demo-multi"}
CASES = {
    "aml": ("aml", SETS),
    "aml, cooccurrence": ("aml", {**SETS, "overlap": "cooccurrence", "slope": "linear", "neutral": "label"}),
    "aml, single labels": ("aml", {"overlap": "cooccurrence", "cooccurrence_from": "demo-multi"}),
    "aml-uniform": ("aml-uniform", {**SETS, "overlap": "agreement"}),
    "aml-threshold": ("aml-threshold", SETS),
    "aml-released": ("aml-released", SETS),
}


def made() -> list[Case]:
    return [
        Case(method, subject_of(method, (("encoder", ENCODER), *options.items())).flags)
        for method, options in CASES.values()
    ]


@pytest.fixture(scope="module")
def graded_reports(report_once):
    """The report of every case, by its label."""
    return dict(zip(CASES, report_once("aml-on-label-sets", made), strict=True))


@pytest.mark.parametrize("label", CASES)
def test_a_step_on_graded_pairs_waits_for_the_device_as_often_as_declared(graded_reports, label):
    report = graded_reports[label]
    assert report.faulty is None
    assert report.waits() == report.declared, report.parts["step"].waits
