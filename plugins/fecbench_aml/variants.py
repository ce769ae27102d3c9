"""Variants of AML that are methods of their own: presets of one class, each with other default settings."""

from typing import ClassVar

from fecbench_aml.objective import AML


class AMLThreshold(AML):
    """AML-threshold: all pairs on the wrong side of a fixed similarity (AML paper, section 4.3)."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "strategy": "threshold"}


class AMLUniform(AML):
    """AML w/o hard: random pairs of each anchor (AML paper, section 4.3)."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "strategy": "uniform"}


class AMLNoAdversary(AML):
    """AML w/o Adv: cross-entropy alone on the same head (AML paper, section 4.3)."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "weight": 0.0}


class AMLCooperate(AML):
    """AML with a weighted distance that minimises the pair loss too: metric learning with a learned metric."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "adversary": "cooperate"}


class AMLConfuse(AML):
    """AML with a weighted distance that minimises the pair loss on flipped targets."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "adversary": "confuse"}


class AMLMLP(AML):
    """AML with an MLP that maximises the pair loss, which has no maximum; with --no-normalize the paper's form."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp"}


class AMLMLPConfuse(AML):
    """AML with an MLP that minimises the pair loss on flipped targets: an adversary with a bounded loss."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp", "adversary": "confuse"}


class AMLMLPCooperate(AML):
    """AML with an MLP that minimises the pair loss: no adversary."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp", "adversary": "cooperate"}
