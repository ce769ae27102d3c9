"""`fecbench certify` on a run with several labels a text: graded pairs, their floor and their bounds."""

import json

import pytest
import torch
from torch.nn.functional import normalize

from fecbench import Predictor, background_pairs, data_of, overlap
from fecbench_aml import HardPairs, mine_hard_pairs
from fecbench_aml.certificate import Target, worst_direction
from fecbench_aml.certification import CertificationSettings, attack
from tests.support.train import train

pytestmark = pytest.mark.slow
HOW = {"k_pos": 5, "k_neg": 5, "steps": 3, "restarts": 1, "seed": 0}


def run(folder, method, **options):
    return train(method, "demo-multi", folder / method, epochs=1, limit=64, **options)


@pytest.fixture(scope="module")
def aml(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs"), "aml", overlap="dice")


def slow_target(record):
    """The hard pairs of the test split, with the overlaps of all its texts at once."""
    data, predictor = data_of(record), Predictor.load(record)
    q = torch.from_numpy(data.targets("test"))
    z = normalize(predictor.features(data.splits["test"]["text"][:]))
    left_out = background_pairs(q, torch.zeros(12, dtype=torch.bool))
    t = overlap(q, "dice")
    pairs = mine_hard_pairs(z, t, k_pos=5, k_neg=5, left_out=left_out)
    return Target(z, HardPairs(*(part[pairs.valid] for part in pairs)), 0.5), predictor.objective.discriminator


def test_the_pairs_are_graded_as_in_the_run(aml):
    found = attack(aml, CertificationSettings("test", None, **HOW))
    target, trained = slow_target(aml)
    assert found.graded
    assert found.pairs == len(target.pairs.i)
    assert found.found["trained"] == target.certificate(trained.cpu())
    assert found.exact_metric == worst_direction(target)


def test_each_step_is_named(aml):
    settings, named = CertificationSettings("test", None, **{**HOW, "restarts": 2}), []
    attack(aml, settings, named.append)
    assert len(named) == len(set(named)) == settings.work == 6
    assert "ascent 2 of the metric family" in named


def test_the_runs_slope_is_asked_for(aml, monkeypatch):
    settings = {**aml.settings(), "slope": "linear"}
    monkeypatch.setattr(type(aml), "settings", lambda _: settings)
    # Features of a new encoder are too alike for any pair but one of equal labels to be less alike than it should be.
    assert not attack(aml, CertificationSettings("test", None, **HOW)).graded


def test_every_bound_holds(aml):
    for certificate in attack(aml, CertificationSettings("validation", None, **HOW)).found.values():
        assert 0 < certificate.floor < certificate.loss
        assert certificate.positive_score[0] >= certificate.positive_score[1] - 1e-8
        for name in (
            "negative_score",
            "positive_tail",
            "negative_tail",
            "violated",
            "positive_error",
            "negative_error",
        ):
            value, most = getattr(certificate, name)
            assert value <= most + 1e-8, name


def test_a_method_without_pairs_is_attacked_by_jaccard(tmp_path):
    record = run(tmp_path, "ce", head="label")
    found = attack(record, CertificationSettings("test", None, **HOW))
    assert set(found.found) == {"mlp", "metric"}
    assert found.graded


def test_the_table_shows_the_floor_of_graded_pairs_alone(aml, fecbench, toy, tmp_path):
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in HOW.items()]
    code, out, _ = fecbench("certify", str(aml.folder), *flags)
    assert code == 0
    assert all(word in out for word in ("floor", "|s-t| on P+", "no loss is below it"))
    record = train("aml", toy, tmp_path / "single", epochs=1)
    code, out, _ = fecbench("certify", str(record.folder), *flags)
    assert code == 0
    assert "floor" not in out
    code, out, _ = fecbench("certify", str(record.folder), *flags, "--json")
    (found,) = json.loads(out)
    assert {certificate["floor"] for certificate in found["found"].values()} == {0.0}
