"""CDP+MLM: classification, and two auxiliary tasks on pairs of a text and a label's definition (Singh et al. 2024)."""

from fecbench_cdp.head import PooledHead
from fecbench_cdp.losses import Masked, classification_loss, mask_tokens, mean_cross_entropy
from fecbench_cdp.objective import CDPMLM, CDPMLMConfig
from fecbench_cdp.pairs import definitions, pair_columns, paired, paired_label_sets

__all__ = [
    "CDPMLM",
    "CDPMLMConfig",
    "Masked",
    "PooledHead",
    "classification_loss",
    "definitions",
    "mask_tokens",
    "mean_cross_entropy",
    "pair_columns",
    "paired",
    "paired_label_sets",
]
