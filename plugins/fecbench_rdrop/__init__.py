"""R-Drop: cross-entropy, and a divergence between two dropout passes of each text (Wu et al., NeurIPS 2021)."""

from fecbench_rdrop.losses import symmetric_bernoulli_kl, symmetric_kl
from fecbench_rdrop.objective import RDrop, RDropConfig

__all__ = ["RDrop", "RDropConfig", "symmetric_bernoulli_kl", "symmetric_kl"]
