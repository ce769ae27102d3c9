"""HypEmo: cross-entropy weighted by hyperbolic distance (Chen, Hung, Hsu, Ku, ACL 2023).

The operations in the Poincaré ball, the label vectors and the losses work without fecbench's trainer.
"""

from fecbench_hypemo.head import HypEmoHead
from fecbench_hypemo.losses import hyperbolic_loss, label_distances, weighted_cross_entropy
from fecbench_hypemo.objective import HypEmo, HypEmoConfig
from fecbench_hypemo.projector import BallProjector
from fecbench_hypemo.tree import LabelTree, tree_for
from fecbench_hypemo.vectors import poincare_vectors

__all__ = [
    "BallProjector",
    "HypEmo",
    "HypEmoConfig",
    "HypEmoHead",
    "LabelTree",
    "hyperbolic_loss",
    "label_distances",
    "poincare_vectors",
    "tree_for",
    "weighted_cross_entropy",
]
