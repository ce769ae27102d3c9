"""Each check is named before it runs."""

from fecbench.testing.running import kit_of, outcomes


def test_each_check_is_named_before_its_outcome():
    kit, named = kit_of("metrics", "accuracy"), []
    for outcome in outcomes(kit, named.append):
        assert named[-1] == outcome.check
    assert len(named) == len(kit.checks()) > 1
