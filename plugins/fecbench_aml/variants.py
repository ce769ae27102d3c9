"""Rows of their own: AML with one choice made differently. Each is a preset of the one class; every option can still be set."""

from typing import ClassVar

from fecbench_aml.objective import AML


class AMLThreshold(AML):
    """AML-threshold: all pairs on the wrong side of a fixed similarity (the paper, section 4.3)."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "strategy": "threshold"}


class AMLUniform(AML):
    """AML w/o hard: random pairs of each anchor (the paper, section 4.3)."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "strategy": "uniform"}


class AMLNoAdversary(AML):
    """AML w/o Adv: cross-entropy alone on the same head (the paper, section 4.3)."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "weight": 0.0}


class AMLCooperate(AML):
    """The discriminator, a weighted distance, minimises the pair loss too: metric learning with a learned metric, nobody's adversary."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "adversary": "cooperate"}


class AMLConfuse(AML):
    """The discriminator, a weighted distance, minimises the pair loss on flipped targets."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "adversary": "confuse"}


class AMLMLP(AML):
    """The discriminator is an MLP and maximises the pair loss, over a family without a maximum: the paper's, with --no-normalize."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp"}


class AMLMLPConfuse(AML):
    """The discriminator is an MLP and minimises the pair loss on flipped targets: a bounded adversary."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp", "adversary": "confuse"}


class AMLMLPCooperate(AML):
    """The discriminator is an MLP and minimises the pair loss: nobody's adversary."""

    variant_of: ClassVar = "aml"
    settings: ClassVar = {**AML.settings, "family": "mlp", "adversary": "cooperate"}
