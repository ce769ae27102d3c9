"""The device check fails where an objective breaks a rule, and names the line."""

import sys

import pytest

from fecbench.testing import DeviceConformance, NotConforming
from tests.support.device_offences import NAMES, case, install

pytestmark = pytest.mark.slow

DEVICE = "test_its_tensors_are_on_the_device"
WAITS = "test_a_step_waits_for_the_device_only_as_declared"
PREDICTION = "test_a_prediction_waits_for_the_device_once_a_batch_at_most"
OPERATIONS = "test_a_step_makes_no_more_operations_than_allowed"
CHECKS = [DEVICE, WAITS, PREDICTION, OPERATIONS]


@pytest.fixture(scope="session")
def offences(report_once, tmp_path_factory):
    """The report of each offence, by name."""
    folder = tmp_path_factory.mktemp("offences")
    install(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        return dict(zip(NAMES, report_once("offences", lambda: [case(name) for name in NAMES]), strict=True))


@pytest.fixture
def kit(offences):
    """A kit with an offence's report."""

    def made(name: str, **attributes: object) -> DeviceConformance:
        kit = type("Kit", (DeviceConformance,), {"name": "ce", **attributes})()
        vars(kit)["report"] = offences[name]
        return kit

    return made


def failing(kit: DeviceConformance) -> dict[str, NotConforming]:
    failures = {}
    for check in CHECKS:
        try:
            getattr(kit, check)()
        except NotConforming as failure:
            failures[check] = failure
    return failures


@pytest.mark.parametrize(
    ("name", "check", "finding"),
    [
        ("Item", WAITS, "a value read by the host"),
        ("Condition", WAITS, "a value read by the host"),
        ("List", WAITS, "blocking copy to the host"),
        ("NumPy", WAITS, "blocking copy to the host"),
        ("Mask", WAITS, "index by a mask"),
        ("Nonzero", WAITS, "nonzero"),
        ("Unique", WAITS, "unique"),
        ("Copied", WAITS, "blocking copy to the device"),
        ("HostIndex", WAITS, "index on the host"),
        ("HostTensor", DEVICE, "in first step"),
        ("HostGenerator", DEVICE, "needs a generator of that device"),
        ("Stage", DEVICE, "in after_training"),
        ("Pinned", DEVICE, "only tensors on the CPU can be pinned"),
        ("Predicting", PREDICTION, "a value read by the host"),
    ],
)
def test_an_offence_fails_its_check_alone(kit, name, check, finding):
    failures = failing(kit(name))
    assert list(failures) == [check]
    assert finding in failures[check].found
    assert "device_offences_module.py:" in str(failures[check])


@pytest.mark.parametrize("name", ["Base", "Declared", "Wasteful"])
def test_what_is_declared_or_allowed_passes(kit, name):
    assert failing(kit(name)) == {}


def test_more_operations_than_allowed_fail(kit, offences):
    allowed = offences["Base"].operations()
    assert list(failing(kit("Base", max_operations=allowed))) == []
    assert list(failing(kit("Base", max_operations=allowed - 1))) == [OPERATIONS]
    failures = failing(kit("Wasteful", max_operations=allowed))
    assert f"at most {allowed:,} operations a step" in str(failures[OPERATIONS])


def test_a_wait_in_each_step_is_counted_once(offences):
    assert offences["Base"].waits() == 0
    assert [offences[name].waits() for name in ("Item", "List", "NumPy", "Unique")] == [1, 1, 1, 1]
