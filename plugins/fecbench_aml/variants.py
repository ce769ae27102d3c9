"""Rows of their own: AML with one choice made differently. Each is a preset of the one class; every option can still be set."""

from typing import ClassVar

from fecbench_aml.objective import AML


class AMLThreshold(AML):
    """AML-threshold: all pairs on the wrong side of a fixed similarity (the paper, section 4.3)."""

    settings: ClassVar = {**AML.settings, "strategy": "threshold"}


class AMLUniform(AML):
    """AML w/o hard: random pairs of each anchor (the paper, section 4.3)."""

    settings: ClassVar = {**AML.settings, "strategy": "uniform"}


class AMLNoAdversary(AML):
    """AML w/o Adv: cross-entropy alone on the same head (the paper, section 4.3)."""

    settings: ClassVar = {**AML.settings, "weight": 0.0}


class AMLMaximize(AML):
    """The discriminator maximises the pair loss: the paper's equation to the letter, over a family without a maximum."""

    settings: ClassVar = {**AML.settings, "adversary": "maximize"}


class AMLConfuse(AML):
    """The discriminator minimises the pair loss on flipped targets: a bounded adversary."""

    settings: ClassVar = {**AML.settings, "adversary": "confuse"}


class AMLMetric(AML):
    """The discriminator is a weighted distance and maximises the pair loss, as it can: over this family a maximum exists."""

    settings: ClassVar = {**AML.settings, "family": "metric", "adversary": "maximize"}
