"""Every registered objective conforms on texts with several labels, or refuses them in a sentence."""

import pytest

from fecbench import DatasetInfo
from fecbench.core import registry
from fecbench.core.errors import LabellingError, UsageError
from fecbench.objective.check import get_objective
from fecbench.runs.plan import labelling_refusal, plan
from fecbench.testing import LabelSetConformance
from fecbench_tfd import Debiasing

NAMES = list(registry.objectives)
KITS = {
    name: type("Kit", (LabelSetConformance,), {"name": name})()
    for name in NAMES
    if "multi" in get_objective(name).labellings
}
COOCCURRENCE = {"overlap": "cooccurrence", "slope": "linear", "adversary": "confuse"}
KITS["aml with co-occurrence"] = type("Kit", (LabelSetConformance,), {"name": "aml", "settings": COOCCURRENCE})()


def checks(name: str) -> list[str]:
    """Return the checks of a kit; of a variant those of label sets alone, since it shares the code of its method."""
    every = list(LabelSetConformance.checks())
    is_variant = bool(get_objective(KITS[name].name).variant_of)
    return [check for check in every if check in vars(LabelSetConformance) or not is_variant]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "check"), [(name, check) for name in KITS for check in checks(name)])
def test_every_objective_for_several_labels_conforms(name, check):
    getattr(KITS[name], check)()


@pytest.mark.parametrize("name", NAMES)
def test_every_objective_takes_several_labels_or_refuses_in_a_sentence(name):
    if name in KITS:
        assert plan(name, {"dataset": "demo-multi"}).name == name
    else:
        with pytest.raises(LabellingError, match=f"objective {name} .* is for data with one label a text"):
            plan(name, {"dataset": "demo-multi"})


def test_a_refusal_gives_the_reason_of_the_method():
    with pytest.raises(
        UsageError,
        match=r"^objective hypemo \(fecbench\) is for data with one label a text, and ge-multi gives several: it "
        r"weighs a text by the distance to its one label; use another data set, or one of .*\bce\b",
    ):
        plan("hypemo", {"dataset": "ge-multi"})


@pytest.mark.parametrize("name", ["ce", "emoberta"])
def test_likelihoods_take_shares_of_labels(name):
    for labelling in ("single", "multi"):
        shares = DatasetInfo("votes", "", "", "", labelling=labelling, soft=True)
        assert labelling_refusal(get_objective(name), shares) == ""


@pytest.mark.parametrize("name", ["cdp-mlm", "tfd", "llm-prompt", "hypemo"])
def test_others_refuse_shares_of_labels(name):
    shares = DatasetInfo("votes", "", "", "", soft=True)
    assert labelling_refusal(get_objective(name), shares).startswith("is for whole labels, and votes gives shares of")


def test_debiasing_keeps_the_labellings_of_the_debiased_objective_but_takes_no_shares():
    kinds = [type("Debiased", (Debiasing, get_objective(name)), {}) for name in ("ce", "hypemo")]
    assert [kind.labellings for kind in kinds] == [("single", "multi"), ("single",)]
    assert not any(kind.soft for kind in kinds)
