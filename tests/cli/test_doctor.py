"""``fecbench doctor``: versions, devices and caches of this machine."""

import json


def test_doctor_says_what_works(fecbench, here):
    code, out, err = fecbench("doctor", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["--dataset demo"]["works"] is True
    assert found["--dataset ge"]["works"] is False
    assert found["hub"] == {"works": False, "finding": found["hub"]["finding"]}
    assert "HF_HUB_OFFLINE" in found["hub"]["finding"]
    assert found["--encoder scratch"]["works"] is True
    assert found["torch"]["finding"]
    assert "unavailable" in fecbench("doctor")[1]


def test_version(fecbench):
    assert fecbench("--version")[1].startswith("fecbench, version 0.")
