"""AML: adversarial metric learning (Chen et al.): hard pairs, a pairwise discriminator, and alternating updates.

The mining, the discriminator and the loss are plain functions and modules, usable without fecbench.
"""

from fecbench_aml.discriminator import PairDiscriminator
from fecbench_aml.losses import aml_loss
from fecbench_aml.mining import HardPairs, mine_hard_pairs
from fecbench_aml.objective import AML, AMLConfig

__all__ = ["AML", "AMLConfig", "HardPairs", "PairDiscriminator", "aml_loss", "mine_hard_pairs"]
