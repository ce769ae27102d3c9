"""LCL: label-aware contrastive loss (Suresh and Ong, EMNLP 2021)."""

from fecbench_lcl.head import LCLHead
from fecbench_lcl.losses import label_aware_contrastive_loss
from fecbench_lcl.objective import LCL, LCLConfig

__all__ = ["LCL", "LCLConfig", "LCLHead", "label_aware_contrastive_loss"]
