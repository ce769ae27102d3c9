"""R-Drop: two dropout passes of each text must agree (Wu et al., NeurIPS 2021). The strongest cheap baseline beside cross-entropy."""

from fecbench_rdrop.losses import symmetric_kl
from fecbench_rdrop.objective import RDrop, RDropConfig

__all__ = ["RDrop", "RDropConfig", "symmetric_kl"]
