"""The contrastive methods work on a CUDA device on sets of labels too, and wait for it as declared."""

import pytest

from fecbench.testing.device_check.measure import Case
from fecbench.testing.subject import subject_of
from tests.support.device_cases import ENCODER

pytestmark = pytest.mark.slow

CASES = {
    "supcon": ("supcon", {}),
    "supcon, cooccurrence": ("supcon", {"overlap": "cooccurrence", "divide_by": "count"}),
    "sacl": ("sacl", {"focal_gamma": 1.0}),
    "sacl, supcon": ("sacl", {"scl": "supcon", "neutral": "label"}),
    "taco": ("taco", {}),
    "lcl": ("lcl", {"overlap": "agreement"}),
    "r-drop": ("r-drop", {}),
}


def made() -> list[Case]:
    return [
        Case(method, subject_of(method, (("dataset", "demo-multi"), ("encoder", ENCODER), *options.items())).flags)
        for method, options in CASES.values()
    ]


@pytest.fixture(scope="module")
def set_reports(report_once):
    """The report of every case, by its label."""
    return dict(zip(CASES, report_once("contrast-on-label-sets", made), strict=True))


@pytest.mark.parametrize("label", CASES)
def test_a_step_on_sets_waits_for_the_device_as_often_as_declared(set_reports, label):
    report = set_reports[label]
    assert report.faulty is None
    assert report.waits() == report.declared, report.parts["step"].waits
