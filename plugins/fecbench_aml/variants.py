"""Variants of AML that are methods of their own: presets of one class, each with other default settings."""

from typing import ClassVar

from fecbench_aml.objective import AML


class AMLThreshold(AML):
    """AML-threshold: all pairs on the wrong side of a fixed similarity (AML paper, section 4.3)."""

    display: ClassVar = "AML-threshold"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "strategy": "threshold"}


class AMLUniform(AML):
    """AML w/o hard: random pairs of each anchor (AML paper, section 4.3)."""

    display: ClassVar = "AML w/o hard"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "strategy": "uniform"}


class AMLNoAdversary(AML):
    """AML w/o Adv: cross-entropy alone on the same head (AML paper, section 4.3)."""

    display: ClassVar = "AML w/o Adv"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "weight": 0.0}


class AMLCooperate(AML):
    """AML with a weighted distance that minimises the pair loss too: metric learning with a learned metric."""

    display: ClassVar = "AML-cooperate"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "adversary": "cooperate"}


class AMLConfuse(AML):
    """AML with a weighted distance that minimises the pair loss on flipped targets."""

    display: ClassVar = "AML-confuse"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "adversary": "confuse"}


class AMLMLP(AML):
    """AML with an MLP that maximises the pair loss, which has no maximum; with --no-normalize the paper's form."""

    display: ClassVar = "AML-MLP"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp"}


class AMLMLPConfuse(AML):
    """AML with an MLP that minimises the pair loss on flipped targets: an adversary with a bounded loss."""

    display: ClassVar = "AML-MLP-confuse"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp", "adversary": "confuse"}


class AMLMLPCooperate(AML):
    """AML with an MLP that minimises the pair loss: no adversary."""

    display: ClassVar = "AML-MLP-cooperate"
    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp", "adversary": "cooperate"}
