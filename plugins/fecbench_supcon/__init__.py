"""SupCon: supervised contrastive loss beside cross-entropy (Khosla et al. 2020; Gunel et al. 2021)."""

from fecbench_supcon.losses import supcon_loss
from fecbench_supcon.objective import SupCon, SupConConfig

__all__ = ["SupCon", "SupConConfig", "supcon_loss"]
